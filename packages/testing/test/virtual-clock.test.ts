import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sleep } from 'seaworthy/core'
import { VirtualClock } from '@seaworthy/testing'

describe('the virtual clock', () => {
  test('fires due timers in order, each at its own moment, and lets promises run between them', async () => {
    const clock = new VirtualClock()
    const seen: string[] = []
    const at = (name: string) => seen.push(`${name} at ${clock.monotonicMs()}`)
    clock.timer(20, () => at('second'))
    clock.timer(10, () => {
      at('first')
      void Promise.resolve().then(() => at('promise of first'))
    })
    clock.timer(20, () => at('third, asked for later'))
    await clock.advance(30)
    assert.deepEqual(seen, ['first at 10', 'promise of first at 10', 'second at 20', 'third, asked for later at 20'])
    assert.equal(clock.monotonicMs(), 30)
    assert.deepEqual(clock.pending, [])
  })

  test('fires timers that a fired one asked for, if they come due', async () => {
    const clock = new VirtualClock()
    const ticks: number[] = []
    const loop = async () => {
      for (;;) {
        await sleep(clock, 10)
        ticks.push(clock.monotonicMs())
      }
    }
    void loop()
    await clock.advance(35)
    assert.deepEqual(ticks, [10, 20, 30])
    assert.deepEqual(clock.pending, [{ dueMs: 40, keepAlive: true }])
  })

  test('a cancelled timer never fires, and cancelling twice does nothing', async () => {
    const clock = new VirtualClock()
    const timer = clock.timer(5, () => assert.fail('fired'))
    timer.cancel()
    timer.cancel()
    await clock.advance(10)
    assert.deepEqual(clock.pending, [])
  })

  test('the wall clock jumps alone, and moves with the monotonic clock otherwise', async () => {
    const clock = new VirtualClock({ nowMs: 1_000_000 })
    clock.jumpWallClock(-400_000)
    await clock.advance(5)
    assert.equal(clock.now(), 600_005)
    assert.equal(clock.monotonicMs(), 5)
  })

  test('after a stall, timers come late but come', async () => {
    const clock = new VirtualClock()
    let firedAt = 0
    clock.timer(10, () => (firedAt = clock.monotonicMs()))
    clock.stall(500)
    assert.equal(firedAt, 0)
    await clock.advance(0)
    assert.equal(firedAt, 500)
  })

  test('advanceToNext moves exactly to the next timer', async () => {
    const clock = new VirtualClock()
    let fired = false
    clock.timer(250, () => (fired = true))
    assert.equal(await clock.advanceToNext(), 250)
    assert.equal(fired, true)
    assert.equal(await clock.advanceToNext(), 0)
  })

  test('does not go back', async () => {
    const clock = new VirtualClock()
    await assert.rejects(clock.advance(-1), /jumpWallClock/)
    assert.throws(() => clock.stall(Number.NaN), /never goes back/)
  })
})
