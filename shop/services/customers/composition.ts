import { erasureAnswers } from '@seaworthy/supervisor/management'
import { logged } from '../../platform/forgetting.ts'
import type { ServiceComposition } from '../../platform/service-ports.ts'
import { customerRepository } from './adapters/customer-repository.ts'
import { serveCustomers } from './adapters/http.ts'
import { CUSTOMERS_SCHEMA } from './adapters/schema.ts'
import { forgetting } from './application/forgetting.ts'
import { registering } from './application/registering.ts'
import { seedRegistering } from './application/seeding.ts'
import { settingLimits } from './application/setting-limits.ts'
import { service } from './service.ts'

/** How customers is put together. */
export const customers: ServiceComposition = {
  service,
  schema: [CUSTOMERS_SCHEMA],
  async wire({ answerSupervisor, database, scrub, outbox, clock, logger, newId, seeding, serveRest, consume }) {
    const repository = customerRepository(database)
    const useCases = registering({ database, customers: repository, outbox, clock, newId })
    await seeding((seed) => seedRegistering({ customers: repository, registering: useCases, seed }))
    const people = logged(forgetting({ database, customers: repository, outbox, clock, scrub: () => scrub(['customers']) }), logger)
    answerSupervisor(erasureAnswers(people))
    serveCustomers(serveRest, { registering: useCases, customers: repository, people })
    await consume(settingLimits(repository))
  },
}
