import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { backoffMs, constant, exponential, type Random, seededRandom } from 'seaworthy/core'

const always = (float: number): Random => ({ float: () => float, fill: (bytes) => bytes })

describe('a back-off', () => {
  test('grows by its factor up to its maximum', () => {
    const backoff = exponential({ baseMs: 50, maxMs: 1_000, jitter: 'none' })
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6, 7].map((attempt) => backoffMs(backoff, attempt)),
      [50, 100, 200, 400, 800, 1_000, 1_000],
    )
    assert.equal(backoffMs(exponential({ baseMs: 50, maxMs: 1_000, factor: 3, jitter: 'none' }), 3), 450)
    assert.equal(backoffMs(constant(70), 9), 70)
  })

  test('with full jitter lies between 0 and the delay, with equal jitter in its upper half', () => {
    const full = exponential({ baseMs: 100, maxMs: 1_000 })
    const equal = exponential({ baseMs: 100, maxMs: 1_000, jitter: 'equal' })
    assert.equal(backoffMs(full, 2, always(0)), 0)
    assert.equal(backoffMs(full, 2, always(0.5)), 100)
    assert.equal(backoffMs(equal, 2, always(0)), 100)
    assert.equal(backoffMs(equal, 2, always(0.5)), 150)
  })

  test('with decorrelated jitter lies between the base and three times the delay before', () => {
    const backoff = exponential({ baseMs: 100, maxMs: 1_000, jitter: 'decorrelated' })
    assert.equal(backoffMs(backoff, 1, always(0)), 100)
    assert.equal(backoffMs(backoff, 1, always(0.5)), 200)
    assert.equal(backoffMs(backoff, 9, always(0.5), 200), 350)
    assert.equal(backoffMs(backoff, 2, always(0.99), 900), 1_000)
  })

  test('stays within its bounds at any attempt, also where the power overflows', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000 }),
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.constantFrom('full' as const, 'equal' as const, 'decorrelated' as const, 'none' as const),
        fc.integer(),
        (attempt, baseMs, maxMs, jitter, seed) => {
          const delayMs = backoffMs(exponential({ baseMs, maxMs, jitter }), attempt, seededRandom(seed))
          assert.ok(delayMs >= 0 && delayMs <= maxMs, `${delayMs}`)
        },
      ),
      { examples: [[1, 7.4e-323, 7.4e-323, 'equal', -1755773948]] },
    )
  })
})
