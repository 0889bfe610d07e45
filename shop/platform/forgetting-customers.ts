import type { Erasure } from 'seaworthy/event-sourcing'
import { type Attempt, type EventEnvelope, type HandlerOfTypes, handlers, on } from 'seaworthy/messaging'
import { type CustomerForgotten, customerForgotten } from '../services/customers/contract/events.ts'
import type { ServiceLogger } from './service-ports.ts'

/**
 * What a service does that hears of somebody who is to be forgotten. It runs outside of the inbox's transaction, because keys and files are cleaned after the commit:
 * whoever dies before that hears of it again, and forgetting twice is forgetting.
 */
export function forgettingCustomers({
  people,
  logger,
}: {
  readonly people: Erasure
  readonly logger: Pick<ServiceLogger, 'info' | 'warn'>
}): HandlerOfTypes<[Attempt]> {
  return handlers(
    [
      on(customerForgotten, async ({ data: { customerId } }: EventEnvelope<CustomerForgotten>, _attempt: Attempt) => {
        const { remains, report } = await people.forget(customerId)
        logger.info({ customerId, places: report.places }, 'customer forgotten')
        if (remains.length > 0) logger.warn({ customerId, remains }, 'bytes of a forgotten customer may be left')
      }),
    ],
    { others: 'ignore' },
  )
}
