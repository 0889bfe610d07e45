import { InvalidInputError, type NewId, RejectedError, type Transaction } from 'seaworthy/core'
import type { CommandHandler } from 'seaworthy/event-sourcing'
import type { Outbox } from 'seaworthy/outbox'
import { paymentCharged, paymentDeclined, paymentRefunded } from '../contract/events.ts'
import { askCardCompany } from '../domain/card.ts'
import type { Payment, PaymentCommand, PaymentEvent } from '../domain/payment.ts'

export interface ChargeRequest {
  readonly orderId: string
  readonly customerId: string
  readonly amountCents: number
  readonly card: string
}

/** What payments does. Each act is one transaction of the caller's, which its event is part of. */
export interface Charging {
  /**
   * Books a charge. The answer may be due only after `answerDelayMs`: the card company is slow to tell, not to act.
   * @throws RejectedError `card-declined`; InvalidInputError for a card that is none
   */
  charge(tx: Transaction, request: ChargeRequest): Promise<{ paymentId: string; answerDelayMs: number }>
  refund(tx: Transaction, paymentId: string): Promise<void>
  /** Tells the world of a charge that was declined. In a transaction of its own, because that of the charge is rolled back. */
  declined(tx: Transaction, request: ChargeRequest): Promise<void>
}

export interface ChargingOptions {
  readonly payments: CommandHandler<Payment, PaymentCommand, PaymentEvent>
  readonly outbox: Outbox
  readonly newId: NewId
}

export function charging({ payments, outbox, newId }: ChargingOptions): Charging {
  return {
    async charge(tx, { orderId, customerId, amountCents, card }) {
      const answer = askCardCompany(card)
      switch (answer.kind) {
        case 'unknown-card':
          throw new InvalidInputError('This is no card that the shop takes.', [{ field: 'card', message: 'must be ok, declined or slow' }])
        case 'declined':
          throw new RejectedError('card-declined', 'The card was declined.')
        case 'approved': {
          const paymentId = newId()
          await payments.executeIn(tx, streamOf(paymentId), { type: 'charge', paymentId, orderId, customerId, amountCents })
          await outbox.add(tx, paymentCharged({ paymentId, orderId, customerId, amountCents }))
          return { paymentId, answerDelayMs: answer.delayMs }
        }
      }
    },

    async refund(tx, paymentId) {
      const { state, events } = await payments.executeIn(tx, streamOf(paymentId), { type: 'refund', paymentId })
      // Nothing moved: it was refunded before, or never charged.
      if (events.length === 0 || state.status === 'none') return
      const { orderId, customerId, amountCents } = state
      await outbox.add(tx, paymentRefunded({ paymentId, orderId, customerId, amountCents }))
    },

    async declined(tx, { orderId, customerId, amountCents }) {
      await outbox.add(tx, paymentDeclined({ orderId, customerId, amountCents, reason: 'card-declined' }))
    },
  }
}

function streamOf(paymentId: string): string {
  return `payment-${paymentId}`
}
