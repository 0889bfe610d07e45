import { defineSystem, type System } from 'seaworthy/system'
import { stageOf, STAGES } from '../../shop/stages/stages.ts'
import { systemAt } from '../../shop/system.ts'
import { service as monolith } from './monolith/service.ts'

export const SIDES = ['monolith', 'microservices'] as const
export type SideName = (typeof SIDES)[number]

/** One of the two ways to run the same shop. */
export interface Side {
  readonly name: SideName
  readonly system: System
  /** The service whose process does payments. */
  readonly paying: 'monolith' | 'payments'
}

/**
 * What both sides do without: the console, and with it the recording of traces; and the storefront, whose pages are HTML for the API that the lab asks itself.
 */
const LEFT_OUT: ReadonlySet<string> = new Set(['console', 'storefront'])

const last = systemAt(stageOf(STAGES.length - 1))
const gateway = last.services.find(({ role }) => role === 'gateway')!
const routes = last.routes.filter(({ service }) => !LEFT_OUT.has(service))

/** The shop at its last stage, without a monolith, behind its gateway. Its payments are of the release that the lab says. */
function microservices(): Side {
  const services = last.services
    .filter(({ name }) => !LEFT_OUT.has(name))
    .map((service) => {
      if (service.role === 'gateway') return { ...service, calls: service.calls.filter((callee) => !LEFT_OUT.has(callee)) }
      return service.name === 'payments' ? { ...service, main: new URL('payments-process.ts', import.meta.url) } : service
    })
  return { name: 'microservices', system: defineSystem({ name: 'microservices', services, routes }), paying: 'payments' }
}

/** The shop before its stage 0, behind the same gateway. */
function oneMonolith(): Side {
  const services = [{ ...gateway, calls: [monolith.name] }, monolith]
  const toIt = routes.map((route) => ({ ...route, service: monolith.name }))
  return { name: 'monolith', system: defineSystem({ name: 'monolith', services, routes: toIt }), paying: 'monolith' }
}

export const sideOf: Readonly<Record<SideName, () => Side>> = { monolith: oneMonolith, microservices }
