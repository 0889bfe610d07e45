import { type CallContext, executedOf, InvalidInputError, RejectedError } from 'seaworthy/core'
import { fallback } from 'seaworthy/resilience'
import type { Basket } from '../domain/basket.ts'
import { type Known, LastKnown } from './last-known.ts'
import type { Card, OrderView, Paged, Product, Review, Shop } from './ports.ts'

/** Reviews, or that there are none to be had just now. */
export type ReviewsShown = { readonly kind: 'shown'; readonly reviews: Paged<Review> } | { readonly kind: 'unavailable' }

export interface ProductShown {
  readonly product: Known<Product>
  readonly reviews: ReviewsShown
}

export interface BasketShown {
  readonly lines: readonly { readonly product: Product; readonly quantity: number }[]
  readonly totalCents: number
  /** Prices are those that were known last. */
  readonly isStale: boolean
  /** Products that are in the basket and not in the catalog any more. */
  readonly gone: readonly string[]
}

export interface CheckoutForm {
  readonly basket: Basket
  readonly buyer:
    | { readonly kind: 'known'; readonly customerId: string }
    | { readonly kind: 'new'; readonly name: string; readonly email: string }
  readonly card: Card
  /** Made with the form, so that pressing its button twice buys once. */
  readonly idempotencyKey: string
}

export type CheckoutOutcome =
  | { readonly kind: 'placed'; readonly orderId: string; readonly customerId: string; readonly status: OrderView['status'] }
  /** It will not do like this: what to change. */
  | { readonly kind: 'refused'; readonly why: string; readonly customerId?: string }
  /** It may have been bought, or it was not; asking again under the same key finds out, and buys nothing twice. */
  | { readonly kind: 'try-again'; readonly mayBeBought: boolean; readonly customerId?: string }

/** What people do in the shop. Each answer says what is missing from it, instead of failing as a whole. */
export interface Storefront {
  products(search: { readonly text: string; readonly page: number }, call: CallContext): Promise<Known<Paged<Product>>>
  /** Undefined where there is no such product. */
  product(id: string, call: CallContext): Promise<ProductShown | undefined>
  basket(basket: Basket, call: CallContext): Promise<BasketShown>
  checkout(form: CheckoutForm, call: CallContext): Promise<CheckoutOutcome>
  order(orderId: string, call: CallContext): Promise<OrderView | undefined>
}

const PRODUCTS_KNOWN_MAX = 500
const SEARCHES_KNOWN_MAX = 100

export function storefrontUseCases(shop: Shop): Storefront {
  const products = new LastKnown<Product | undefined>({ entriesMax: PRODUCTS_KNOWN_MAX })
  const searches = new LastKnown<Paged<Product>>({ entriesMax: SEARCHES_KNOWN_MAX })
  const withoutReviews = fallback((): ReviewsShown => ({ kind: 'unavailable' }))
  const product = (id: string, call: CallContext) => products.of(id, () => shop.product(id, call), call.signal)

  return {
    products: (search, call) => searches.of(`${search.page} ${search.text}`, () => shop.products(search, call), call.signal),

    async product(id, call) {
      const [found, reviews] = await Promise.all([
        product(id, call),
        withoutReviews.run(async (): Promise<ReviewsShown> => ({ kind: 'shown', reviews: await shop.reviews(id, call) }), call),
      ])
      const { value, isStale } = found
      return value === undefined ? undefined : { product: { value, isStale }, reviews }
    },

    async basket(basket, call) {
      const found = await Promise.all(
        basket.map(async ({ productId, quantity }) => ({ productId, quantity, known: await product(productId, call) })),
      )
      const lines = found.flatMap(({ known, quantity }) => (known.value === undefined ? [] : [{ product: known.value, quantity }]))
      return {
        lines,
        totalCents: lines.reduce((sum, line) => sum + line.product.priceCents * line.quantity, 0),
        isStale: found.some(({ known }) => known.isStale),
        gone: found.flatMap(({ productId, known }) => (known.value === undefined ? [productId] : [])),
      }
    },

    async checkout({ basket, buyer, card, idempotencyKey }, call) {
      let customerId = buyer.kind === 'known' ? buyer.customerId : undefined
      try {
        if (buyer.kind === 'new') ({ customerId } = await shop.becomeCustomer({ name: buyer.name, email: buyer.email }, call))
        const { orderId, status } = await shop.buy({ customerId: customerId!, lines: basket, card, idempotencyKey }, call)
        return { kind: 'placed', orderId, status, customerId: customerId! }
      } catch (error) {
        if (call.signal?.aborted === true) throw error
        const who = customerId === undefined ? {} : { customerId }
        if (error instanceof RejectedError || error instanceof InvalidInputError) return { kind: 'refused', why: error.message, ...who }
        // Nothing is bought before there is a customer.
        return { kind: 'try-again', mayBeBought: customerId !== undefined && executedOf(error) !== 'no', ...who }
      }
    },

    order: (orderId, call) => shop.order(orderId, call),
  }
}
