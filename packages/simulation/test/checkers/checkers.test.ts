import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type HistoryEntry,
  Violation,
  conserved,
  leaseHolds,
  monotoneProjection,
  noDuplicateEffects,
  noLostEvents,
  noPhantomEvents,
  noStaleWrites,
  oneHolderPerLease,
  orderPerKey,
  sagasEnd,
} from '@seaworthy/simulation'

const event = (id: string, key = 'a', sequence = 1) => ({ id, key, sequence, type: 'order.placed' })
const says = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Violation)
  assert.match(error.message, message)
  return true
}

test('an event that was published and never handled is lost, and is named with its key and its reader', () => {
  const published = [event('1'), event('2', 'b', 7), event('3')]
  noLostEvents({ published, handled: [{ id: '3' }, { id: '2' }, { id: '1' }, { id: '1' }], by: 'shipping' })
  assert.throws(
    () => noLostEvents({ published, handled: [event('1')], by: 'shipping' }),
    says(/^order\.placed 2 \(key b, number 7\) is lost: shipping never handled it\. In all 2 are lost\.$/),
  )
})

test('an effect that an event had twice is named with its count', () => {
  noDuplicateEffects({ effects: [{ id: '1' }, { id: '2' }], at: 'payments' })
  assert.throws(
    () => noDuplicateEffects({ effects: [{ id: '1' }, { id: '2' }, { id: '2' }, { id: '2' }], at: 'payments' }),
    says(/^Event 2 had its effect 3 times at payments\.$/),
  )
})

test('an event that was handled and never happened is a phantom', () => {
  noPhantomEvents({ published: [event('1'), event('2')], handled: [event('2')], by: 'shipping' })
  assert.throws(
    () => noPhantomEvents({ published: [event('1')], handled: [event('1'), event('9', 'c')], by: 'shipping' }),
    says(/order\.placed 9 \(key c, number 1\) is a phantom: shipping/),
  )
})

test('the order of one key is checked whatever comes between, and another key has an order of its own', () => {
  orderPerKey({ events: [event('1', 'a', 4), event('2', 'b', 1), event('3', 'a', 5), event('4', 'b', 2)], at: 'shipping' })
  assert.throws(
    () => orderPerKey({ events: [event('1', 'a', 2), event('2', 'b', 9), event('3', 'a', 1)], at: 'shipping' }),
    says(/Key a is out of order at shipping: order\.placed 3 .*number 1\) came after order\.placed 1 .*number 2\)/),
  )
  assert.throws(() => orderPerKey({ events: [event('1', 'a', 1), event('2', 'a', 1)], at: 'shipping' }), says(/out of order/))
})

test('a number that skips one is a gap, unless gaps are allowed', () => {
  const events = [event('1', 'a', 1), event('2', 'a', 3)]
  assert.throws(() => orderPerKey({ events, at: 'orders' }), says(/Key a has a gap at orders/))
  orderPerKey({ events, gapless: false, at: 'orders' })
})

test('money is conserved when its places add up, and a difference is named with every place', () => {
  conserved('money in cents', { total: 300, places: { ada: 100, grace: 200n } })
  const loss = () => conserved('money in cents', { total: 300, places: { ada: 100, grace: 150 } })
  assert.throws(loss, says(/^Money in cents: 50 are gone\. 300 must be there: ada 100, grace 150\.$/))
  const gain = () => conserved('stock', { total: 3n, places: { shelf: 3, parcels: 1 } })
  assert.throws(gain, says(/^Stock: 1 came from nowhere/))
})

test('a place in debt breaks conservation even when the sum is right, unless it may owe', () => {
  const places = { shelf: -1, parcels: 4 }
  assert.throws(() => conserved('stock', { total: 3, places }), says(/shelf holds less than nothing/))
  conserved('stock', { total: 3, places, mayOwe: ['shelf'] })
})

test('an amount that is no whole number is a mistake in the invariant, and no verdict', () => {
  assert.throws(() => conserved('money', { total: 1, places: { ada: 0.5, grace: 0.5 } }), TypeError)
})

test('a projection that shows an older version than it has shown went back', () => {
  const readings = [
    { key: 'order-1', version: 1 },
    { key: 'order-2', version: 9 },
    { key: 'order-1', version: 1 },
    { key: 'order-1', version: 3 },
  ]
  monotoneProjection({ readings, projection: 'order-history' })
  const back = [...readings, { key: 'order-1', version: 2, seenBy: 'ada' }]
  assert.throws(
    () => monotoneProjection({ readings: back, projection: 'order-history' }),
    says(/^Projection order-history went back at order-1: version 3, and later ada saw version 2\.$/),
  )
})

test('a saga that rests in a state which is no end is named with that state', () => {
  const terminal = ['completed', 'compensated']
  sagasEnd({ sagas: [{ sagaId: '1', state: 'compensated' }], terminal })
  const sagas = [
    { sagaId: '1', state: 'completed' },
    { sagaId: '2', state: 'running' },
  ]
  assert.throws(() => sagasEnd({ sagas, terminal }), says(/^Saga 2 never ends: it rests in 'running'/))
})

test('a lease that is granted before the holder before has let go has two holders', () => {
  const hold = (holder: string, fromMs: number, untilMs: number, lease = 'relay') => ({ lease, holder, fromMs, untilMs })
  oneHolderPerLease({ holds: [hold('b', 10, 20), hold('a', 0, 10), hold('b', 15, 30), hold('c', 0, 99, 'other')] })
  const holds = [hold('a', 0, 100), hold('a', 5, 10), hold('b', 50, 60)]
  assert.throws(() => oneHolderPerLease({ holds }), says(/^Lease relay has two holders: a from 0 to 100, and b from 50 to 60/))
})

test('a write under an older token than one that was accepted is stale', () => {
  const write = (by: string, token: number, lease = 'relay') => ({ by, token, lease })
  noStaleWrites({ writes: [write('a', 1), write('b', 2), write('b', 2), write('a', 1, 'other')] })
  assert.throws(
    () => noStaleWrites({ writes: [write('a', 1), write('b', 2), write('a', 1)] }),
    says(/a write of a under token 1 was accepted after one of b under token 2/),
  )
})

test('the holds of a history begin and end by its notes, and a crash lets go of what its own incarnation held', () => {
  const note = (atMs: number, node: string, text: string): HistoryEntry => ({
    kind: 'note',
    atMs,
    node,
    incarnation: 1,
    text,
    data: { lease: 'relay' },
  })
  const history: readonly HistoryEntry[] = [
    note(1, 'a', 'lease taken'),
    note(2, 'a', 'lease released'),
    note(3, 'b', 'lease taken'),
    { kind: 'crash', atMs: 4, node: 'a', incarnation: 1 },
    { kind: 'crash', atMs: 5, node: 'b', incarnation: 1 },
    note(6, 'c', 'lease taken'),
    note(7, 'c', 'unrelated'),
  ]
  const spans = leaseHolds(history).map(({ holder, fromMs, untilMs }) => [holder, fromMs, untilMs])
  assert.deepEqual(spans, [
    ['a/1', 1, 2],
    ['b/1', 3, 5],
    ['c/1', 6, Number.POSITIVE_INFINITY],
  ])
})
