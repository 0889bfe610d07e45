import { UnavailableError } from 'seaworthy/core'
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
 * For the event that tells of it, where somebody else may own what is to be erased: whoever died before the files were clean has them cleaned then, and what is another's
 * to erase is waited for, until its owner's change has come over.
 * @returns an erasure whose `forget` throws UnavailableError as long as something is left
 */
export function onceErased(people: Erasure): Erasure {
  return {
    ...people,
    async forget(id) {
      const { places } = await people.report(id)
      if (places.length === 0) return people.forget(id)
      const names = places.map(({ name }) => name).join(' and ')
      throw new UnavailableError(`Something of ${id} is here still, in ${names}: who owns it has not erased it yet.`)
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
