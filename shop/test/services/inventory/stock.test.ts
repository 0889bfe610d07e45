import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { release, type Reservation, reserve, ship, type StockLevel, totalOf } from '../../../services/inventory/domain/stock.ts'

const level = (productId: string, onHand: number): StockLevel => ({ productId, onHand, reserved: 0, shipped: 0 })
const levels = (...list: StockLevel[]) => new Map(list.map((entry) => [entry.productId, entry]))

describe('stock', () => {
  test('a reservation moves every line from on hand to reserved', () => {
    const decision = reserve(levels(level('a', 5), level('b', 2)), [
      { productId: 'a', quantity: 5 },
      { productId: 'b', quantity: 1 },
    ])
    assert.deepEqual(decision, {
      kind: 'reserved',
      levels: [
        { productId: 'a', onHand: 0, reserved: 5, shipped: 0 },
        { productId: 'b', onHand: 1, reserved: 1, shipped: 0 },
      ],
    })
  })

  test('one line that is short refuses all, and every short product is named', () => {
    const decision = reserve(levels(level('a', 5), level('b', 0)), [
      { productId: 'a', quantity: 1 },
      { productId: 'b', quantity: 1 },
      { productId: 'never-received', quantity: 2 },
    ])
    assert.deepEqual(decision, {
      kind: 'out-of-stock',
      shortages: [
        { productId: 'b', wanted: 1, onHand: 0 },
        { productId: 'never-received', wanted: 2, onHand: 0 },
      ],
    })
  })

  test('two lines of one product are counted together', () => {
    const twice = [
      { productId: 'a', quantity: 3 },
      { productId: 'a', quantity: 3 },
    ]
    assert.equal(reserve(levels(level('a', 5)), twice).kind, 'out-of-stock')
  })

  test('a parcel that is heard of after the reservation was released changes nothing', () => {
    const released: Reservation = { id: 'r', orderId: 'o', lines: [{ productId: 'a', quantity: 1 }], state: 'released' }
    assert.deepEqual(ship(levels(level('a', 5)), released), [])
  })

  test('goods of a cancelled parcel come back', () => {
    const shipped: Reservation = { id: 'r', orderId: 'o', lines: [{ productId: 'a', quantity: 2 }], state: 'shipped' }
    const before = { productId: 'a', onHand: 3, reserved: 0, shipped: 2 }
    assert.deepEqual(release(levels(before), shipped), [{ productId: 'a', onHand: 5, reserved: 0, shipped: 0 }])
  })

  test('whatever is reserved, released and shipped in whatever order, nothing appears, vanishes or goes below zero', () => {
    const product = fc.constantFrom('a', 'b', 'c')
    const line = fc.record({ productId: product, quantity: fc.integer({ min: 1, max: 6 }) })
    const step = fc.oneof(
      fc.record({ kind: fc.constant('reserve' as const), lines: fc.array(line, { minLength: 1, maxLength: 4 }) }),
      fc.record({ kind: fc.constantFrom('release' as const, 'ship' as const), index: fc.nat(10) }),
    )
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 3, maxLength: 3 }), fc.array(step, { maxLength: 40 }), (received, steps) => {
        const current = levels(level('a', received[0]!), level('b', received[1]!), level('c', received[2]!))
        const totals = Array.from(current.values(), totalOf)
        const reservations: Reservation[] = []
        const apply = (changed: readonly StockLevel[]) => {
          for (const entry of changed) current.set(entry.productId, entry)
        }
        for (const action of steps) {
          if (action.kind === 'reserve') {
            const decision = reserve(current, action.lines)
            if (decision.kind !== 'reserved') continue
            apply(decision.levels)
            reservations.push({ id: `${reservations.length}`, orderId: 'o', lines: action.lines, state: 'held' })
          } else if (reservations.length > 0) {
            const index = action.index % reservations.length
            const reservation = reservations[index]!
            apply(action.kind === 'release' ? release(current, reservation) : ship(current, reservation))
            const next = action.kind === 'release' ? 'released' : reservation.state === 'held' ? 'shipped' : reservation.state
            reservations[index] = { ...reservation, state: next }
          }
          assert.deepEqual(Array.from(current.values(), totalOf), totals)
          for (const { onHand, reserved, shipped } of current.values()) assert.ok(onHand >= 0 && reserved >= 0 && shipped >= 0)
        }
      }),
    )
  })
})
