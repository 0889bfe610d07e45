import { erasureAnswers } from '@seaworthy/supervisor/management'
import type { MessageHandler } from 'seaworthy/messaging'
import { forgettingCustomers, logged, onceErased } from '../../platform/forgetting.ts'
import type { ServiceComposition } from '../../platform/service-ports.ts'
import { customerRepository } from './adapters/customer-repository.ts'
import { serveCustomers } from './adapters/http.ts'
import { CUSTOMERS_SCHEMA } from './adapters/schema.ts'
import { forgetting } from './application/forgetting.ts'
import { registering } from './application/registering.ts'
import { seedRegistering } from './application/seeding.ts'
import { settingLimits } from './application/setting-limits.ts'
import { customersMapping } from './contract/monolith-mapping.ts'
import { service } from './service.ts'

/** How customers is put together. */
export const customers: ServiceComposition = {
  service,
  schema: [CUSTOMERS_SCHEMA],
  takesOver: customersMapping,
  async wire({ answerSupervisor, database, scrub, outbox, owned: ownedBy, clock, logger, newId, seeding, serveRest, consume }) {
    const repository = customerRepository(database)
    const owned = ownedBy(customersMapping.name)
    const useCases = registering({ database, customers: repository, outbox, owned, clock, newId })
    await seeding((seed) => seedRegistering({ customers: repository, registering: useCases, seed }))
    const people = logged(forgetting({ database, customers: repository, outbox, owned, clock, scrub: () => scrub(['customers']) }), logger)
    answerSupervisor(erasureAnswers(people))
    serveCustomers(serveRest, { registering: useCases, customers: repository, people })
    const cleaning = forgettingCustomers(onceErased(people))
    const afterCopy: MessageHandler = async (event, attempt) => {
      await owned.copied(attempt.signal)
      await cleaning(event, attempt)
    }
    await consume(settingLimits({ customers: repository, owned }), { beforehand: Object.assign(afterCopy, { types: cleaning.types }) })
  },
}
