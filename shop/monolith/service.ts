import { defineService, type Service } from 'seaworthy/system'
import { CUSTOMERS_TOPIC } from '../services/customers/contract/events.ts'
import { REVIEWS_TOPIC } from '../services/reviews/contract/events.ts'
import { MODULES, type Module } from './domain/modules.ts'

/** The monolith with the modules that it still has. Its catalog without its reviews follows those of the service, for the ratings. */
export function monolithService(modules: readonly Module[] = MODULES): Service {
  const follows = modules.includes('catalog') && !modules.includes('reviews')
  return defineService({
    name: 'monolith',
    role: 'monolith',
    context: 'legacy',
    purpose: `Still owns ${listed(modules)}, and owned everything once.`,
    owns: ['monolith'],
    publishes: modules.includes('customers') ? [CUSTOMERS_TOPIC] : [],
    consumes: follows ? [REVIEWS_TOPIC] : [],
    calls: [],
    main: new URL('./main.ts', import.meta.url),
    serves: ['http'],
  })
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? 'nothing') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
