import { createHash } from 'node:crypto'
import {
  type CallContext,
  type Clock,
  ConflictError,
  type Database,
  InvalidInputError,
  type NewId,
  RejectedError,
  shielded,
  type Transaction,
  UnavailableError,
} from 'seaworthy/core'
import type { Outbox } from 'seaworthy/outbox'
import { orderPlaced, orderRejected } from '../contract/events.ts'
import { mergeLines, type Order, placeOrder, priceLines, type RequestedLine } from '../domain/order.ts'
import type { CheckoutInput } from './checkout-saga.ts'
import type { Catalog, Customers, OrderRepository } from './ports.ts'

interface CheckoutRequest {
  readonly customerId: string
  readonly lines: readonly RequestedLine[]
  readonly card: string
}

/** Starts checkout sagas in the transaction that stores their order, and tells when the order is decided. */
export interface CheckoutSagas {
  start(tx: Transaction, input: CheckoutInput, context: CallContext): Promise<void>
  /** Waits until it is known how the saga ends, at most `timeoutMs`. What is to be undone may still be under way then. */
  decided(orderId: string, options: { timeoutMs: number; signal?: AbortSignal }): Promise<void>
}

export interface PlaceOrderOptions {
  readonly database: Database
  readonly orders: OrderRepository
  readonly outbox: Outbox
  readonly catalog: Catalog
  readonly customers: Customers
  readonly sagas: CheckoutSagas
  readonly clock: Clock
  readonly newId: NewId
  /** How long the customer waits for the outcome before the answer is `pending`. */
  readonly settleWaitMs: number
  /** Aborted when the process is about to end: then nobody waits any longer. Default: never. */
  readonly ending?: AbortSignal
  /** False only in the test that shows what the key is for. */
  readonly honourKeys: boolean
}

export type PlaceOrder = (request: CheckoutRequest, key: string | undefined, call: CallContext) => Promise<Order>

/**
 * The checkout. Until order, saga and event are stored in one transaction nothing has happened, and every failure says so; from
 * then on the order exists and finishes, whatever dies.
 */
export function placeOrderUseCase(options: PlaceOrderOptions): PlaceOrder {
  const { database, orders, outbox, sagas } = options
  // Spares the work of a second one in this process; what another instance has in flight, the key's row tells.
  const inFlight = new Set<string>()

  async function checkout(request: CheckoutRequest, key: string | undefined, call: CallContext): Promise<Order> {
    const fingerprint = fingerprintOf(request)
    if (key !== undefined) {
      const known = await orders.checkoutByKey(key)
      if (known !== undefined) {
        if (known.fingerprint !== fingerprint) throw differentRequest()
        return await outcome(known.orderId, call)
      }
    }
    const lines = mergeLines(request.lines)
    const [buyer, offered] = await Promise.all([
      options.customers.buyer(request.customerId, call),
      options.catalog.offered(
        lines.map((line) => line.productId),
        call,
      ),
    ]).catch((error: unknown) => {
      throw new UnavailableError('Customers and catalog could not be asked, so nothing was ordered. Try again shortly.', {
        retryAfterMs: 1_000,
        cause: error,
      })
    })
    if (buyer === undefined)
      throw new InvalidInputError('There is no such customer.', [
        { field: 'customerId', message: `there is no customer ${request.customerId}` },
      ])
    const unknown = request.lines.flatMap((line, index) =>
      offered.has(line.productId) ? [] : [{ field: `lines[${index}].productId`, message: `there is no product ${line.productId}` }],
    )
    if (unknown.length > 0) throw new InvalidInputError('Some products do not exist.', unknown)

    const order = placeOrder({ id: options.newId(), buyer, lines: priceLines(lines, offered), placedAtMs: options.clock.now() })
    const facts = { orderId: order.id, customerId: order.customerId, lines: [...order.lines], totalCents: order.totalCents }
    await database.transaction(async (tx) => {
      if (!(await orders.insert(tx, order, key === undefined ? undefined : { key, fingerprint }))) throw inProgress()
      // When it happened, for the order and for all who hear of it.
      await outbox.add(tx, { ...orderPlaced(facts), time: new Date(order.placedAtMs).toISOString() })
      if (order.state.status === 'rejected') await outbox.add(tx, orderRejected({ ...facts, reason: order.state.reason }))
      else await sagas.start(tx, { ...facts, card: request.card }, shielded(call))
    })
    return await outcome(order.id, call)
  }

  async function outcome(orderId: string, call: CallContext): Promise<Order> {
    const order = (await orders.find(orderId))!
    if (order.state.status !== 'pending') return order
    const signal = AbortSignal.any([call.signal, options.ending].filter((one) => one !== undefined))
    try {
      await sagas.decided(orderId, { timeoutMs: options.settleWaitMs, signal })
    } catch (error) {
      // The order is there, and goes on wherever its saga does.
      if (!signal.aborted) throw error
    }
    return (await orders.find(orderId))!
  }

  return async (request, clientKey, call) => {
    const key = options.honourKeys ? clientKey : undefined
    if (key === undefined) return await checkout(request, undefined, call)
    if (inFlight.has(key)) {
      throw inProgress()
    }
    inFlight.add(key)
    try {
      return await checkout(request, key, call)
    } finally {
      inFlight.delete(key)
    }
  }
}

function inProgress(): ConflictError {
  return new ConflictError('A checkout with this Idempotency-Key is in progress. Ask again for its outcome.', { retryAfterMs: 1_000 })
}

function differentRequest(): RejectedError {
  return new RejectedError(
    'idempotency-key-reused',
    'This Idempotency-Key was used for a different checkout. Use a new key for a new checkout.',
  )
}

/** Equal for equal requests, whatever the order of lines. The card is part of it, as a hash like the rest. */
function fingerprintOf(request: CheckoutRequest): string {
  const lines = mergeLines(request.lines).toSorted((a, b) => (a.productId < b.productId ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([request.customerId, lines, request.card]))
    .digest('base64url')
}
