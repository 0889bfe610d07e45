import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Batches } from '../src/batches.ts'

suite('batches', () => {
  test('hold ten at most, in the order in which they were asked for', async () => {
    const sizes: number[] = []
    const seen: number[] = []
    const batches = new Batches<number>(1_048_576, async (entries) => {
      sizes.push(entries.length)
      seen.push(...entries)
      return []
    })
    await Promise.all(Array.from({ length: 25 }, (_, index) => batches.add(index)))
    assert.deepEqual(sizes, [10, 10, 5])
    assert.deepEqual(
      seen,
      Array.from({ length: 25 }, (_, index) => index),
    )
    await batches.add(25)
    assert.deepEqual(sizes, [10, 10, 5, 1])
  })

  test('hold so many bytes at most', async () => {
    const sizes: number[] = []
    const batches = new Batches<string>(1_048_576, async (entries) => {
      sizes.push(entries.length)
      return []
    })
    await Promise.all([batches.add('a', 600_000), batches.add('b', 600_000), batches.add('c', 400_000)])
    assert.deepEqual(sizes, [1, 2])
  })

  test('tell each entry its own outcome, and all of them when the request failed', async () => {
    const refusal = new Error('not this one')
    const some = new Batches<string>(1_048_576, async () => [undefined, refusal, undefined])
    const outcomes = await Promise.allSettled([some.add('a'), some.add('b'), some.add('c')])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    const lost = new Error('lost')
    const none = new Batches<string>(1_048_576, () => Promise.reject(lost))
    for (const outcome of await Promise.allSettled([none.add('a'), none.add('b')]))
      assert.ok(outcome.status === 'rejected' && outcome.reason === lost)
  })
})
