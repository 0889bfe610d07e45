import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { CountWindow } from '../../src/resilience/count-window.ts'

test('a count window agrees with counting the last outcomes one by one', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.oneof({ weight: 9, arbitrary: fc.boolean() }, { weight: 1, arbitrary: fc.constant('clear' as const) })),
      (callsMax, steps) => {
        const window = new CountWindow(callsMax)
        let all: boolean[] = []
        for (const each of steps) {
          if (each === 'clear') {
            window.clear()
            all = []
          } else {
            window.record(each)
            all.push(each)
          }
          const last = all.slice(-callsMax)
          assert.equal(window.calls, last.length)
          assert.equal(window.failures, last.filter(Boolean).length)
        }
      },
    ),
  )
})
