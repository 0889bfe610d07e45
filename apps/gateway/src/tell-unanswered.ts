import type { RequestEnd } from '@seaworthy/http-proxy'
import type { GatewayLog } from './log.ts'

/** What an engineer on call looks for: requests that no upstream answered. */
export function tellUnanswered({ method, target, status, error, correlationId }: RequestEnd, log: GatewayLog): void {
  if (error === undefined || status === undefined || status <= 500) return
  log.warn({ err: error, status, correlationId }, `${method} ${target.split('?', 1)[0]} was not answered by its upstream`)
}
