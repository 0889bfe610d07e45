import { type Clock, InvalidInputError, type NewId, RejectedError, sleep, type Transaction } from 'seaworthy/core'
import { type CommandHandler, SubjectForgottenError } from 'seaworthy/event-sourcing'
import type { Outbox } from 'seaworthy/outbox'
import { fingerprintOf, type Participant } from 'seaworthy/saga'
import { paymentCharged, paymentDeclined, paymentRefunded } from '../contract/events.ts'
import { askCardCompany } from '../domain/card.ts'
import type { Payer, Payment, PaymentCommand, PaymentEvent } from '../domain/payment.ts'
import { PAYMENT_STREAM } from './customer-payments.ts'

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

/** Who the customers are, wherever they are owned. */
export interface Payers {
  /** Undefined where nobody is, or is any more, and where nobody could say in time. Never throws. */
  payer(customerId: string): Promise<Payer | undefined>
}

export interface ChargingOptions {
  readonly payments: CommandHandler<Payment, PaymentCommand, PaymentEvent>
  readonly payers: Payers
  readonly participant: Participant
  readonly outbox: Outbox
  readonly clock: Clock
  readonly newId: NewId
}

/** What is remembered under the key. A decline is a result too, because its event commits with it; a refusal that is thrown leaves nothing. */
type ChargeOutcome =
  | { readonly kind: 'charged'; readonly paymentId: string; readonly answerDueAtMs: number }
  | { readonly kind: 'declined' }

export function charging({ payments, payers, participant, outbox, clock, newId }: ChargingOptions): Charging {
  interface Booking extends ChargeRequest {
    readonly answerDelayMs: number
    readonly payer: Payer | undefined
  }

  async function book(tx: Transaction, { orderId, customerId, amountCents, answerDelayMs, payer }: Booking): Promise<ChargeOutcome> {
    const paymentId = newId()
    const charge = { type: 'charge', paymentId, orderId, customerId, amountCents } as const
    try {
      await payments.executeIn(tx, streamOf(paymentId), { ...charge, payer })
    } catch (error) {
      // Forgotten since they were asked for: the money moves all the same, without a name.
      if (!(error instanceof SubjectForgottenError)) throw error
      await payments.executeIn(tx, streamOf(paymentId), charge)
    }
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
      // Before the transaction, which waits for nobody.
      const payer = answer.kind === 'approved' ? await payers.payer(request.customerId) : undefined
      const outcome = await participant.act(
        key,
        fingerprintOf(request),
        (tx) => (answer.kind === 'declined' ? decline(tx, request) : book(tx, { ...request, payer, answerDelayMs: answer.delayMs })),
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

/** The stream of a payment. */
export function streamOf(paymentId: string): string {
  return `${PAYMENT_STREAM}${paymentId}`
}
