import { join } from 'node:path'
import type { Transaction } from 'seaworthy/core'
import { commandHandler, sealedEventStore } from 'seaworthy/event-sourcing'
import { type HandlerOfTypes, handlers, on } from 'seaworthy/messaging'
import { startProjection, startRebuildable } from 'seaworthy/projections'
import { ALWAYS_OWNED } from '../../../shop/platform/always-owned.ts'
import { serveIndex } from '../../../shop/platform/serve-index.ts'
import type { ServiceComposition } from '../../../shop/platform/service-ports.ts'
import { figuresRepository } from '../../../shop/services/analytics/adapters/figures-repository.ts'
import { serveFigures } from '../../../shop/services/analytics/adapters/http.ts'
import { ANALYTICS_SCHEMA } from '../../../shop/services/analytics/adapters/schema.ts'
import { counting } from '../../../shop/services/analytics/application/counting.ts'
import { serveCatalog } from '../../../shop/services/catalog/adapters/http.ts'
import { productRepository } from '../../../shop/services/catalog/adapters/product-repository.ts'
import { CATALOG_SCHEMA } from '../../../shop/services/catalog/adapters/schema.ts'
import { rating } from '../../../shop/services/catalog/application/rating.ts'
import { seedCatalog } from '../../../shop/services/catalog/application/seeding.ts'
import { customerRepository } from '../../../shop/services/customers/adapters/customer-repository.ts'
import { serveCustomers } from '../../../shop/services/customers/adapters/http.ts'
import { CUSTOMERS_SCHEMA } from '../../../shop/services/customers/adapters/schema.ts'
import { forgetting } from '../../../shop/services/customers/application/forgetting.ts'
import { registering } from '../../../shop/services/customers/application/registering.ts'
import { seedRegistering } from '../../../shop/services/customers/application/seeding.ts'
import { settingLimits } from '../../../shop/services/customers/application/setting-limits.ts'
import { serveReviews } from '../../../shop/services/reviews/adapters/http.ts'
import { reviewRepository } from '../../../shop/services/reviews/adapters/review-repository.ts'
import { REVIEWS_SCHEMA } from '../../../shop/services/reviews/adapters/schema.ts'
import { reviewing } from '../../../shop/services/reviews/application/reviewing.ts'
import { seedReviewing } from '../../../shop/services/reviews/application/seeding.ts'
import { INVENTORY_SCHEMA } from '../../../shop/services/inventory/adapters/schema.ts'
import { stockRepository } from '../../../shop/services/inventory/adapters/stock-repository.ts'
import { seedInventory } from '../../../shop/services/inventory/application/seeding.ts'
import { stockKeeping } from '../../../shop/services/inventory/application/stock-keeping.ts'
import { letterRegister } from '../../../shop/services/notifications/adapters/letter-register.ts'
import { folderMailbox } from '../../../shop/services/notifications/adapters/mailbox.ts'
import { NOTIFICATIONS_SCHEMA } from '../../../shop/services/notifications/adapters/schema.ts'
import { letterWriter } from '../../../shop/services/notifications/application/letters.ts'
import { serveOrders } from '../../../shop/services/orders/adapters/http.ts'
import { orderRepository } from '../../../shop/services/orders/adapters/order-repository.ts'
import { ORDERS_SCHEMA } from '../../../shop/services/orders/adapters/schema.ts'
import { placeOrderUseCase } from '../../../shop/services/orders/application/place-order.ts'
import { seedOrders, takeOverOrders } from '../../../shop/services/orders/application/taking-over.ts'
import { BALANCES_SCHEMA, balancesProjection } from '../../../shop/services/payments/adapters/balances.ts'
import { CREDIT_SCHEMA, creditChecks } from '../../../shop/services/payments/adapters/credit-checks.ts'
import { serveAudit, serveStatements } from '../../../shop/services/payments/adapters/http.ts'
import { checkingCredit } from '../../../shop/services/payments/application/credit-check.ts'
import { customerPayments } from '../../../shop/services/payments/application/customer-payments.ts'
import { payment, paymentEvents } from '../../../shop/services/payments/domain/payment.ts'
import { shipmentBooked } from '../../../shop/services/shipping/contract/events.ts'
import { SHIPPING_SCHEMA } from '../../../shop/services/shipping/adapters/schema.ts'
import { shipmentRepository } from '../../../shop/services/shipping/adapters/shipment-repository.ts'
import { type Release, withSlips } from '../planted-defect.ts'
import { checkoutInOneTransaction } from './checkout.ts'
import { serveHistoryOfTables } from './history.ts'
import { LETTERS_SCHEMA, letterRoom } from './letters.ts'
import { calling } from './reactions.ts'
import { service } from './service.ts'

/**
 * The shop before stage 0: every module that has a process of its own today, by the same code, in one process and over one database. Where services call each other,
 * its modules do; where services react to events, its modules do so in the same transaction; and a checkout is one transaction.
 */
export function wholeMonolith(release: Release): ServiceComposition {
  return {
    service,
    schema: [
      CATALOG_SCHEMA,
      REVIEWS_SCHEMA,
      CUSTOMERS_SCHEMA,
      ORDERS_SCHEMA,
      INVENTORY_SCHEMA,
      BALANCES_SCHEMA,
      CREDIT_SCHEMA,
      SHIPPING_SCHEMA,
      ANALYTICS_SCHEMA,
      LETTERS_SCHEMA,
      NOTIFICATIONS_SCHEMA,
    ],
    stores: ['events', 'subjects', 'projections', 'documents'],
    async wire({ database, stores, scrub, participant, seeding, logger, clock, newId, folder, serveRest, showProjection, onStop }) {
      const listeners: HandlerOfTypes<[Transaction]>[] = []
      const outbox = calling(listeners)
      const products = productRepository(database)
      const accounts = customerRepository(database)
      const reviews = reviewRepository(database)
      const stock = stockRepository(database)
      const orders = orderRepository(database)
      const figures = figuresRepository(database)

      const events = stores.events()
      const ledger = sealedEventStore({ store: events, events: paymentEvents, subjects: stores.subjects() })
      const payments = commandHandler({ decider: payment, events: paymentEvents, store: ledger, database, schemaVersion: 1 })
      const feed = { source: events, events: paymentEvents, clock }
      const balances = startProjection({ ...feed, projection: balancesProjection, database, store: stores.projections() })
      onStop('balances', () => balances.stop())
      const documents = stores.documents()
      const statements = await startRebuildable({ ...feed, declare: customerPayments, store: documents, onStarted: showProjection })
      onStop('statements', () => statements.stop())

      const letters = letterRoom({
        database,
        logger,
        write: letterWriter({
          customers: {
            async recipient(customerId) {
              const found = await accounts.find(customerId)
              return found && { customerId, name: found.name, email: found.email }
            },
          },
          register: letterRegister(database),
          mailbox: folderMailbox(join(folder, 'sent-mail')),
          clock,
        }),
      })
      onStop('letters', () => letters.stop())

      const keeping = stockKeeping({ stock, participant, outbox, newId })
      listeners.push(
        rating(products),
        settingLimits({ customers: accounts, owned: ALWAYS_OWNED }),
        checkingCredit({ checks: creditChecks(), outbox }),
        counting(figures),
        letters.noting,
        handlers([on(shipmentBooked, ({ data }, tx: Transaction) => keeping.ship(tx, data.orderId))], { others: 'ignore' }),
      )

      const customers = registering({ database, customers: accounts, outbox, owned: ALWAYS_OWNED, clock, newId })
      const people = forgetting({ database, customers: accounts, outbox, owned: ALWAYS_OWNED, clock, scrub: () => scrub(['customers']) })
      const reviewers = reviewing({
        database,
        reviews,
        catalog: { has: async (id) => (await products.find(id)) !== undefined },
        customers: { nameOf: async (id) => (await accounts.find(id))?.name },
        outbox,
        owned: ALWAYS_OWNED,
        clock,
        newId,
      })
      const takeOver = takeOverOrders({ database, orders, outbox })
      await seeding(async (seed) => {
        await seedCatalog({ database, products, seed })
        await seedReviewing({ reviews, reviewing: reviewers, seed })
        await seedRegistering({ customers: accounts, registering: customers, seed })
        await seedInventory({ database, stock, seed })
        await seedOrders({ orders, takeOver, seed })
      })

      serveIndex(serveRest)
      serveCatalog(serveRest, { database, products, owned: ALWAYS_OWNED })
      serveReviews(serveRest, { reviewing: reviewers, reviews })
      serveCustomers(serveRest, { registering: customers, customers: accounts, people })
      serveOrders(serveRest, {
        orders,
        takeOver,
        placeOrder: placeOrderUseCase({
          database,
          orders,
          outbox,
          catalog: {
            async offered(ids) {
              const found = await Promise.all(ids.map((id) => products.find(id)))
              return new Map(found.flatMap((each) => (each === undefined ? [] : [[each.id, { ...each, productId: each.id }]])))
            },
          },
          customers: {
            async buyer(customerId) {
              const found = await accounts.find(customerId)
              return found && { ...found, customerId }
            },
          },
          sagas: checkoutInOneTransaction({
            stock,
            payments,
            payers: {
              async payer(customerId) {
                const found = await accounts.find(customerId)
                return found && { name: found.name, email: found.email }
              },
            },
            shipments: shipmentRepository,
            orders,
            outbox,
            paymentsOutbox: release === 'sound' ? outbox : withSlips(outbox, (slip) => logger.info({ slip }, 'a slip was printed')),
            clock,
            newId,
          }),
          clock,
          newId,
          settleWaitMs: 0,
          honourKeys: true,
        }),
      })
      serveHistoryOfTables(serveRest, { database, orders })
      serveFigures(serveRest, figures)
      serveAudit(serveRest, { database, balances })
      serveStatements(serveRest, { store: documents, clock })
      letters.start()
    },
  }
}
