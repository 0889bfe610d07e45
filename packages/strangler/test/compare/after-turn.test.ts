import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@seaworthy/testing'
import { nextMacrotask } from 'seaworthy/core'
import { AfterTurn } from '../../src/compare/after-turn.ts'

const nextTurn = () => new Promise<void>((resolve) => void nextMacrotask(resolve))

function collecting() {
  const clock = new VirtualClock()
  const taken: string[] = []
  const dropped: string[] = []
  const work = new AfterTurn<string>({
    clock,
    turnMsMax: 20,
    take: (item) => void taken.push(item),
    drop: (item) => void dropped.push(item),
  })
  return { clock, taken, dropped, work }
}

test('what a turn brought is taken after it, in order', async () => {
  const { taken, dropped, work } = collecting()
  work.add('a')
  await Promise.resolve()
  work.add('b')
  assert.deepEqual(taken, [])
  await nextTurn()
  assert.deepEqual(taken, ['a', 'b'])
  assert.deepEqual(dropped, [])
})

test('what a long turn brought is dropped, and the next turn is looked at by itself', async () => {
  const { clock, taken, dropped, work } = collecting()
  work.add('a')
  clock.stall(21)
  work.add('b')
  await nextTurn()
  assert.deepEqual([taken, dropped], [[], ['a', 'b']])
  work.add('c')
  await nextTurn()
  assert.deepEqual(taken, ['c'])
})
