import type { Transaction } from 'seaworthy/core'
import { type EventEnvelope, type HandlerOfTypes, handlers, on } from 'seaworthy/messaging'
import { type CreditChecked, creditChecked } from '../../payments/contract/events.ts'
import type { CustomerRepository, Ownership } from './ports.ts'

/**
 * Sets what billing decided about a new customer. Until then what was asked for holds. While customers move, the monolith hears of it as well, and the one of both that
 * owns the customer sets the limit. The other one's handling fails, and is tried again, until the limit has come over, or the customer has become its own.
 */
export function settingLimits({ customers, owned }: { customers: CustomerRepository; owned: Ownership }): HandlerOfTypes<[Transaction]> {
  return handlers(
    [
      on(creditChecked, async ({ data: { customerId, limitCents } }: EventEnvelope<CreditChecked>, tx: Transaction) => {
        if (await customers.hasLimit(tx, customerId, limitCents)) return
        await owned.assertOwned(tx, customerId)
        await customers.setLimit(tx, customerId, limitCents)
      }),
    ],
    { others: 'ignore' },
  )
}
