import assert from 'node:assert/strict'
import { test } from 'node:test'
import { customerCreated, customerCreatedV1, customerImported } from '../../../services/customers/contract/events.ts'
import { ANALYTICS_SCHEMA } from '../../../services/analytics/adapters/schema.ts'
import { figuresRepository } from '../../../services/analytics/adapters/figures-repository.ts'
import { counting } from '../../../services/analytics/application/counting.ts'
import { orderCompleted, orderImported, orderPlaced, orderRejected } from '../../../services/orders/contract/events.ts'
import { openServiceDatabase } from '../../service-database.ts'

const customer = { customerId: 'c1', canBeBilled: true, creditLimitCents: 1 }
const line = (productId: string, quantity: number, priceCents: number, discountCents?: number) => ({
  productId,
  name: productId.toUpperCase(),
  quantity,
  priceCents,
  ...(discountCents !== undefined && { discountCents }),
})

test('analytics counts orders, revenue, customers and what each product sold, imported history included', async () => {
  await using analytics = await openServiceDatabase(ANALYTICS_SCHEMA)
  const figures = figuresRepository(analytics.database)
  const count = counting(figures)
  const order = (lines: ReturnType<typeof line>[], totalCents: number) => ({ orderId: 'o', customerId: 'c1', lines, totalCents })
  const events = [
    customerCreated(customer),
    customerImported(customer),
    customerCreatedV1({ customerId: 'c2', name: 'Grace', email: 'grace@example.com', creditLimitCents: 1 }),
    orderPlaced(order([line('a', 2, 100)], 200)),
    orderCompleted(order([line('a', 2, 100), line('b', 1, 500)], 700)),
    orderImported({ ...order([line('a', 10, 100, 150)], 850), placedAt: '1996-07-04T00:00:00.000Z' }),
    orderRejected({ ...order([line('b', 1, 500)], 500), reason: 'card-declined' }),
  ]
  for (const event of events) await analytics.database.transaction((tx) => count(event, tx))
  assert.deepEqual(await figures.read({ topProductsMax: 1 }), {
    counters: { 'orders-completed': 2, 'orders-rejected': 1, 'revenue-cents': 1_550, customers: 3 },
    topProducts: [{ productId: 'a', name: 'A', quantity: 12, revenueCents: 1_050 }],
  })
})
