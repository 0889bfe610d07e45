import { exponential } from 'seaworthy/core'
import { startWorker } from 'seaworthy/messaging'
import type { ServiceComposition } from '../../platform/service-ports.ts'
import { addressBook } from './adapters/address-book.ts'
import { NOTIFICATIONS_SCHEMA } from './adapters/schema.ts'
import { letterWriter } from './application/letters.ts'
import type { Mailbox } from './application/ports.ts'
import { sorting } from './application/sorting.ts'
import type { Letter } from './domain/letter.ts'
import { service } from './service.ts'

/** With the waits below a good six minutes: long enough for a customer's events to catch up with those of the order. */
const LETTER_ATTEMPTS_MAX = 20

/** How notifications is put together, with what becomes its mailbox in a folder of the service's own. */
export function notifications(openMailbox: (folder: string) => Mailbox): ServiceComposition {
  return {
    service,
    schema: [NOTIFICATIONS_SCHEMA],
    async wire({ folder, database, clock, logger, openQueue, consume, onStop }) {
      const queue = await openQueue('letters', { deliveryLimit: LETTER_ATTEMPTS_MAX })
      const addresses = addressBook(database)
      const writeLetter = letterWriter({ addresses, mailbox: openMailbox(folder), clock })
      const worker = startWorker({
        queue,
        name: 'letters',
        handler: ({ id, body }) => writeLetter({ id, letter: body as Letter }),
        backoff: exponential({ baseMs: 100, maxMs: 30_000, jitter: 'equal' }),
        drainTimeoutMs: 1_000,
        onFailure: ({ error, messageId, outcome }) => logger.warn({ err: error, messageId, outcome }, 'a letter was not written'),
      })
      onStop('letter worker', () => worker.stop())
      await consume(sorting({ addresses, queue }))
    },
  }
}
