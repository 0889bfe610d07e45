import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConditionVariable } from 'seaworthy/core'
import { VirtualClock } from '@seaworthy/testing'

describe('a condition variable', () => {
  test('wakes each waiter when its own condition holds, and no other', async () => {
    const clock = new VirtualClock()
    const changed = new ConditionVariable(clock)
    let open = 2
    const woken: string[] = []
    const one = changed.until(() => open <= 1, 1_000).then(() => woken.push('at most one'))
    const none = changed.until(() => open === 0, 1_000).then(() => woken.push('none'))
    changed.notify()
    await clock.advance(0)
    assert.deepEqual(woken, [])
    open = 1
    changed.notify()
    await one
    assert.deepEqual(woken, ['at most one'])
    open = 0
    changed.notify()
    await none
    assert.deepEqual(woken, ['at most one', 'none'])
    assert.deepEqual(clock.pending, [])
  })

  test('says at once that a condition holds already', async () => {
    const clock = new VirtualClock()
    assert.equal(await new ConditionVariable(clock).until(() => true, 1_000), true)
    assert.deepEqual(clock.pending, [])
  })

  test('says when the time is over that it does not', async () => {
    const clock = new VirtualClock()
    const changed = new ConditionVariable(clock)
    let looks = 0
    const waiting = changed.until(() => ++looks < 0, 1_000)
    await clock.advance(1_000)
    assert.equal(await waiting, false)
    changed.notify()
    assert.equal(looks, 1)
  })
})
