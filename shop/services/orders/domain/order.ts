/** An order as its customer knows it. Money is in integer cents. */
export interface Order {
  readonly id: string
  readonly customerId: string
  readonly lines: readonly OrderLine[]
  readonly totalCents: number
  readonly state: OrderState
  readonly placedAtMs: number
}

export interface OrderLine {
  readonly productId: string
  readonly name: string
  readonly quantity: number
  /** Price of one piece when the order was placed: later changes of the catalog do not touch it. */
  readonly priceCents: number
  /** What the line costs less than quantity times price. Orders taken over from other systems have it. */
  readonly discountCents?: number | undefined
}

/**
 * - `pending`: accepted; the saga is at work.
 * - `completed`: paid and booked for shipment.
 * - `rejected`: will not be fulfilled; whatever was done for it has been or is being undone.
 */
export type OrderState =
  | { readonly status: 'pending' }
  | { readonly status: 'completed' }
  | { readonly status: 'rejected'; readonly reason: string }

/** What the customer asks for. */
export interface RequestedLine {
  readonly productId: string
  readonly quantity: number
}

/** What the catalog knows of a product, in this context's words. */
export interface OfferedProduct {
  readonly productId: string
  readonly name: string
  readonly priceCents: number
}

/** What the customers' side knows of a customer, in this context's words. */
export interface Buyer {
  readonly customerId: string
  readonly name: string
  readonly creditLimitCents: number
}

/** One line per product: the same product asked for twice is one line with the sum. */
export function mergeLines(lines: readonly RequestedLine[]): readonly RequestedLine[] {
  const quantities = new Map<string, number>()
  for (const { productId, quantity } of lines) quantities.set(productId, (quantities.get(productId) ?? 0) + quantity)
  return Array.from(quantities, ([productId, quantity]) => ({ productId, quantity }))
}

function totalCents(lines: readonly OrderLine[]): number {
  return lines.reduce((sum, line) => sum + line.priceCents * line.quantity - (line.discountCents ?? 0), 0)
}

/** Prices the lines by the catalog. Every requested product must be among the offered ones. */
export function priceLines(lines: readonly RequestedLine[], offered: ReadonlyMap<string, OfferedProduct>): readonly OrderLine[] {
  return lines.map(({ productId, quantity }) => {
    const product = offered.get(productId)!
    return { productId, name: product.name, quantity, priceCents: product.priceCents }
  })
}

/** The order as it is placed: pending, or rejected at once when it exceeds the buyer's credit. */
export function placeOrder(options: { id: string; buyer: Buyer; lines: readonly OrderLine[]; placedAtMs: number }): Order {
  const total = totalCents(options.lines)
  return {
    id: options.id,
    customerId: options.buyer.customerId,
    lines: options.lines,
    totalCents: total,
    state: total > options.buyer.creditLimitCents ? { status: 'rejected', reason: 'credit-limit-exceeded' } : { status: 'pending' },
    placedAtMs: options.placedAtMs,
  }
}
