import { httpServer } from '@seaworthy/rpc/rest'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId, systemClock, UnavailableError } from 'seaworthy/core'
import { recognise } from '../../import/read-file.ts'
import { type ImportCount, type ImportEndpoints, sendToShop } from '../../import/send.ts'
import { serveMonolith } from '../../monolith/adapters/http.ts'
import { MONOLITH_SCHEMA } from '../../monolith/adapters/schema.ts'
import { catalog } from '../../monolith/application/catalog.ts'
import { customers } from '../../monolith/application/customers.ts'
import { forgetting } from '../../monolith/application/forgetting.ts'
import { reviews } from '../../monolith/application/reviews.ts'
import { takingOver } from '../../monolith/application/taking-over.ts'
import { ALWAYS_OWNED } from '../../platform/always-owned.ts'
import { servingOn } from '../../platform/service-ports.ts'
import { serveImport } from '../../services/inventory/adapters/http.ts'
import { INVENTORY_SCHEMA } from '../../services/inventory/adapters/schema.ts'
import { stockRepository } from '../../services/inventory/adapters/stock-repository.ts'
import { serveOrders } from '../../services/orders/adapters/http.ts'
import { orderRepository } from '../../services/orders/adapters/order-repository.ts'
import { ORDERS_SCHEMA } from '../../services/orders/adapters/schema.ts'
import { takeOverOrders } from '../../services/orders/application/taking-over.ts'
import { openServiceDatabase } from '../service-database.ts'

const northwind = {
  customers: [{ customerId: 'ALFKI', company: 'Alfreds Futterkiste' }],
  products: [{ productId: 11, name: 'Queso', category: 'Dairy', unitPrice: 21, stock: 22 }],
  orders: [
    {
      orderId: 10_643,
      customerId: 'ALFKI',
      orderedAt: '1997-08-25 00:00:00.000',
      lines: [{ productId: 11, unitPrice: 21, quantity: 2, discount: 0.05 }],
    },
  ],
}

/** Those services that take data over, each with its database and a port of its own. */
async function openShop() {
  await using stack = new AsyncDisposableStack()
  const clock = systemClock
  const [legacy, store, sales] = [
    stack.use(await openServiceDatabase(MONOLITH_SCHEMA)),
    stack.use(await openServiceDatabase(INVENTORY_SCHEMA)),
    stack.use(await openServiceDatabase(ORDERS_SCHEMA)),
  ]
  const servers = { monolith: httpServer({ port: 0 }), inventory: httpServer({ port: 0 }), orders: httpServer({ port: 0 }) }
  serveMonolith(servingOn(servers.monolith), {
    database: legacy.database,
    catalog: catalog(legacy.database),
    reviews: reviews({ database: legacy.database, owned: ALWAYS_OWNED, clock, newId }),
    customers: customers({ ...legacy, owned: ALWAYS_OWNED, clock, newId }),
    people: forgetting({ ...legacy, owned: { reviews: ALWAYS_OWNED, customers: ALWAYS_OWNED }, clock, scrub: async () => [] }),
    takingOver: takingOver({ ...legacy, owned: { reviews: ALWAYS_OWNED, catalog: ALWAYS_OWNED, customers: ALWAYS_OWNED }, clock }),
  })
  const stock = stockRepository(store.database)
  serveImport(servingOn(servers.inventory), { database: store.database, stock })
  const orders = orderRepository(sales.database)
  serveOrders(servingOn(servers.orders), {
    orders,
    takeOver: takeOverOrders({ ...sales, orders }),
    placeOrder: () => Promise.reject(new Error('Nobody orders anything here.')),
  })
  for (const server of Object.values(servers)) {
    await server.start()
    stack.defer(() => server.drain({ lingerMs: 0 }))
  }
  const endpoints: ImportEndpoints = {
    catalog: servers.monolith.url,
    reviews: servers.monolith.url,
    customers: servers.monolith.url,
    inventory: servers.inventory.url,
    orders: servers.orders.url,
  }
  const parts = stack.move()
  return { endpoints, servers, stock, orders, legacy, sales, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

async function counts(endpoints: ImportEndpoints): Promise<Record<string, [number, number]>> {
  const told: ImportCount[] = []
  await sendToShop(recognise(northwind, 'file.json').data, endpoints, { attemptsMax: 1, onCount: (count) => told.push(count) })
  return Object.fromEntries(told.map(({ kind, added, known }) => [kind, [added, known]]))
}

describe('an import', () => {
  test('goes to the services that own the data, once', async () => {
    await using shop = await openShop()
    assert.deepEqual(await counts(shop.endpoints), { products: [1, 0], stock: [1, 0], reviews: [0, 0], customers: [1, 0], orders: [1, 0] })
    assert.deepEqual(await counts(shop.endpoints), { products: [0, 1], stock: [0, 1], reviews: [0, 0], customers: [0, 1], orders: [0, 1] })
    assert.equal((await shop.stock.level('northwind-11'))?.onHand, 22)
    const order = await shop.orders.find('northwind-10643')
    assert.deepEqual([order?.state.status, order?.totalCents, order?.customerId], ['completed', 3_990, 'northwind-ALFKI'])
  })

  test('tells of history as history: nobody is to be notified', async () => {
    await using shop = await openShop()
    await counts(shop.endpoints)
    await counts(shop.endpoints)
    const types = [...(await shop.legacy.published('customers')), ...(await shop.sales.published('orders'))].map(({ type }) => type)
    assert.deepEqual(types, ['customer.imported', 'order.imported'])
  })

  test('that fails half-way is completed by importing again', async () => {
    await using shop = await openShop()
    await shop.servers.orders.drain({ lingerMs: 0 })
    await assert.rejects(counts(shop.endpoints), UnavailableError)
    assert.equal((await shop.stock.level('northwind-11'))?.onHand, 22)
    assert.equal(await shop.orders.find('northwind-10643'), undefined)
  })
})
