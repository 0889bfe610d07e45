import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shrink } from '../../src/exploration/shrink.ts'

const numbers = Array.from({ length: 16 }, (_, index) => index)

for (const needed of [[], [3], [3, 12], [0, 7, 15], [1, 2, 3, 4]]) {
  test(`of sixteen faults, ${needed.length === 0 ? 'none' : needed.join(' and ')} are found to be enough`, async () => {
    const smallest = await shrink(numbers, async (subset) => needed.every((one) => subset.includes(one)))
    assert.deepEqual(smallest, needed)
  })
}
