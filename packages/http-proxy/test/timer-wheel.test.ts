import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { VirtualClock } from '@seaworthy/testing'
import * as fc from 'fast-check'
import { TimerWheel, type WheelTimer } from '../src/timer-wheel.ts'

const TICK_MS = 10

describe('the timer wheel', () => {
  test('fires never early, and three ticks late at most, also beyond its turn and whatever was set before', async () => {
    const command = fc.record({
      timer: fc.nat(3),
      action: fc.oneof(
        fc.record({ set: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 2_000, max: 9_000 })) }),
        fc.constant('cancel' as const),
        fc.constant('release' as const),
      ),
      waitMs: fc.integer({ min: 0, max: 400 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 20 }), async (commands) => {
        const clock = new VirtualClock()
        const wheel = new TimerWheel({ clock, tickMs: TICK_MS })
        const dueMs: (number | undefined)[] = []
        const timers: WheelTimer[] = [0, 1, 2, 3].map((index) =>
          wheel.timer(() => {
            const due = dueMs[index]
            assert.ok(due !== undefined, 'fired although it was not set')
            const lateMs = clock.monotonicMs() - due
            assert.ok(lateMs >= 0 && lateMs <= 3 * TICK_MS, `${lateMs} ms late`)
            dueMs[index] = undefined
          }),
        )
        for (const { timer, action, waitMs } of commands) {
          if (action === 'cancel') timers[timer]!.cancel()
          else if (action === 'release') timers[timer]!.release()
          else timers[timer]!.set(action.set)
          dueMs[timer] = typeof action === 'object' ? clock.monotonicMs() + action.set : undefined
          await clock.advance(waitMs)
        }
        await clock.advance(10_000)
        assert.deepEqual(
          dueMs.filter((due) => due !== undefined),
          [],
          'one never fired',
        )
      }),
      { numRuns: 200 },
    )
  })

  test('stands still when nothing is set', async () => {
    const clock = new VirtualClock()
    const timer = new TimerWheel({ clock, tickMs: TICK_MS }).timer(() => {})
    timer.set(50)
    assert.equal(clock.pending.length, 1)
    await clock.advance(1_000)
    assert.equal(clock.pending.length, 0)
    timer.set(50)
    timer.release()
    await clock.advance(100)
    assert.equal(clock.pending.length, 0)
  })
})
