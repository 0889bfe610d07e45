import type { Route, Service } from 'seaworthy/system'
import { stageOf, STAGES } from '../../shop/stages/stages.ts'
import { systemAt } from '../../shop/system.ts'

/**
 * What both sides do without: the console, and with it the recording of traces; and the storefront, whose pages are HTML for the API that the lab asks itself.
 */
const LEFT_OUT: ReadonlySet<string> = new Set(['console', 'storefront'])

const last = systemAt(stageOf(STAGES.length - 1))
const services = last.services.filter(({ name }) => !LEFT_OUT.has(name))

/** The public routes of the shop at its last stage. */
export const routes: readonly Route[] = last.routes.filter(({ service }) => !LEFT_OUT.has(service))

/** The services of the shop at its last stage, behind its gateway. */
export const business: readonly Service[] = services.filter(({ role }) => role !== 'gateway')

/** The shop's gateway, in front of other services. */
export function gatewayBefore(those: readonly Service[]): Service {
  return { ...services.find(({ role }) => role === 'gateway')!, calls: those.map(({ name }) => name) }
}
