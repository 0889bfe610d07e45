import type { CallContext } from 'seaworthy/core'

export interface Product {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly category: string
  readonly brand?: string | undefined
  readonly priceCents: number
  readonly reviewCount: number
  readonly rating?: number | undefined
}

export interface Review {
  readonly author: string
  readonly rating: number
  readonly comment: string
  readonly createdAt: string
}

export interface Paged<Item> {
  readonly items: readonly Item[]
  readonly page: number
  readonly pageSize: number
  readonly total: number
}

export interface OrderView {
  readonly orderId: string
  readonly status: 'pending' | 'completed' | 'rejected'
  /** Why it was rejected: `out-of-stock`, `card-declined`. */
  readonly reason?: string | undefined
  readonly lines: readonly { readonly name: string; readonly quantity: number; readonly priceCents: number }[]
  readonly totalCents: number
  readonly placedAt: string
}

export type Card = 'ok' | 'declined' | 'slow'

export interface Purchase {
  readonly customerId: string
  readonly lines: readonly { readonly productId: string; readonly quantity: number }[]
  readonly card: Card
  /** The same for each repetition of one purchase. */
  readonly idempotencyKey: string
}

/** What the storefront needs of the others. Each throws the typed error of its call. */
export interface Shop {
  products(search: { readonly text: string; readonly page: number }, call: CallContext): Promise<Paged<Product>>
  /** Undefined where there is no such product. */
  product(id: string, call: CallContext): Promise<Product | undefined>
  reviews(productId: string, call: CallContext): Promise<Paged<Review>>
  becomeCustomer(person: { readonly name: string; readonly email: string }, call: CallContext): Promise<{ readonly customerId: string }>
  buy(purchase: Purchase, call: CallContext): Promise<{ readonly orderId: string; readonly status: OrderView['status'] }>
  /** Undefined where there is no such order. */
  order(orderId: string, call: CallContext): Promise<OrderView | undefined>
}
