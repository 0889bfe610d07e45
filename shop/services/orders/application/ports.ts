import type { CallContext, Transaction } from 'seaworthy/core'
import type { Buyer, OfferedProduct, Order, OrderLine, OrderState } from '../domain/order.ts'

/** The catalog and the customers of the monolith, behind an anti-corruption layer: its words end there. */
export interface Catalog {
  /** Those of the products that exist. @throws UnavailableError when the catalog cannot be asked */
  offered(productIds: readonly string[], call: CallContext): Promise<ReadonlyMap<string, OfferedProduct>>
}

export interface Customers {
  buyer(customerId: string, call: CallContext): Promise<Buyer | undefined>
}

/**
 * The services that take part in a checkout. Each honours the call's idempotency key, undoing included: what is undone is what was
 * done under that key. A refusal is a RejectedError.
 */
export interface Inventory {
  reserve(request: { orderId: string; lines: readonly OrderLine[] }, call: CallContext): Promise<{ reservationId: string }>
  release(request: { orderId: string }, call: CallContext): Promise<void>
}

export interface Payments {
  /** `consistencyToken`: what a query of the customer's payments waits for this one by; absent of those who have none. */
  charge(
    request: { orderId: string; customerId: string; amountCents: number; card: string },
    call: CallContext,
  ): Promise<{ paymentId: string; consistencyToken?: string }>
  refund(request: { orderId: string }, call: CallContext): Promise<void>
}

export interface Shipping {
  book(request: { orderId: string; customerId: string; lines: readonly OrderLine[] }, call: CallContext): Promise<{ shipmentId: string }>
}

/** The idempotency record of a checkout: which order a client's key stands for, and for what request. */
interface CheckoutRecord {
  readonly orderId: string
  readonly fingerprint: string
}

/** Orders in the service's own database. */
export interface OrderRepository {
  /** @returns false when the checkout's key stands for another order already: then the transaction must not commit */
  insert(tx: Transaction, order: Order, checkout: { key: string; fingerprint: string } | undefined): Promise<boolean>
  setState(tx: Transaction, orderId: string, state: OrderState): Promise<void>
  find(orderId: string, tx?: Transaction): Promise<Order | undefined>
  /** Of a customer, the newest first; pages count from 1. */
  page(
    customerId: string,
    options: { readonly page: number; readonly pageSize: number },
  ): Promise<{ readonly items: readonly Order[]; readonly total: number }>
  /** Stores completed orders of other systems; those that are known stay as they are. @returns the ids of those that were new */
  takeOver(tx: Transaction, orders: readonly Order[]): Promise<ReadonlySet<string>>
  isEmpty(): Promise<boolean>
  checkoutByKey(key: string): Promise<CheckoutRecord | undefined>
}
