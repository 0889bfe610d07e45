import { defineSystem, type System } from 'seaworthy/system'
import { business, gatewayBefore, routes } from './last-stage.ts'
import { system as monolith } from './monolith/system.ts'

export const SIDES = ['monolith', 'microservices'] as const
export type SideName = (typeof SIDES)[number]

/** One of the two ways to run the same shop. */
export interface Side {
  readonly name: SideName
  readonly system: System
  /** The service whose process does payments. */
  readonly paying: 'monolith' | 'payments'
}

/** The services' payments are of the release that the lab says. */
const services = business.map((service) =>
  service.name === 'payments' ? { ...service, main: new URL('payments-process.ts', import.meta.url) } : service,
)

export const sideOf: Readonly<Record<SideName, Side>> = {
  monolith: { name: 'monolith', system: monolith, paying: 'monolith' },
  microservices: {
    name: 'microservices',
    system: defineSystem({ name: 'microservices', services: [gatewayBefore(services), ...services], routes }),
    paying: 'payments',
  },
}
