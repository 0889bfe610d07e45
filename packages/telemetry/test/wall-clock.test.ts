import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@seaworthy/testing'
import { wallClock } from '../src/wall-clock.ts'

/** Wall-clock time in whole milliseconds, as Date.now gives it. */
class CoarseClock extends VirtualClock {
  override now(): number {
    return Math.floor(super.now())
  }
}

test('durations below a millisecond are kept, and the result stays within the wall clock’s millisecond', async () => {
  const clock = new CoarseClock({ nowMs: 1_000_000.7 })
  const nowMs = wallClock(clock)
  let last = nowMs()
  for (let step = 0; step < 500; step++) {
    await clock.advance(0.3)
    const now = nowMs()
    assert.ok(now > last, `${now} after ${last}`)
    assert.ok(now >= clock.now() && now < clock.now() + 1)
    last = now
  }
})

test('a jump of the wall clock is followed at once, forward and back', () => {
  const clock = new CoarseClock({ nowMs: 1_000_000 })
  const nowMs = wallClock(clock)
  clock.jumpWallClock(3_600_000)
  assert.equal(Math.floor(nowMs()), 4_600_000)
  clock.jumpWallClock(-7_200_000)
  assert.equal(Math.floor(nowMs()), -2_600_000)
})
