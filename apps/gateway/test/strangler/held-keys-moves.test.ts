import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@seaworthy/testing'
import type { DataMove } from '../../src/strangler/data-move.ts'
import { HeldKeys } from '../../src/strangler/held-keys.ts'

const signal = new AbortController().signal

/** The data's process, of which a test answers each question. */
function asked() {
  const questions: PromiseWithResolvers<readonly string[] | undefined>[] = []
  const data = {
    held: () => {
      const question = Promise.withResolvers<readonly string[] | undefined>()
      questions.push(question)
      return question.promise
    },
  } as unknown as DataMove
  return { data, questions }
}

test('keys are asked for again where nobody said at first which are held', async (t) => {
  const { data, questions } = asked()
  const clock = new VirtualClock()
  let told = 0
  const held = new HeldKeys(clock, () => told++)
  t.after(() => held.stop())
  const beginning = held.begin(data, signal)
  questions[0]!.reject(new Error('no answer'))
  await assert.rejects(beginning, /no answer/)
  await clock.advance(1_000)
  questions[1]!.resolve(['7'])
  await clock.advance(1_000)
  assert.deepEqual([...held.keys], ['7'])
  questions[2]!.resolve(undefined)
  await clock.advance(10_000)
  assert.deepEqual([held.keys.size, told, questions.length], [0, 2, 3])
})

test('keys that were held before another move are not held after it', async (t) => {
  const { data, questions } = asked()
  const clock = new VirtualClock()
  const held = new HeldKeys(clock, () => undefined)
  t.after(() => held.stop())
  const beginning = held.begin(data, signal)
  held.end()
  questions[0]!.resolve(['7'])
  await beginning
  await clock.advance(10_000)
  assert.deepEqual([held.keys.size, questions.length], [0, 1])
})
