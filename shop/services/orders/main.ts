import { grpcClient } from '@seaworthy/rpc/grpc'
import { restClient } from '@seaworthy/rpc/rest'
import { policy } from 'seaworthy/resilience'
import { sagaStoreSchema, sqliteSagaStore } from 'seaworthy/sqlite'
import { monolithApi } from '../../monolith/contract/rest.ts'
import { runService } from '../../platform/run-service.ts'
import { Inventory } from '../inventory/contract/gen/inventory_pb.js'
import { Payments } from '../payments/contract/gen/payments_pb.js'
import { Shipping } from '../shipping/contract/gen/shipping_pb.js'
import { serveOrders } from './adapters/http.ts'
import { monolithCatalog, monolithCustomers } from './adapters/monolith.ts'
import { orderRepository } from './adapters/order-repository.ts'
import { inventoryOver, paymentsOver, shippingOver } from './adapters/participants.ts'
import { MONOLITH_POLICY, PARTICIPANT_POLICY } from './adapters/policies.ts'
import { checkoutOrchestrator, checkoutSagas } from './adapters/sagas.ts'
import { ORDERS_SCHEMA } from './adapters/schema.ts'
import { checkoutSaga } from './application/checkout-saga.ts'
import { placeOrderUseCase } from './application/place-order.ts'
import { seedOrders, takeOverOrders } from './application/taking-over.ts'
import { service } from './service.ts'

/** How long a customer waits for the outcome. A slow card takes 2 s. */
const SETTLE_WAIT_MS = 5_000

await runService({
  service,
  schema: [ORDERS_SCHEMA, sagaStoreSchema],
  async wire({ contract, switches, seeding, logger, clock, newId, database, outbox, http, onStop }) {
    const guarded = (name: string) => ({
      address: contract.endpoint(name).grpc ?? '',
      policy: policy(PARTICIPANT_POLICY, { name }),
    })
    const monolith = restClient(monolithApi, {
      baseUrl: contract.endpoint('monolith').http,
      policy: policy(MONOLITH_POLICY, { name: 'monolith' }),
    })
    const inventory = grpcClient(Inventory, guarded('inventory'))
    const payments = grpcClient(Payments, guarded('payments'))
    const shipping = grpcClient(Shipping, guarded('shipping'))
    for (const [name, client] of Object.entries({ monolith, inventory, payments, shipping })) {
      onStop(`connection to ${name}`, () => client[Symbol.dispose]())
    }

    const orders = orderRepository(database)
    const saga = checkoutSaga({ inventory: inventoryOver(inventory), payments: paymentsOver(payments), shipping: shippingOver(shipping) })
    const sagas = checkoutOrchestrator({
      saga,
      store: sqliteSagaStore(database),
      database,
      orders,
      outbox,
      clock,
      onError: (error, sagaId) => logger.error({ err: error, sagaId }, 'a checkout is held up'),
      askUnknownAgain: switches.has('unknown-outcome'),
    })
    onStop('sagas', () => sagas.stop())

    const takeOver = takeOverOrders({ database, orders, outbox })
    await seeding((seed) => seedOrders({ orders, takeOver, seed }))
    serveOrders(http, {
      orders,
      takeOver,
      placeOrder: placeOrderUseCase({
        database,
        orders,
        outbox,
        catalog: monolithCatalog(monolith),
        customers: monolithCustomers(monolith),
        sagas: checkoutSagas(sagas, saga),
        clock,
        newId,
        settleWaitMs: SETTLE_WAIT_MS,
        honourKeys: switches.has('idempotency-keys'),
      }),
    })
    await sagas.resume()
  },
})
