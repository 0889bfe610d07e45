import type { Transaction } from 'seaworthy/core'
import { type EventEnvelope, type HandlerOfTypes, contextOf, handlers, on } from 'seaworthy/messaging'
import type { Outbox } from 'seaworthy/outbox'
import { type CustomerData, customerCreated, customerCreatedV1, fromVersion1 } from '../../customers/contract/events.ts'
import { creditChecked } from '../contract/events.ts'
import { type CreditDecision, decideCredit } from '../domain/credit.ts'

/** What was decided about each customer. */
export interface CreditChecks {
  /** @returns false when the customer was checked before: the first decision stays */
  add(tx: Transaction, check: { readonly customerId: string; readonly checkedAtMs: number } & CreditDecision): Promise<boolean>
}

/**
 * Checks the credit of each new customer: a reaction, which nobody conducts. The decision and the event that tells it are one transaction, that of the inbox.
 * Customers from another time have their limits already.
 */
export function checkingCredit({
  checks,
  outbox,
}: {
  readonly checks: CreditChecks
  readonly outbox: Outbox
}): HandlerOfTypes<[Transaction]> {
  const check = async (event: EventEnvelope, { customerId, canBeBilled, creditLimitCents: askedCents }: CustomerData, tx: Transaction) => {
    const decision = decideCredit({ customerId, canBeBilled, askedCents })
    // The time is the event's: a replay decides the same.
    if (!(await checks.add(tx, { customerId, checkedAtMs: Date.parse(event.time), ...decision }))) return
    const { outcome, limitCents } = decision
    const reason = 'reason' in decision ? { reason: decision.reason } : {}
    await outbox.add(tx, creditChecked({ customerId, outcome, limitCents, ...reason }, { context: contextOf(event) }))
  }
  return handlers(
    [
      on(customerCreated, (event, tx: Transaction) => check(event, event.data, tx)),
      on(customerCreatedV1, (event, tx: Transaction) => check(event, fromVersion1(event.data), tx)),
    ],
    { others: 'ignore' },
  )
}
