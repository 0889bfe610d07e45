import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from 'seaworthy/core'
import { VirtualClock } from '@seaworthy/testing'
import type { Ask, SafeRequest } from '../../src/compare/index.ts'
import { Shadow, type ShadowLimits } from '../../src/compare/shadow.ts'
import { NOW_MS } from './answers.ts'

function rig(limits: Partial<ShadowLimits>, answerMs = 100) {
  const clock = new VirtualClock({ nowMs: NOW_MS })
  const running = { now: 0, most: 0, asked: 0 }
  const ask: Ask = async () => {
    running.asked++
    running.most = Math.max(running.most, ++running.now)
    await new Promise<void>((resolve) => void clock.timer(answerMs, resolve))
    running.now--
    return { status: 200, headers: [], body: new Uint8Array(), atMs: clock.now() }
  }
  const shadow = new Shadow({ monolith: ask, service: ask, clock, random: seededRandom(1), limits })
  const done = { count: 0 }
  const offer = (target = '/a') => {
    const request: SafeRequest = { method: 'GET', target, headers: [] }
    shadow.offer({ request, answer: { status: 200, headers: [], body: new Uint8Array(), atMs: clock.now() } }, () => void done.count++)
  }
  return { shadow, clock, running, offer, done }
}

test('so many are compared at once, so many wait, and what is beyond is dropped and counted', async () => {
  const { shadow, clock, running, offer, done } = rig({ concurrencyMax: 2, queueMax: 3, replaysPerSecondMax: 1_000 })
  for (let index = 0; index < 10; index++) offer()
  const { offered, droppedQueueFull, waiting, running: under } = shadow.report().counts
  assert.deepEqual({ offered, droppedQueueFull, waiting, under }, { offered: 10, droppedQueueFull: 5, waiting: 3, under: 2 })
  assert.equal(done.count, 5)
  await clock.advance(60_000)
  assert.equal(done.count, 10)
  assert.ok(running.most <= 2, `${running.most} at once`)
  assert.deepEqual(clock.pending, [])
})

test('so many are compared in a second, whatever comes', async () => {
  const { shadow, clock, offer } = rig({ perSecondMax: 5, queueMax: 1_000, concurrencyMax: 100, replaysPerSecondMax: 1_000 })
  for (let index = 0; index < 100; index++) offer()
  await clock.advance(10_000)
  assert.equal(shadow.report().counts.droppedRate, 95)
})

test('the monolith is asked again only so often, and what needs it more waits for another request', async () => {
  const { clock, running, offer } = rig({ replaysPerSecondMax: 1, perSecondMax: 10_000, queueMax: 1_000, concurrencyMax: 100 })
  for (let index = 0; index < 100; index++) offer(`/${index}`)
  await clock.advance(30_000)
  // One series of three.
  assert.equal(running.asked, 3)
})

test('a shadow that is stopped lets go of everything at once', async () => {
  const { shadow, clock, offer, done } = rig({ concurrencyMax: 1, queueMax: 10 })
  for (let index = 0; index < 5; index++) offer()
  shadow.stop()
  assert.equal(done.count, 4)
  await clock.advance(10_000)
  assert.equal(done.count, 5)
  offer()
  assert.equal(done.count, 6)
  assert.equal(shadow.report().counts.failed, 0)
})

test('what differs is confirmed also where far more of it passes than the monolith may be asked about', async () => {
  const clock = new VirtualClock({ nowMs: NOW_MS })
  const answering =
    (price: number): Ask =>
    async () => {
      await new Promise<void>((resolve) => void clock.timer(5, resolve))
      return answerOf(price)
    }
  const answerOf = (price: number) => ({
    status: 200,
    headers: [['content-type', 'application/json']] as const,
    body: Buffer.from(JSON.stringify({ price })),
    atMs: clock.now(),
  })
  const shadow = new Shadow({ monolith: answering(7), service: answering(8), clock, random: seededRandom(1) })
  // A hundred in a second, each of which differs; the monolith may be asked ten times.
  for (let second = 0; second < 30; second++) {
    for (let index = 0; index < 100; index++) {
      shadow.offer({ request: { method: 'GET', target: '/a', headers: [] }, answer: answerOf(7) })
      await clock.advance(10)
    }
  }
  const [endpoint] = shadow.report().endpoints
  assert.ok(endpoint!.verdicts.differs > 1_000, JSON.stringify(endpoint!.verdicts))
  assert.deepEqual(
    endpoint!.differences.map(({ field }) => field),
    ['body.price'],
  )
  shadow.stop()
})
