import type { EventEnvelope } from 'seaworthy/messaging'
import { customerCreated, customerImported } from '../../../monolith/contract/events.ts'
import { orderCompleted, orderImported, orderRejected } from '../../orders/contract/events.ts'

/** The counters, by name. */
export type Counter = 'orders-completed' | 'orders-rejected' | 'revenue-cents' | 'customers'

export interface ProductSale {
  readonly productId: string
  readonly name: string
  readonly quantity: number
  readonly revenueCents: number
}

/** What an event adds to the figures. */
export interface Contribution {
  readonly counters: readonly { readonly counter: Counter; readonly by: number }[]
  readonly sales: readonly ProductSale[]
}

/** What the event adds; undefined when it is none of analytics' business. */
export function contributionOf(event: EventEnvelope): Contribution | undefined {
  if (orderCompleted.is(event) || orderImported.is(event)) {
    const { lines, totalCents } = event.data
    return {
      counters: [
        { counter: 'orders-completed', by: 1 },
        { counter: 'revenue-cents', by: totalCents },
      ],
      sales: lines.map(({ productId, name, quantity, priceCents, discountCents }) => ({
        productId,
        name,
        quantity,
        revenueCents: quantity * priceCents - (discountCents ?? 0),
      })),
    }
  }
  if (orderRejected.is(event)) return { counters: [{ counter: 'orders-rejected', by: 1 }], sales: [] }
  if (customerCreated.is(event) || customerImported.is(event)) return { counters: [{ counter: 'customers', by: 1 }], sales: [] }
  return undefined
}
