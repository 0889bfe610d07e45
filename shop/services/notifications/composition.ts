import { erasureAnswers } from '@seaworthy/supervisor/management'
import { exponential } from 'seaworthy/core'
import { startWorker } from 'seaworthy/messaging'
import { forgettingCustomers, logged } from '../../platform/forgetting.ts'
import type { ServiceComposition } from '../../platform/service-ports.ts'
import { customersApi } from '../customers/contract/rest.ts'
import { customersOver } from './adapters/customers.ts'
import { letterRegister } from './adapters/letter-register.ts'
import { NOTIFICATIONS_SCHEMA } from './adapters/schema.ts'
import { forgetting } from './application/forgetting.ts'
import { letterWriter } from './application/letters.ts'
import type { Mailbox } from './application/ports.ts'
import { sorting } from './application/sorting.ts'
import type { Letter } from './domain/letter.ts'
import { service } from './service.ts'

/** With the waits below a good six minutes: long enough for whoever owns the customers to come back. */
const LETTER_ATTEMPTS_MAX = 20

/** How notifications is put together, with what becomes its mailbox in a folder of the service's own. */
export function notifications(openMailbox: (folder: string) => Mailbox): ServiceComposition {
  return {
    service,
    schema: [NOTIFICATIONS_SCHEMA],
    async wire({ answerSupervisor, connections, folder, database, clock, logger, openQueue, scrub, consume, onStop }) {
      const queue = await openQueue('letters', { deliveryLimit: LETTER_ATTEMPTS_MAX })
      const customers = customersOver(connections.rest(customersApi, 'customers'))
      const register = letterRegister(database)
      const mailbox = openMailbox(folder)
      const writeLetter = letterWriter({ customers, register, mailbox, clock })
      const worker = startWorker({
        queue,
        name: 'letters',
        handler: ({ id, body }) => writeLetter({ id, letter: body as Letter }),
        backoff: exponential({ baseMs: 100, maxMs: 30_000, jitter: 'equal' }),
        drainTimeoutMs: 1_000,
        onFailure: ({ error, messageId, outcome }) => logger.warn({ err: error, messageId, outcome }, 'a letter was not written'),
      })
      onStop('letter worker', () => worker.stop())
      const people = logged(forgetting({ database, register, mailbox, scrub: () => scrub(['letters']) }), logger)
      answerSupervisor(erasureAnswers(people))
      await consume(sorting({ queue }), { beforehand: forgettingCustomers(people) })
    },
  }
}
