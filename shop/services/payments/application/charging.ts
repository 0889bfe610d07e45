import { type Clock, InvalidInputError, type NewId, RejectedError, sleep, type Transaction } from 'seaworthy/core'
import type { CommandHandler } from 'seaworthy/event-sourcing'
import type { Outbox } from 'seaworthy/outbox'
import { fingerprintOf, type Participant } from 'seaworthy/saga'
import { paymentCharged, paymentDeclined, paymentRefunded } from '../contract/events.ts'
import { askCardCompany } from '../domain/card.ts'
import type { Payment, PaymentCommand, PaymentEvent } from '../domain/payment.ts'

export interface ChargeRequest {
  readonly orderId: string
  readonly customerId: string
  readonly amountCents: number
  readonly card: string
}

/** What payments does. Under one key each happens once, whatever is repeated, delayed or overtaken. */
export interface Charging {
  /**
   * Books a charge at once; for a slow card the answer comes later, to a repetition too.
   * @throws RejectedError `card-declined`; InvalidInputError for a card that is none
   */
  charge(key: string, request: ChargeRequest, signal?: AbortSignal): Promise<{ paymentId: string }>
  /** Gives back what was charged under the key. */
  refund(key: string): Promise<void>
}

export interface ChargingOptions {
  readonly payments: CommandHandler<Payment, PaymentCommand, PaymentEvent>
  readonly participant: Participant
  readonly outbox: Outbox
  readonly clock: Clock
  readonly newId: NewId
}

/** What is remembered under the key. A decline is a result too, because its event commits with it; a refusal that is thrown leaves nothing. */
type ChargeOutcome =
  | { readonly kind: 'charged'; readonly paymentId: string; readonly answerDueAtMs: number }
  | { readonly kind: 'declined' }

export function charging({ payments, participant, outbox, clock, newId }: ChargingOptions): Charging {
  async function book(tx: Transaction, { orderId, customerId, amountCents }: ChargeRequest, answerDelayMs: number): Promise<ChargeOutcome> {
    const paymentId = newId()
    await payments.executeIn(tx, streamOf(paymentId), { type: 'charge', paymentId, orderId, customerId, amountCents })
    await outbox.add(tx, paymentCharged({ paymentId, orderId, customerId, amountCents }))
    return { kind: 'charged', paymentId, answerDueAtMs: clock.now() + answerDelayMs }
  }

  async function decline(tx: Transaction, { orderId, customerId, amountCents }: ChargeRequest): Promise<ChargeOutcome> {
    await outbox.add(tx, paymentDeclined({ orderId, customerId, amountCents, reason: 'card-declined' }))
    return { kind: 'declined' }
  }

  async function giveBack(tx: Transaction, outcome: ChargeOutcome): Promise<void> {
    if (outcome.kind === 'declined') return
    const { paymentId } = outcome
    const { state, events } = await payments.executeIn(tx, streamOf(paymentId), { type: 'refund', paymentId })
    if (events.length === 0 || state.status === 'none') return
    const { orderId, customerId, amountCents } = state
    await outbox.add(tx, paymentRefunded({ paymentId, orderId, customerId, amountCents }))
  }

  return {
    async charge(key, request, signal) {
      const answer = askCardCompany(request.card)
      if (answer.kind === 'unknown-card') {
        throw new InvalidInputError('This is no card that the shop takes.', [{ field: 'card', message: 'must be ok, declined or slow' }])
      }
      const outcome = await participant.act(
        key,
        fingerprintOf(request),
        (tx) => (answer.kind === 'declined' ? decline(tx, request) : book(tx, request, answer.delayMs)),
        { name: 'charge' },
      )
      if (outcome.kind === 'declined' || answer.kind === 'declined') throw new RejectedError('card-declined', 'The card was declined.')
      // Never longer than the card company takes, whatever the wall clock did in between.
      const waitMs = Math.min(outcome.answerDueAtMs - clock.now(), answer.delayMs)
      if (waitMs > 0) await sleep(clock, waitMs, signal)
      return { paymentId: outcome.paymentId }
    },

    async refund(key) {
      await participant.compensate(key, giveBack, { name: 'refund' })
    },
  }
}

function streamOf(paymentId: string): string {
  return `payment-${paymentId}`
}
