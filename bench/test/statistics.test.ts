import assert from 'node:assert/strict'
import { test } from 'node:test'
import { achieved, isReached, quartiles, ratios } from '../harness/statistics.ts'

test('quartiles lie between neighbours where they have to', () => {
  assert.deepEqual(quartiles([4, 1, 3, 2]), { low: 1.75, median: 2.5, high: 3.25 })
  assert.deepEqual(quartiles([7]), { low: 7, median: 7, high: 7 })
})

test('a target on the ratio looks at the median of the ratios, not at the ratio of the medians', () => {
  const rounds = [
    { ours: 1, peer: 1 },
    { ours: 10, peer: 20 },
    { ours: 9, peer: 3 },
  ]
  assert.deepEqual(ratios(rounds), [1, 0.5, 3])
  assert.equal(achieved({ ratioMax: 1 }, rounds), 1)
  assert.equal(achieved({ oursMax: 1 }, rounds), 9)
})

test('a target is reached at its very value, and missed beyond', () => {
  const rounds = [{ ours: 3, peer: 1 }]
  assert.equal(isReached({ ratioMax: 3 }, rounds), true)
  assert.equal(isReached({ ratioMax: 2.9 }, rounds), false)
  assert.equal(isReached({ ratioMin: 3 }, rounds), true)
  assert.equal(isReached({ oursMin: 4 }, rounds), false)
  assert.equal(isReached({ oursMax: 0 }, [{ ours: 0, peer: 0 }]), true)
})
