import { defineService, defineSystem, type Route, type Service, type StageOptions, type System } from 'seaworthy/system'
import type { Module } from './monolith/domain/modules.ts'
import { monolithService } from './monolith/service.ts'
import { service as analytics } from './services/analytics/service.ts'
import { service as catalog } from './services/catalog/service.ts'
import { service as customers } from './services/customers/service.ts'
import { service as inventory } from './services/inventory/service.ts'
import { service as notifications } from './services/notifications/service.ts'
import { service as orderHistory } from './services/order-history/service.ts'
import { service as orders } from './services/orders/service.ts'
import { service as payments } from './services/payments/service.ts'
import { service as reviews } from './services/reviews/service.ts'
import { service as shipping } from './services/shipping/service.ts'
import { service as storefront } from './services/storefront/service.ts'
import { stageToStart } from './stages/data-stage.ts'
import { type Stage, stageOf } from './stages/stages.ts'

/** What was taken out of the monolith before the first stage. */
const outside = [orders, inventory, payments, shipping, notifications, analytics, orderHistory, storefront]
/** What is taken out of it from stage to stage. */
const services: Readonly<Record<Module, Service>> = { catalog, reviews, customers }

const gateway = (business: readonly Service[]) =>
  defineService({
    name: 'gateway',
    role: 'gateway',
    context: 'platform',
    purpose: 'The way in: leads each request to the monolith or to the service that took the path over.',
    owns: [],
    publishes: [],
    consumes: [],
    calls: business.map(({ name }) => name),
    main: new URL('../apps/gateway/src/main.ts', import.meta.url),
    serves: ['http'],
  })

const operations = defineService({
  name: 'console',
  role: 'console',
  context: 'platform',
  purpose: 'Receives the traces of every process and shows what runs.',
  owns: ['console'],
  publishes: [],
  consumes: [],
  calls: [],
  main: new URL('../apps/console/src/main.ts', import.meta.url),
  serves: ['http', 'grpc'],
})

/**
 * The shop at a stage, in which data stays where it is; or, if `movable`, with the service to which a route and its data can move while it runs. Those who ask for something that the monolith still has call it by the name of its service, and are led to the monolith.
 */
export function systemAt({ routes, moved, kept, ...stage }: Stage, { movable = false } = {}): System {
  const monolith = kept.length === 0 ? undefined : monolithService(kept)
  const next = movable ? stage.movable : undefined
  const taken = [...moved, ...(next === undefined ? [] : [next])]
  const business = [...(monolith === undefined ? [] : [monolith]), ...taken.map((module) => services[module]), ...outside]
  return defineSystem({
    name: 'shop',
    services: [operations, gateway(business), ...business],
    routes: next === undefined ? routes.map(staying) : routes,
    standIns: monolith === undefined ? {} : Object.fromEntries(kept.map((module) => [module, monolith.name])),
    successors: next === undefined || monolith === undefined ? {} : { [next]: monolith.name },
  })
}

/** A route that nobody moves. */
function staying({ id, path, also, service }: Route): Route {
  return { ...(id !== undefined && { id }), path, ...(also !== undefined && { also }), service }
}

/** The shop at its first stage. The monolith still answers whatever nobody took over. */
export const system = systemAt(stageOf(0))

/** The shop at the stage that its data is at, or at which a new one is to begin. @throws ConfigurationError where the data is at another one */
export async function atStage(options: StageOptions): Promise<System> {
  // Files have one process that writes them, and so a side that can be served; what is on servers stays there.
  return systemAt(stageOf(await stageToStart(options)), { movable: options.storage === 'embedded' })
}
