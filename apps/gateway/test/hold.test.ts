import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BulkheadFullError } from 'seaworthy/resilience'
import { VirtualClock } from '@seaworthy/testing'
import { HoldGate } from '../src/hold.ts'
import { Places } from '../src/places.ts'
import { WaitingRoom } from '../src/waiting-room.ts'

describe('the gate before an instance', () => {
  test('opens once, when the last of several holds is released, and leaves no timer behind', () => {
    const clock = new VirtualClock()
    let opened = 0
    const gate = new HoldGate({ clock, holdMaxMs: 1_000, onOpen: () => opened++ })
    gate.hold('h1')
    gate.hold('h2')
    gate.release('h1')
    gate.release('unknown')
    assert.deepEqual([gate.isHeld, opened], [true, 0])
    gate.release('h2')
    gate.release('h2')
    assert.deepEqual([gate.isHeld, opened], [false, 1])
    assert.deepEqual(clock.pending, [])
  })

  test('a hold that is repeated under its id begins its time again', async () => {
    const clock = new VirtualClock()
    const gate = new HoldGate({ clock, holdMaxMs: 1_000, onOpen: () => {} })
    gate.hold('h1')
    await clock.advance(600)
    gate.hold('h1')
    await clock.advance(600)
    assert.equal(gate.isHeld, true)
    await clock.advance(400)
    assert.equal(gate.isHeld, false)
  })
})

describe('a waiting room', () => {
  test('takes so many, and its places are given back', () => {
    const room = new WaitingRoom('orders', 1)
    assert.equal(room.enter(undefined), undefined)
    const cause = new Error('ECONNREFUSED')
    const error = room.enter(cause)
    assert.match(String(error?.message), /1 requests wait for it already/)
    assert.equal(error?.cause, cause)
    room.leave()
    assert.equal(room.enter(undefined), undefined)
  })

  test('lets those go on that are parked, in order, and whoever must wait again comes after them', () => {
    const room = new WaitingRoom('orders', 10)
    const went: string[] = []
    const again = () => {
      went.push('first')
      room.park(() => went.push('first again'))
    }
    const left = () => went.push('left')
    room.park(again)
    room.park(left)
    room.park(() => went.push('second'))
    room.unpark(left)
    room.open()
    assert.deepEqual(went, ['first', 'second'])
    room.open()
    assert.deepEqual(went, ['first', 'second', 'first again'])
  })
})

describe('places', () => {
  const claimant = (got: string[], name: string, then = () => {}) => ({
    onPlace: () => {
      got.push(name)
      then()
    },
  })

  test('are given first come, first served; beyond the queue there is none', () => {
    const places = new Places('orders', { concurrencyMax: 1, queueMax: 2 })
    const got: string[] = []
    const left = claimant(got, 'left')
    for (const each of [claimant(got, 'a'), left, claimant(got, 'b')]) assert.equal(places.claim(each), undefined)
    const error = places.claim(claimant(got, 'c'))
    assert.ok(error instanceof BulkheadFullError)
    assert.match(error.message, /1 calls are running \(concurrencyMax 1\) and 2 are waiting/)
    places.withdraw(left)
    assert.deepEqual(got, ['a'])
    places.release()
    assert.deepEqual(got, ['a', 'b'])
  })

  test('that are given back at once by a whole queue need no deep stack', () => {
    const places = new Places('orders', { concurrencyMax: 1, queueMax: 50_000 })
    const got: string[] = []
    places.claim(claimant(got, 'first'))
    for (let count = 0; count < 50_000; count++) places.claim(claimant(got, 'next', () => places.release()))
    places.release()
    assert.equal(got.length, 50_001)
    places.claim(claimant(got, 'last'))
    assert.equal(got.at(-1), 'last')
  })
})
