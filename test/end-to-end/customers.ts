import type { Random } from 'seaworthy/core'
import { type CheckoutAnswer, type CheckoutRequest, createCustomer, persistentCheckout, type Product, request } from './client.ts'

/** Who shops, and what there is to buy. */
export interface Customers {
  readonly ids: readonly string[]
  readonly products: readonly Product[]
}

export async function customersArrive(gateway: string, { count }: { count: number }): Promise<Customers> {
  const { items } = (await request<{ items: Product[] }>(`${gateway}/api/products?page=1`)).body
  return {
    products: items,
    ids: await Promise.all(Array.from({ length: count }, (_, index) => createCustomer(gateway, `Customer ${index}`))),
  }
}

export interface ShoppingOptions {
  readonly customers: Customers
  /** What is bought, and with which card. */
  readonly random: Random
  /** The key of the next checkout; undefined when the customer goes home. */
  readonly nextKey: () => string | undefined
  /** How long a customer asks again under one key. */
  readonly timeoutMs: number
  /** What a customer does after each checkout. Default: the next one. */
  readonly afterwards?: (order: ShoppedOrder) => Promise<void>
}

export interface ShoppedOrder {
  readonly key: string
  readonly checkout: CheckoutRequest
  /** From the first time that the customer asked to the answer. */
  readonly tookMs: number
}

export interface Shopped {
  readonly answers: ReadonlyMap<string, CheckoutAnswer>
  /** A line for each customer who asked to the end and got no order. */
  readonly unanswered: readonly string[]
}

/** All customers at once, each one order after another. One card in ten is slow, one is declined. */
export async function customersShop(gateway: string, options: ShoppingOptions): Promise<Shopped> {
  const { customers, random, nextKey, timeoutMs, afterwards } = options
  const answers = new Map<string, CheckoutAnswer>()
  const unanswered: string[] = []
  await Promise.all(
    customers.ids.map(async (customerId) => {
      for (let key = nextKey(); key !== undefined; key = nextKey()) {
        const draw = random.float()
        const card = draw < 0.1 ? 'slow' : draw < 0.2 ? 'declined' : 'ok'
        const product = customers.products[Math.floor(random.float() * customers.products.length)]!
        const checkout = { customerId, lines: [{ productId: product.id, quantity: 1 + Math.floor(random.float() * 2) }], card }
        const startedAt = performance.now()
        try {
          answers.set(key, await persistentCheckout(gateway, checkout, key, { timeoutMs }))
        } catch (error) {
          unanswered.push((error as Error).message)
        }
        await afterwards?.({ key, checkout, tookMs: performance.now() - startedAt })
      }
    }),
  )
  return { answers, unanswered }
}
