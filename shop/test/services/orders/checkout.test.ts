import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { VirtualClock } from '@seaworthy/testing'
import { newId, RejectedError, rootContext, UnknownOutcomeError } from 'seaworthy/core'
import { sqliteSagaStore } from 'seaworthy/sqlite'
import { orderRepository } from '../../../services/orders/adapters/order-repository.ts'
import { checkoutOrchestrator, checkoutSagas, paymentTokenOf } from '../../../services/orders/adapters/sagas.ts'
import { ORDERS_SCHEMA } from '../../../services/orders/adapters/schema.ts'
import { checkoutSaga } from '../../../services/orders/application/checkout-saga.ts'
import { placeOrderUseCase } from '../../../services/orders/application/place-order.ts'
import type { Inventory, Payments, Shipping } from '../../../services/orders/application/ports.ts'
import type { OrderState } from '../../../services/orders/domain/order.ts'
import { openServiceDatabase } from '../../service-database.ts'

const SETTLE_WAIT_MS = 5_000
const REQUEST = { customerId: 'c1', lines: [{ productId: 'p1', quantity: 2 }], card: 'ok' }

/** Orders with its own database, and other services that do what the test says. */
async function openOrders(others: Partial<Inventory & Payments & Shipping>) {
  const service = await openServiceDatabase(ORDERS_SCHEMA)
  const { database, outbox } = service
  const clock = new VirtualClock()
  const ending = new AbortController()
  const orders = orderRepository(database)
  const does = {
    reserve: async () => ({ reservationId: 'r1' }),
    release: async () => undefined,
    charge: async () => ({ paymentId: 'm1' }),
    refund: async () => undefined,
    book: async () => ({ shipmentId: 's1' }),
    ...others,
  }
  const store = sqliteSagaStore(database)
  const saga = checkoutSaga({ inventory: does, payments: does, shipping: does })
  const sagas = checkoutOrchestrator({
    saga,
    store,
    database,
    orders,
    outbox,
    clock,
    onError: (error) => assert.fail(String(error)),
    askUnknownAgain: true,
  })
  const placeOrder = placeOrderUseCase({
    database,
    orders,
    outbox,
    catalog: { offered: async () => new Map([['p1', { productId: 'p1', name: 'Lamp', priceCents: 500 }]]) },
    customers: { buyer: async (customerId) => ({ customerId, name: 'Ada', creditLimitCents: 10_000 }) },
    sagas: checkoutSagas(sagas, saga),
    clock,
    newId,
    settleWaitMs: SETTLE_WAIT_MS,
    ending: ending.signal,
    honourKeys: true,
  })
  return {
    clock,
    ending,
    sagas,
    paymentToken: (orderId: string) => paymentTokenOf(store, orderId),
    checkout: (call = rootContext()) => placeOrder(REQUEST, undefined, call),
    types: async () => (await service.published('orders')).map(({ type }) => type),
    async [Symbol.asyncDispose]() {
      const stopped = sagas.stop()
      // A step that hangs is waited for a while.
      await clock.advance(60_000)
      await stopped
      await service[Symbol.asyncDispose]()
    },
  }
}

type Orders = Awaited<ReturnType<typeof openOrders>>

describe('a checkout', () => {
  test('is answered when it is completed', async () => {
    await using orders = await openOrders({})
    const order = await orders.checkout()
    assert.deepEqual([order.state, order.totalCents], [{ status: 'completed' }, 1_000])
    assert.deepEqual(await orders.types(), ['order.placed', 'order.completed'])
  })

  test('keeps what payments answered its query is to wait by, and none where none was answered', async () => {
    await using orders = await openOrders({ charge: async () => ({ paymentId: 'm1', consistencyToken: 'payments@7' }) })
    assert.equal(await orders.paymentToken((await orders.checkout()).id), 'payments@7')
    assert.equal(await orders.paymentToken('never placed'), undefined)
    await using former = await openOrders({})
    assert.equal(await former.paymentToken((await former.checkout()).id), undefined)
  })

  test('that is refused is answered with the reason while what was done for it is still being undone', { timeout: 60_000 }, async () => {
    const released = Promise.withResolvers<void>()
    let releasing = false
    await using orders = await openOrders({
      charge: () => Promise.reject(new RejectedError('card-declined', 'The card was declined.')),
      release: () => {
        releasing = true
        return released.promise
      },
    })
    const order = await orders.checkout()
    assert.deepEqual(order.state, { status: 'rejected', reason: 'card-declined' })
    assert.deepEqual(await orders.types(), ['order.placed', 'order.rejected'])
    assert.equal((await orders.sagas.decided(order.id, { timeoutMs: 0 }))?.status, 'compensating')
    released.resolve()
    assert.equal((await orders.sagas.settled(order.id, { timeoutMs: SETTLE_WAIT_MS }))?.status, 'compensated')
    assert.equal(releasing, true)
  })

  test('is answered as pending when the outcome takes too long', async () => {
    await using orders = await openOrders({ charge: () => new Promise(() => undefined) })
    const seen: OrderState[] = []
    const answer = orders.checkout().then((order) => seen.push(order.state))
    for (let turn = 0; seen.length === 0 && turn < 1_000; turn++) await orders.clock.advance(SETTLE_WAIT_MS / 10)
    assert.deepEqual(seen, [{ status: 'pending' }])
    await answer
  })

  for (const [why, stop] of [
    ['its process is about to end', (orders: Orders) => orders.ending.abort()],
    ['its server waits for it no longer', (_: Orders, call: AbortController) => call.abort(new UnknownOutcomeError('The server stops.'))],
  ] as const)
    test(`is answered as pending, and not as one that failed, when ${why}`, async () => {
      const charging = Promise.withResolvers<void>()
      await using orders = await openOrders({
        charge: () => {
          charging.resolve()
          return new Promise(() => undefined)
        },
      })
      const call = new AbortController()
      const answer = orders.checkout(rootContext({ signal: call.signal }))
      await charging.promise
      stop(orders, call)
      assert.deepEqual((await answer).state, { status: 'pending' })
    })
})
