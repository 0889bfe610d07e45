import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoopStretches } from '../src/loop-stretches.ts'

const at = (atMs: number, activeMs: number, cpuMs: number) => ({ atMs, activeMs, cpuMs })
const begin = at(0, 0, 0)
const [first, second] = [{}, {}]

test('a loop that turns in time has no stretches', () => {
  const stretches = new LoopStretches({ tickMs: 10, begin })
  for (let tick = 1; tick <= 100; tick++) stretches.turned(at(tick * 11, tick * 9, tick * 8))
  assert.deepEqual(stretches.between(0, at(1_105, 900, 800)), [])
})

test('a turn that comes late was held up by a stretch, which lasted as long as the loop was active', () => {
  const stretches = new LoopStretches({ tickMs: 10, begin })
  stretches.turned(at(310, 300, 20))
  stretches.turned(at(320, 301, 21))
  assert.deepEqual(stretches.between(0, at(325, 302, 22)), [{ startMs: 10, endMs: 310, cpuMs: 20, owner: undefined }])
  assert.deepEqual(stretches.between(310, at(325, 302, 22)), [])
  assert.equal(stretches.between(309, at(325, 302, 22)).length, 1)
})

test('a turn that comes late after an idle process is none', () => {
  const stretches = new LoopStretches({ tickMs: 10, begin })
  stretches.turned(at(500, 1, 1))
  assert.deepEqual(stretches.between(0, at(501, 1, 1)), [])
})

test('a stretch in progress is told to a span that ends in it', () => {
  const stretches = new LoopStretches({ tickMs: 10, begin })
  const [stretch] = stretches.between(0, at(80, 78, 77))
  assert.deepEqual(stretch, { startMs: 2, endMs: 80, cpuMs: 77, owner: undefined })
})

test('time in which nobody watched is no stretch', () => {
  const stretches = new LoopStretches({ tickMs: 10, begin })
  stretches.turned(at(5_000, 4_000, 4_000), false)
  assert.deepEqual(stretches.between(0, at(5_001, 4_001, 4_001)), [])
})

test('a stretch between two spans of one request is its own', () => {
  const stretches = new LoopStretches({ tickMs: 10, begin })
  stretches.mark(second, 1)
  stretches.mark(first, 3)
  stretches.mark(first, 298)
  stretches.mark(second, 300)
  stretches.turned(at(301, 300, 300))
  assert.equal(stretches.between(0, at(302, 300, 300))[0]!.owner, first)
})

test('between a span of one request and one of another it may be either’s, and is nobody’s', () => {
  const stretches = new LoopStretches({ tickMs: 10, begin })
  stretches.mark(first, 3)
  stretches.mark(second, 298)
  stretches.turned(at(301, 300, 300))
  assert.equal(stretches.between(0, at(302, 300, 300))[0]!.owner, undefined)
})

test('with a mark at one end alone it belongs to that', () => {
  for (const atMs of [2, 299]) {
    const stretches = new LoopStretches({ tickMs: 10, begin })
    stretches.mark(first, atMs)
    stretches.turned(at(301, 300, 300))
    assert.equal(stretches.between(0, at(302, 300, 300))[0]!.owner, first)
  }
})

test('what is kept is bounded', () => {
  const stretches = new LoopStretches({ tickMs: 10, begin })
  for (let turn = 1; turn <= 1_000; turn++) {
    for (let mark = 0; mark < 20; mark++) stretches.mark(first, turn * 100)
    stretches.turned(at(turn * 100, turn * 90, turn * 90))
  }
  assert.equal(stretches.between(0, at(100_001, 90_000, 90_000)).length, 100)
})
