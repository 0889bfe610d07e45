import { ConfigurationError } from 'seaworthy/core'
import type { Service } from './service.ts'

/** Requests whose path matches go to `service`. The most specific path wins: a literal segment before `:name`, and that before `/*`. */
export interface Route {
  /** A path template: `/api/orders/:orderId`, where `:name` is one segment, or `/api/*` for everything below. */
  readonly path: string
  readonly service: string
  /** What it is called by whoever moves it. Default: its path. */
  readonly id?: string
  /** More paths of the same route: what changes the same data moves at one time. */
  readonly also?: readonly string[]
  /** The successor that can take the paths over while the system runs, by shares. */
  readonly to?: string
}

export interface SystemDeclaration {
  readonly name: string
  readonly services: readonly Service[]
  /** The public routes through the gateway. */
  readonly routes: readonly Route[]
  /**
   * Services that others call and that do not run yet, each with the one that answers in its place: `{ reviews: 'monolith' }`. Callers go on calling
   * `reviews`, and are led there. Default: none.
   */
  readonly standIns?: Readonly<Record<string, string>>
  /**
   * Services that can take over from another while the system runs, each with that other: `{ reviews: 'monolith' }`. Such a one is started when the gateway
   * begins to move a route to it. It may publish its predecessor's topics: one of both does at a time, and who that is, is theirs to see to. Others that call it are led to its stand-in, for as long as it is a successor. Default: none.
   */
  readonly successors?: Readonly<Record<string, string>>
}

export interface System extends SystemDeclaration {
  readonly standIns: Readonly<Record<string, string>>
  readonly successors: Readonly<Record<string, string>>
  service(name: string): Service
  /** The service that answers calls to `name`: itself, or its stand-in. @throws ConfigurationError when there is neither */
  answering(name: string): Service
}

/** Composes services into a system and checks the whole. @throws ConfigurationError naming every rule that is broken */
export function defineSystem(declaration: SystemDeclaration): System {
  const byName = new Map<string, Service>()
  const problems: string[] = []
  const { standIns = {}, successors = {} } = declaration
  for (const service of declaration.services) {
    if (byName.has(service.name)) problems.push(`two services are called ${service.name}`)
    byName.set(service.name, service)
  }
  problems.push(...oneOwner(declaration.services, 'database', (service) => service.owns))
  problems.push(...oneOwner(declaration.services, 'topic', (service) => service.publishes, successors))
  const published = new Set(declaration.services.flatMap((service) => service.publishes))
  for (const [absent, standIn] of Object.entries(standIns)) {
    if (byName.has(absent) && !Object.hasOwn(successors, absent)) problems.push(`${standIn} stands in for ${absent}, which runs itself`)
    if (!byName.has(standIn)) problems.push(`${standIn} stands in for ${absent}, and is not in the system`)
  }
  for (const [successor, predecessor] of Object.entries(successors)) {
    for (const name of [successor, predecessor])
      if (!byName.has(name)) problems.push(`${successor} can take over from ${predecessor}, and ${name} is not in the system`)
  }
  for (const service of declaration.services) {
    for (const callee of service.calls)
      if (!byName.has(callee) && !Object.hasOwn(standIns, callee))
        problems.push(`${service.name} calls ${callee}, which is not in the system`)
    for (const topic of service.consumes)
      if (!published.has(topic)) problems.push(`${service.name} consumes topic ${topic}, which nobody publishes`)
  }
  const emitted = new Set(declaration.services.flatMap((service) => service.emits.map(({ type }) => type)))
  problems.push(...oneOwner(declaration.services, 'event', (service) => service.emits.map(({ type }) => type), successors))
  for (const service of declaration.services) {
    for (const { to } of service.reactions)
      if (!emitted.has(to.type)) problems.push(`${service.name} reacts to ${to.type}, which nobody emits`)
  }
  for (const route of declaration.routes) {
    if (!byName.has(route.service)) problems.push(`route ${route.path} leads to ${route.service}, which is not in the system`)
    if (route.to !== undefined && successors[route.to] !== route.service)
      problems.push(`route ${route.path} can move to ${route.to}, which is no successor of ${route.service}`)
  }
  if (problems.length > 0) throw new ConfigurationError(`System ${declaration.name} does not hold together: ${problems.join('; ')}.`)
  const serviceOf = (name: string): Service => {
    const service = byName.get(name)
    if (service === undefined)
      throw new ConfigurationError(`There is no service ${name} in system ${declaration.name}. It has: ${[...byName.keys()].join(', ')}.`)
    return service
  }
  return {
    ...declaration,
    standIns,
    successors,
    service: serviceOf,
    answering: (name) => serviceOf(Object.hasOwn(standIns, name) ? standIns[name]! : name),
  }
}

/** @param successors who may have the same as its predecessor */
function oneOwner(
  services: readonly Service[],
  what: string,
  ownedBy: (service: Service) => readonly string[],
  successors: Readonly<Record<string, string>> = {},
): string[] {
  const owners = new Map<string, string>()
  const problems: string[] = []
  for (const service of services) {
    for (const owned of ownedBy(service)) {
      const owner = owners.get(owned)
      const isHandedOver = owner !== undefined && (successors[service.name] === owner || successors[owner] === service.name)
      if (owner !== undefined && !isHandedOver) problems.push(`${what} ${owned} has two owners, ${owner} and ${service.name}`)
      owners.set(owned, service.name)
    }
  }
  return problems
}
