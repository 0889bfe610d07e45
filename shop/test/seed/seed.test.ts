import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { importedOrder } from '../../services/orders/contract/import.ts'
import { importedProduct } from '../../services/catalog/contract/import.ts'
import { importedCustomer } from '../../services/customers/contract/import.ts'
import { importedReview } from '../../services/reviews/contract/import.ts'
import { seedProducts, seedReviews, seedStock } from '../../seed/catalog.ts'
import { seedCustomers } from '../../seed/customers.ts'
import { seedPastOrders } from '../../seed/past-orders.ts'

describe('the seed', () => {
  test('has 500 products with stock, 2,000 reviews, 500 customers and 200 past orders, and they fit together', async () => {
    const [products, stock, reviews, customers, orders] = [
      await seedProducts(7),
      await seedStock(7),
      await seedReviews(7),
      await seedCustomers(7),
      await seedPastOrders(7),
    ]
    assert.deepEqual([products.length, stock.length, reviews.length, customers.length, orders.length], [500, 500, 2_000, 500, 200])
    const priced = new Map(products.map(({ id, priceCents }) => [id, priceCents]))
    const customerIds = new Set(customers.map(({ id }) => id))
    assert.deepEqual(new Set(stock.map(({ productId }) => productId)), new Set(priced.keys()))
    assert.ok(reviews.every(({ productId }) => priced.has(productId)))
    for (const order of orders) {
      assert.ok(customerIds.has(order.customerId))
      for (const line of order.lines) assert.equal(line.priceCents, priced.get(line.productId))
      assert.equal(
        order.totalCents,
        order.lines.reduce((sum, line) => sum + line.quantity * line.priceCents, 0),
      )
    }
    for (const product of products) importedProduct.parse(product)
    for (const review of reviews) importedReview.parse(review)
    for (const customer of customers) importedCustomer.parse(customer)
    for (const order of orders) importedOrder.parse(order)
  })

  test('is the same for every run of one seed, and another for another', async () => {
    const everything = async (seed: number) =>
      JSON.stringify([await seedProducts(seed), await seedStock(seed), await seedReviews(seed), await seedPastOrders(seed)])
    const first = await everything(7)
    assert.equal(await everything(7), first)
    assert.notEqual(await everything(8), first)
  })

  test('a part is the same whichever parts were made before it', async () => {
    const orders = JSON.stringify(await seedPastOrders(7))
    await seedReviews(7)
    await seedCustomers(7)
    assert.equal(JSON.stringify(await seedPastOrders(7)), orders)
  })
})
