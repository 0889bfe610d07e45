import { defineService, reaction, type Service } from 'seaworthy/system'
import { CUSTOMERS_TOPIC, customerCreated, customerForgotten, customerImported } from '../services/customers/contract/events.ts'
import { creditChecked, PAYMENTS_TOPIC } from '../services/payments/contract/events.ts'
import { reviewImported, REVIEWS_TOPIC, reviewWritten } from '../services/reviews/contract/events.ts'
import { followsReviews, MODULES, type Module } from './domain/modules.ts'

/** The monolith with the modules that it still has. Its catalog without its reviews follows those of the service, for the ratings. */
export function monolithService(modules: readonly Module[] = MODULES): Service {
  const follows = followsReviews(modules)
  const hasCustomers = modules.includes('customers')
  const copies = { does: 'keeps its copy of the review, for the ratings' }
  return defineService({
    name: 'monolith',
    role: 'monolith',
    context: 'legacy',
    purpose: `Still owns ${listed(modules)}, and owned everything once.`,
    owns: ['monolith'],
    publishes: hasCustomers ? [CUSTOMERS_TOPIC] : [],
    consumes: [...(hasCustomers ? [PAYMENTS_TOPIC, CUSTOMERS_TOPIC] : []), ...(follows ? [REVIEWS_TOPIC] : [])],
    emits: hasCustomers ? [customerCreated, customerImported, customerForgotten] : [],
    reactions: [
      ...(hasCustomers
        ? [
            reaction(creditChecked, { does: 'sets the limit for one order' }),
            reaction(customerForgotten, { does: 'cleans its files, as soon as no review has the name' }),
          ]
        : []),
      ...(follows ? [reaction(reviewWritten, copies), reaction(reviewImported, copies)] : []),
    ],
    calls: [],
    main: new URL('./main.ts', import.meta.url),
    serves: ['http'],
  })
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? 'nothing') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
