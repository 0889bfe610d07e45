import type { Transaction } from 'seaworthy/core'
import { type EventEnvelope, type HandlerOfTypes, handlers, on } from 'seaworthy/messaging'
import { type CreditChecked, creditChecked } from '../../payments/contract/events.ts'
import type { CustomerRepository } from './ports.ts'

/** Sets what billing decided about a new customer. Until then what was asked for holds. */
export function settingLimits(customers: CustomerRepository): HandlerOfTypes<[Transaction]> {
  return handlers(
    [
      on(creditChecked, ({ data: { customerId, limitCents } }: EventEnvelope<CreditChecked>, tx: Transaction) =>
        customers.setLimit(tx, customerId, limitCents),
      ),
    ],
    { others: 'ignore' },
  )
}
