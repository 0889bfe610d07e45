import { type Clock, type NewId, RejectedError, type Transaction } from 'seaworthy/core'
import type { CommandHandler } from 'seaworthy/event-sourcing'
import type { Outbox } from 'seaworthy/outbox'
import type { Participant } from 'seaworthy/saga'
import type { StockRepository } from '../../../shop/services/inventory/application/ports.ts'
import { stockKeeping } from '../../../shop/services/inventory/application/stock-keeping.ts'
import type { CheckoutSagas } from '../../../shop/services/orders/application/place-order.ts'
import type { OrderRepository } from '../../../shop/services/orders/application/ports.ts'
import { orderCompleted, orderRejected } from '../../../shop/services/orders/contract/events.ts'
import { charging, type Payers } from '../../../shop/services/payments/application/charging.ts'
import type { Payment, PaymentCommand, PaymentEvent } from '../../../shop/services/payments/domain/payment.ts'
import { booking } from '../../../shop/services/shipping/application/booking.ts'
import type { ShipmentRepository } from '../../../shop/services/shipping/application/ports.ts'

export interface CheckoutParts {
  readonly stock: StockRepository
  readonly payments: CommandHandler<Payment, PaymentCommand, PaymentEvent>
  readonly payers: Payers
  readonly shipments: ShipmentRepository
  readonly orders: OrderRepository
  readonly outbox: Outbox
  /** What payments publishes on, where that is another one. */
  readonly paymentsOutbox: Outbox
  readonly clock: Clock
  readonly newId: NewId
}

/**
 * The steps of the services' checkout, by the same code, in the transaction that stores the order: there is no saga to keep, no outcome that is unknown, and no key to
 * remember. It commits as a whole, and the order is decided when it is stored. (A card that is slow holds up all others, so nobody pays with one here.)
 */
export function checkoutInOneTransaction(parts: CheckoutParts): CheckoutSagas {
  const { stock, payments, payers, shipments, orders, outbox, paymentsOutbox, clock, newId } = parts
  return {
    async start(tx, { orderId, customerId, lines, totalCents, card }) {
      const participant = inTransaction(tx)
      const keeping = stockKeeping({ stock, participant, outbox, newId })
      const paying = charging({ payments, payers, participant, outbox: paymentsOutbox, clock, newId })
      const facts = { orderId, customerId, lines: [...lines], totalCents }
      const refused = await refusalOf(async () => {
        await keeping.reserve('stock', { orderId, lines: lines.map(({ productId, quantity }) => ({ productId, quantity })) })
        await paying.charge('charge', { orderId, customerId, amountCents: totalCents, card })
        await booking({ shipments, participant, outbox, newId }).book('shipment', { orderId, customerId, lines })
      })
      if (refused === undefined) {
        await orders.setState(tx, orderId, { status: 'completed' })
        await outbox.add(tx, orderCompleted(facts))
        return
      }
      await paying.refund('charge')
      await keeping.release('stock')
      await orders.setState(tx, orderId, { status: 'rejected', reason: refused.reason })
      await outbox.add(tx, orderRejected({ ...facts, reason: refused.reason }))
    },
    decided: async () => undefined,
  }
}

/** A participant of one checkout, in the transaction of that checkout. What it did is known until that ends, which is as long as it can be undone. */
function inTransaction(tx: Transaction): Participant {
  const answers = new Map<string, unknown>()
  return {
    async act<Result>(key: string, _fingerprint: string, action: (tx: Transaction) => Promise<Result>) {
      const result = await action(tx)
      answers.set(key, result)
      return result
    },
    async compensate<Result>(key: string, undo: (tx: Transaction, result: Result) => Promise<void>) {
      if (!answers.has(key)) return false
      await undo(tx, answers.get(key) as Result)
      return answers.delete(key)
    },
  }
}

async function refusalOf(steps: () => Promise<void>): Promise<RejectedError | undefined> {
  try {
    await steps()
    return undefined
  } catch (error) {
    if (error instanceof RejectedError) return error
    throw error
  }
}
