import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { CountWindow } from '../../src/resilience/count-window.ts'

test('a count window agrees with counting the last outcomes one by one', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.array(
        fc.oneof(
          { weight: 9, arbitrary: fc.record({ failed: fc.boolean(), slow: fc.boolean() }) },
          { weight: 1, arbitrary: fc.constant('clear' as const) },
        ),
      ),
      (callsMax, steps) => {
        const window = new CountWindow(callsMax)
        let all: { failed: boolean; slow: boolean }[] = []
        for (const each of steps) {
          if (each === 'clear') {
            window.clear()
            all = []
          } else {
            window.record(each.failed, each.slow)
            all.push(each)
          }
          const last = all.slice(-callsMax)
          const counted = {
            calls: last.length,
            failures: last.filter((call) => call.failed).length,
            slow: last.filter((call) => call.slow).length,
          }
          assert.deepEqual(window.counts(), counted)
        }
      },
    ),
  )
})

test('a count window that is made smaller or larger keeps the latest calls that fit', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.record({ failed: fc.boolean(), slow: fc.boolean() }), { maxLength: 20 }),
      (before, after, calls) => {
        const window = new CountWindow(before)
        for (const { failed, slow } of calls) window.record(failed, slow)
        const last = calls.slice(-Math.min(before, after))
        assert.deepEqual(window.resized(after).counts(), {
          calls: last.length,
          failures: last.filter((call) => call.failed).length,
          slow: last.filter((call) => call.slow).length,
        })
      },
    ),
  )
})
