import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type History, brokenPromises, figuresOf } from './figures.ts'
import { WAYS } from './orders.ts'
import { CENTS, FAULTS } from './payments.ts'

const history: History = {
  way: 'hand-written',
  fault: 'worker-dies',
  met: 1,
  lives: 2,
  orders: [
    { id: 'a', status: 'completed' },
    { id: 'b', status: 'rejected' },
    { id: 'c', status: 'charging' },
  ],
  ledger: [
    { order_id: 'a', cents: CENTS, what: 'charge' },
    { order_id: 'a', cents: CENTS, what: 'charge' },
    { order_id: 'b', cents: CENTS, what: 'charge' },
    { order_id: 'b', cents: -CENTS, what: 'refund' },
  ],
}

test('money is lost where an order cost more than it should', () => {
  const { wrong, lostCents, completed, unfinished } = figuresOf(history)
  assert.deepEqual([wrong, lostCents, completed, unfinished], [['a'], CENTS, 1, 1])
})

test('promises are broken by a fault that never fired, a loss of ours, and none of theirs', () => {
  const good = WAYS.flatMap((way) =>
    FAULTS.map((fault) => ({ ...figuresOf({ ...history, way, fault, orders: [], ledger: [] }), lostCents: way === 'saga' ? 0 : 1 })),
  )
  assert.deepEqual(brokenPromises(good), [])
  assert.match(brokenPromises(good.map((each) => ({ ...each, met: 0 })))[0]!, /met no order/)
  assert.equal(brokenPromises(good.map((each) => ({ ...each, lostCents: 0 }))).length, FAULTS.length)
  assert.equal(brokenPromises(good.map((each) => ({ ...each, wrong: ['x'] }))).length, FAULTS.length)
  assert.equal(brokenPromises(good.map((each) => ({ ...each, unfinished: 1 }))).length, FAULTS.length)
})
