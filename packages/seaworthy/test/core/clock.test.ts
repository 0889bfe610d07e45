import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, mock, test } from 'node:test'
import { sleep, systemClock } from 'seaworthy/core'
import { VirtualClock } from '@seaworthy/testing'

const DAY_MS = 24 * 60 * 60 * 1_000
const TIMER_MS_MAX = 2 ** 31 - 1

describe("the system's clock", () => {
  test('keeps timers beyond 2^31 ms, where setTimeout would fire at once', (t) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    t.after(() => mock.timers.reset())
    let fired = 0
    systemClock.timer(60 * DAY_MS, () => fired++)
    // In the parts that it is made of, as the mock's clock is at the end of a tick already while timers fire in it.
    mock.timers.tick(TIMER_MS_MAX)
    mock.timers.tick(TIMER_MS_MAX)
    mock.timers.tick(60 * DAY_MS - 2 * TIMER_MS_MAX - 1)
    assert.equal(fired, 0)
    mock.timers.tick(1)
    assert.equal(fired, 1)
    mock.timers.tick(60 * DAY_MS)
    assert.equal(fired, 1)
  })

  test('cancels such a timer in any of its parts', (t) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    t.after(() => mock.timers.reset())
    const timer = systemClock.timer(60 * DAY_MS, () => assert.fail('fired'))
    for (let day = 0; day < 50; day++) mock.timers.tick(DAY_MS)
    timer.cancel()
    timer.cancel()
    for (let day = 0; day < 50; day++) mock.timers.tick(DAY_MS)
  })

  test('treats a delay in the past as none', async () => {
    await new Promise<void>((resolve) => systemClock.timer(-5, resolve))
  })

  test('its monotonic time does not go back', () => {
    let last = systemClock.monotonicMs()
    for (let reading = 0; reading < 1_000; reading++) {
      const next = systemClock.monotonicMs()
      assert.ok(next >= last)
      last = next
    }
  })
})

describe('sleep', () => {
  test('waits its time', async () => {
    const clock = new VirtualClock()
    const controller = new AbortController()
    let awake = false
    const slept = sleep(clock, 100, controller.signal).then(() => (awake = true))
    await clock.advance(99)
    assert.equal(awake, false)
    await clock.advance(1)
    assert.equal(await slept, true)
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
  })

  test('an abort ends it at once with the reason, and leaves neither timer nor listener', async () => {
    const clock = new VirtualClock()
    const controller = new AbortController()
    const reason = new Error('left')
    const rejected = assert.rejects(sleep(clock, 1_000, controller.signal), reason)
    controller.abort(reason)
    await rejected
    assert.deepEqual(clock.pending, [])
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
  })

  test('does not begin when already aborted', async () => {
    const clock = new VirtualClock()
    const reason = new Error('left')
    await assert.rejects(sleep(clock, 1_000, AbortSignal.abort(reason)), reason)
    assert.deepEqual(clock.pending, [])
  })
})
