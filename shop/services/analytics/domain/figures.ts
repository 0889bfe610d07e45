import type { OrderEventLine } from '../../orders/contract/events.ts'

/** What is counted. */
export type Counter = 'orders-completed' | 'orders-rejected' | 'revenue-cents' | 'customers'

/** What a line of an order adds to the figures of its product. */
export interface ProductSale {
  readonly productId: string
  readonly name: string
  readonly quantity: number
  readonly revenueCents: number
}

export function saleOf({ productId, name, quantity, priceCents, discountCents = 0 }: OrderEventLine): ProductSale {
  return { productId, name, quantity, revenueCents: quantity * priceCents - discountCents }
}
