import assert from 'node:assert/strict'
import { type Invariant, type NodePorts, type System, client, invariant, node } from '@seaworthy/simulation'
import { type CallContext, RejectedError } from 'seaworthy/core'
import { orchestrator, participant, saga } from 'seaworthy/saga'
import { participantStoreSchema, sagaStoreSchema, sqliteParticipantStore, sqliteSagaStore } from 'seaworthy/sqlite'

interface Order {
  readonly id: string
  readonly card: 'ok' | 'declined'
}

interface Bookings {
  do: (request: Order, call: CallContext) => Promise<{ id: string }>
  undo: (request: Order, call: CallContext) => Promise<void>
}

/** A service that books something for an order, once per key, and takes it back. */
function booking(name: string, refuses: (order: Order) => boolean) {
  return node(name, async ({ database, clock }: NodePorts) => {
    const bookings = await database({
      schema: [
        { component: 'bookings', versions: ['CREATE TABLE bookings (n INTEGER PRIMARY KEY, id TEXT NOT NULL) STRICT'] },
        participantStoreSchema,
      ],
    })
    const remembers = participant({ database: bookings, store: sqliteParticipantStore(bookings), clock })
    return {
      do: (order: Order, call: CallContext) =>
        remembers.act(call.idempotencyKey!, order.id, async (tx) => {
          if (refuses(order)) throw new RejectedError('refused', `${name} refuses order ${order.id}.`)
          await tx.execute({ sql: 'INSERT INTO bookings (id) VALUES (?)', params: [order.id] })
          return { id: order.id }
        }),
      undo: async (order: Order, call: CallContext) => {
        await remembers.compensate(call.idempotencyKey!, async (tx) => {
          await tx.execute({ sql: 'DELETE FROM bookings WHERE id = ?', params: [order.id] })
        })
      },
    }
  })
}

const ORDERS: readonly Order[] = [
  { id: 'paid', card: 'ok' },
  { id: 'unpaid', card: 'declined' },
]

/** A checkout over three services: stock, payment, and the shipment that decides. */
export const checkout: System = {
  nodes: [
    node('orders', async ({ database, transport, clock, random }) => {
      const orders = await database({ schema: [sagaStoreSchema] })
      const stock = transport.client<Bookings>('stock')
      const payment = transport.client<Bookings>('payment')
      const shipment = transport.client<Bookings>('shipment')
      const checkoutSaga = saga<Order>('checkout', { version: 1 })
        .step('reserve', { run: (s) => stock.do(s.input, s), compensate: (s) => stock.undo(s.input, s) })
        .step('charge', { run: (s) => payment.do(s.input, s), compensate: (s) => payment.undo(s.input, s) })
        .pivot('book', { run: (s) => shipment.do(s.input, s) })
      const running = orchestrator({
        sagas: [checkoutSaga],
        store: sqliteSagaStore(orders),
        database: orders,
        clock,
        random,
        onError: () => undefined,
      })
      await running.resume()
      return {
        place: async (order: Order) => {
          await orders.transaction((tx) => running.start(tx, checkoutSaga, { id: order.id, input: order }))
        },
      }
    }),
    booking('stock', () => false),
    booking('payment', ({ card }) => card === 'declined'),
    booking('shipment', () => false),
  ],
  clients: [
    client('customer', async ({ call }) => {
      for (const order of ORDERS) await call('orders', 'place', order)
    }),
  ],
}

export const allOrNothing: Invariant = invariant('an order is booked everywhere once, or nowhere', (view) => {
  const sagas = view.query<{ id: string; status: string }>('orders', 'SELECT id, status FROM seaworthy_sagas')
  for (const { request } of view.acknowledged) {
    const { id, card } = request as Order
    const status = sagas.find((one) => one.id === id)?.status
    assert.ok(status === 'completed' || status === 'compensated', `order ${id} is ${status ?? 'unknown'}`)
    if (card === 'declined') assert.equal(status, 'compensated', 'a declined card was charged')
    const expected = status === 'completed' ? 1 : 0
    for (const service of ['stock', 'payment', 'shipment']) {
      const rows = view.query(service, 'SELECT n FROM bookings WHERE id = ?', [id])
      assert.equal(rows.length, expected, `order ${id} is ${status}, and is booked ${rows.length} times at ${service}`)
    }
  }
})
