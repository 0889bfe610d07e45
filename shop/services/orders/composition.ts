import { sagaAnswers } from '@seaworthy/supervisor/management'
import { redactedJson } from '@seaworthy/telemetry'
import type { ServiceComposition } from '../../platform/service-ports.ts'
import { catalogApi } from '../catalog/contract/rest.ts'
import { customersApi } from '../customers/contract/rest.ts'
import { Inventory } from '../inventory/contract/gen/inventory_pb.js'
import { Payments } from '../payments/contract/gen/payments_pb.js'
import { Shipping } from '../shipping/contract/gen/shipping_pb.js'
import { serveOrders } from './adapters/http.ts'
import { orderRepository } from './adapters/order-repository.ts'
import { catalogOver, customersOver } from './adapters/owners.ts'
import { inventoryOver, paymentsOver, shippingOver } from './adapters/participants.ts'
import { checkoutOrchestrator, checkoutSagas, paymentTokenOf } from './adapters/sagas.ts'
import { ORDERS_SCHEMA } from './adapters/schema.ts'
import { checkoutSaga } from './application/checkout-saga.ts'
import { placeOrderUseCase } from './application/place-order.ts'
import { seedOrders, takeOverOrders } from './application/taking-over.ts'
import { service } from './service.ts'

/** How long a customer waits for the outcome. A slow card takes 2 s. */
const SETTLE_WAIT_MS = 5_000
/** How much longer once the process stops: less than those in front of it wait for its answer. */
const STOPPING_WAIT_MS = 1_000

/** How orders is put together. */
export const orders: ServiceComposition = {
  service,
  schema: [ORDERS_SCHEMA],
  stores: ['sagas'],
  async wire({
    answerSupervisor,
    connections,
    switches,
    seeding,
    logger,
    clock,
    newId,
    database,
    stores,
    outbox,
    sharing,
    stopping,
    serveRest,
    onStop,
  }) {
    const ending = new AbortController()
    stopping.addEventListener('abort', () => clock.timer(STOPPING_WAIT_MS, () => ending.abort(), { keepAlive: false }))
    const catalog = connections.rest(catalogApi, 'catalog')
    const customers = connections.rest(customersApi, 'customers')
    const inventory = connections.grpc(Inventory, 'inventory')
    const payments = connections.grpc(Payments, 'payments')
    const shipping = connections.grpc(Shipping, 'shipping')

    const repository = orderRepository(database)
    const saga = checkoutSaga({ inventory: inventoryOver(inventory), payments: paymentsOver(payments), shipping: shippingOver(shipping) })
    const store = stores.sagas()
    const sagas = checkoutOrchestrator({
      saga,
      store,
      database,
      orders: repository,
      outbox,
      clock,
      sharing,
      onError: (error, sagaId) => logger.error({ err: error, sagaId }, 'a checkout is held up'),
      onDecided: (order) => logger.info(order, order.reason === undefined ? 'order completed' : 'order rejected'),
      askUnknownAgain: switches.has('unknown-outcome'),
    })
    onStop('sagas', () => sagas.stop())
    answerSupervisor(sagaAnswers({ sagas: [saga], store, orchestrator: sagas, redacted: redactedJson, clock }))

    const takeOver = takeOverOrders({ database, orders: repository, outbox })
    await seeding((seed) => seedOrders({ orders: repository, takeOver, seed }))
    serveOrders(serveRest, {
      orders: repository,
      takeOver,
      paymentToken: (orderId) => paymentTokenOf(store, orderId),
      placeOrder: placeOrderUseCase({
        database,
        orders: repository,
        outbox,
        catalog: catalogOver(catalog),
        customers: customersOver(customers),
        sagas: checkoutSagas(sagas, saga),
        clock,
        newId,
        settleWaitMs: SETTLE_WAIT_MS,
        ending: ending.signal,
        honourKeys: switches.has('idempotency-keys'),
      }),
    })
    await sagas.resume()
  },
}
