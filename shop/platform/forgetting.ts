import type { Erasure } from 'seaworthy/event-sourcing'
import { type Attempt, type HandlerOfTypes, handlers, on } from 'seaworthy/messaging'
import { customerForgotten } from '../services/customers/contract/events.ts'
import type { ServiceLogger } from './service-ports.ts'

/** The same, which logs who was forgotten, and what of them may be left for a person to see to. */
export function logged(people: Erasure, logger: Pick<ServiceLogger, 'info' | 'warn'>): Erasure {
  return {
    report: (subject) => people.report(subject),
    async forget(subject) {
      const forgotten = await people.forget(subject)
      const { remains, report } = forgotten
      logger.info({ subject, places: report.places }, 'forgotten')
      if (remains.length > 0) logger.warn({ subject, remains }, 'bytes of somebody who was forgotten may be left')
      return forgotten
    },
  }
}

/**
 * What a service does that hears of a customer who is to be forgotten. It runs outside of the inbox's transaction, because keys and files are cleaned after the
 * commit: whoever dies before that hears of it again, and forgetting twice is forgetting.
 */
export function forgettingCustomers(people: Erasure): HandlerOfTypes<[Attempt]> {
  return handlers(
    [
      on(customerForgotten, async ({ data: { customerId } }, _attempt: Attempt) => {
        await people.forget(customerId)
      }),
    ],
    { others: 'ignore' },
  )
}
