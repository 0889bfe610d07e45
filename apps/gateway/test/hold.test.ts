import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, test } from 'node:test'
import { VirtualClock } from '@seaworthy/testing'
import { HoldGate } from '../src/hold.ts'
import { WaitingRoom } from '../src/waiting-room.ts'

describe('the gate before an upstream', () => {
  test('an abort takes a request out at once, and leaves nothing behind', async () => {
    const clock = new VirtualClock()
    const gate = new HoldGate({ clock, holdMaxMs: 1_000 })
    gate.hold('h1')
    const controller = new AbortController()
    const rejected = assert.rejects(gate.pass(controller.signal), /left/)
    assert.equal(gate.parked, 1)
    controller.abort(new Error('left'))
    assert.equal(gate.parked, 0)
    await rejected
    await assert.rejects(gate.pass(controller.signal), /left/)
    gate.release('h1')
    assert.deepEqual(clock.pending, [])
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
  })

  test('a hold that is repeated under its id begins its time again', async () => {
    const clock = new VirtualClock()
    const gate = new HoldGate({ clock, holdMaxMs: 1_000 })
    gate.hold('h1')
    await clock.advance(600)
    gate.hold('h1')
    await clock.advance(600)
    assert.equal(gate.isHeld, true)
    await clock.advance(400)
    assert.equal(gate.isHeld, false)
  })
})

test('a waiting room takes so many, and its places are given back', async () => {
  const room = new WaitingRoom('orders', 1)
  const { promise, resolve } = Promise.withResolvers<void>()
  const first = room.during(() => promise, undefined)
  const cause = new Error('ECONNREFUSED')
  await assert.rejects(
    room.during(() => Promise.resolve(), cause),
    (error: Error) => /1 requests wait for it already/.test(error.message) && error.cause === cause,
  )
  resolve()
  await first
  await room.during(() => Promise.resolve(), undefined)
})
