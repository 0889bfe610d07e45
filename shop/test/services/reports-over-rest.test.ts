import { httpServer, type HttpServer, restClient, type RestContract } from '@seaworthy/rpc/rest'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from 'seaworthy/core'
import { commandHandler } from 'seaworthy/event-sourcing'
import { startProjection } from 'seaworthy/projections'
import { sqliteEventStore, sqliteProjectionStore } from 'seaworthy/sqlite'
import { servingOn } from '../../platform/service-ports.ts'
import { serveFigures } from '../../services/analytics/adapters/http.ts'
import { figuresRepository } from '../../services/analytics/adapters/figures-repository.ts'
import { ANALYTICS_SCHEMA } from '../../services/analytics/adapters/schema.ts'
import { counting } from '../../services/analytics/application/counting.ts'
import { analyticsApi } from '../../services/analytics/contract/rest.ts'
import { orderCompleted } from '../../services/orders/contract/events.ts'
import { BALANCES_SCHEMA, balancesProjection } from '../../services/payments/adapters/balances.ts'
import { serveAudit } from '../../services/payments/adapters/http.ts'
import { paymentsAudit } from '../../services/payments/contract/rest.ts'
import { payment, paymentEvents } from '../../services/payments/domain/payment.ts'
import { openServiceDatabase } from '../service-database.ts'

async function overRest<Contract extends RestContract>(contract: Contract, serveOn: (server: HttpServer) => void) {
  const server = httpServer({ port: 0 })
  serveOn(server)
  await server.start()
  const client = restClient(contract as RestContract<Contract['operations']>, { baseUrl: server.url })
  return {
    client,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]()
      await server.drain({ lingerMs: 0 })
    },
  }
}

test('analytics sums up what it counted', async () => {
  await using service = await openServiceDatabase(ANALYTICS_SCHEMA)
  const figures = figuresRepository(service.database)
  await using analytics = await overRest(analyticsApi, (server) => serveFigures(servingOn(server), figures))
  const empty = { ordersCompleted: 0, ordersRejected: 0, revenueCents: 0, customers: 0, topProducts: [] }
  assert.deepEqual((await analytics.client.getSummary()).body, empty)
  const lines = [{ productId: 'a', name: 'A', quantity: 2, priceCents: 100 }]
  const event = orderCompleted({ orderId: 'o', customerId: 'c', lines, totalCents: 200 })
  await service.database.transaction((tx) => counting(figures)(event, tx))
  assert.deepEqual((await analytics.client.getSummary()).body, {
    ...empty,
    ordersCompleted: 1,
    revenueCents: 200,
    topProducts: [{ productId: 'a', name: 'A', quantity: 2, revenueCents: 200 }],
  })
})

test('payments shows auditors a ledger that sums to zero, and how far behind the books its sums are', async () => {
  await using service = await openServiceDatabase(BALANCES_SCHEMA)
  const { database } = service
  const store = sqliteEventStore(database)
  const payments = commandHandler({ decider: payment, events: paymentEvents, store, database, schemaVersion: 1 })
  const balances = startProjection({
    projection: balancesProjection,
    source: store,
    database,
    store: sqliteProjectionStore(database),
    events: paymentEvents,
  })
  await using audit = await overRest(paymentsAudit, (server) => serveAudit(servingOn(server), { database, balances }))
  try {
    const paymentId = newId()
    await payments.execute(paymentId, { type: 'charge', paymentId, orderId: 'o', customerId: 'c', amountCents: 1_250 })
    for (;;) {
      const { body } = await audit.client.getLedger()
      assert.equal(body.sumCents, 0)
      if (body.behind > 0) continue
      assert.equal(body.cardClearingCents, 1_250)
      break
    }
  } finally {
    await balances.stop()
  }
})
