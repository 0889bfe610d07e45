import { decider, eventTypes } from 'seaworthy/event-sourcing'
import { CARD_CLEARING, customerAccount, type LedgerTransaction, reversal, transaction } from './ledger.ts'

/** What is known of a payment. Each state carries exactly its own data. */
export type Payment =
  | { readonly status: 'none' }
  | {
      readonly status: 'charged'
      readonly orderId: string
      readonly customerId: string
      readonly amountCents: number
      readonly charge: LedgerTransaction
    }
  | { readonly status: 'refunded'; readonly orderId: string; readonly customerId: string; readonly amountCents: number }

export type PaymentCommand =
  | {
      readonly type: 'charge'
      readonly paymentId: string
      readonly orderId: string
      readonly customerId: string
      readonly amountCents: number
      readonly payer?: Payer | undefined
    }
  | { readonly type: 'refund'; readonly paymentId: string }

/** Who paid, as they called themselves then. */
export interface Payer {
  readonly name: string
  readonly email: string
}

/** The events are the ledger: every movement of money stands in one of them. */
export type PaymentEvent =
  | {
      readonly type: 'charged'
      readonly orderId: string
      readonly customerId: string
      readonly amountCents: number
      readonly transaction: LedgerTransaction
      /** Personal. Absent where nobody could say in time. */
      readonly payer?: Payer
    }
  | { readonly type: 'refunded'; readonly transaction: LedgerTransaction }

export const noPayment: Payment = { status: 'none' }

/** What a command means for a payment as it is. Repeating a command that was obeyed changes nothing. */
export function decide(command: PaymentCommand, payment: Payment): readonly PaymentEvent[] {
  switch (command.type) {
    case 'charge': {
      if (payment.status !== 'none') return []
      const { paymentId, orderId, customerId, amountCents, payer } = command
      const charge = transaction(`${paymentId}/charge`, [
        { account: CARD_CLEARING, amountCents },
        { account: customerAccount(customerId), amountCents: -amountCents },
      ])
      return [{ type: 'charged', orderId, customerId, amountCents, transaction: charge, ...(payer !== undefined && { payer }) }]
    }
    case 'refund':
      return payment.status === 'charged'
        ? [{ type: 'refunded', transaction: reversal(`${command.paymentId}/refund`, payment.charge) }]
        : []
  }
}

export function evolve(payment: Payment, event: PaymentEvent): Payment {
  switch (event.type) {
    case 'charged': {
      const { orderId, customerId, amountCents } = event
      return { status: 'charged', orderId, customerId, amountCents, charge: event.transaction }
    }
    case 'refunded':
      return payment.status === 'charged'
        ? { status: 'refunded', orderId: payment.orderId, customerId: payment.customerId, amountCents: payment.amountCents }
        : payment
  }
}

export const payment = decider<Payment, PaymentCommand, PaymentEvent>({ initial: () => noPayment, decide, evolve })

/** What stands in the ledger in place of somebody who was forgotten. */
const FORGOTTEN: Payer = { name: '(forgotten)', email: '(forgotten)' }

/** The shapes in which the events are stored. The payer is stored under the key of the customer, and goes with it; the money stays. */
export const paymentEvents = eventTypes<PaymentEvent>({
  charged: { version: 1, personal: { subject: ({ customerId }) => customerId, placeholders: { payer: FORGOTTEN } } },
  refunded: { version: 1 },
})
