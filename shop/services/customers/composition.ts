import type { ServiceComposition } from '../../platform/service-ports.ts'
import { customerRepository } from './adapters/customer-repository.ts'
import { serveCustomers } from './adapters/http.ts'
import { CUSTOMERS_SCHEMA } from './adapters/schema.ts'
import { registering } from './application/registering.ts'
import { seedRegistering } from './application/seeding.ts'
import { settingLimits } from './application/setting-limits.ts'
import { service } from './service.ts'

/** How customers is put together. */
export const customers: ServiceComposition = {
  service,
  schema: [CUSTOMERS_SCHEMA],
  async wire({ database, outbox, clock, newId, seeding, serveRest, consume }) {
    const repository = customerRepository(database)
    const useCases = registering({ database, customers: repository, outbox, clock, newId })
    await seeding((seed) => seedRegistering({ customers: repository, registering: useCases, seed }))
    serveCustomers(serveRest, { registering: useCases, customers: repository })
    await consume(settingLimits(repository))
  },
}
