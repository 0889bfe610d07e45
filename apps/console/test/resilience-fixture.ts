import type { Fault } from '@seaworthy/supervisor'
import type { GuardedCall } from '@seaworthy/supervisor/management'
import { NotFoundError } from 'seaworthy/core'
import { countWindow } from 'seaworthy/resilience'
import type { Resilience, ServiceResilience } from '../src/system/resilience.ts'

const WELL = { latencyMs: 0, errorRatio: 0, paused: false }
const breaker = { failureRate: 0.5, window: countWindow(20), openMs: 2_000 }
const closed = { state: 'closed', calls: 20, failures: 0, slow: 0, opened: 0, rejected: 0 } as const

function call(name: string, more: Partial<GuardedCall['snapshot']> = {}): GuardedCall {
  return {
    call: name,
    declaration: { timeout: { attemptMs: 1_000 }, circuitBreaker: breaker, bulkhead: { concurrencyMax: 32, queueMax: 256 } },
    snapshot: {
      name,
      calls: 1_234,
      succeeded: 1_230,
      failed: 0,
      retries: 0,
      timedOut: 0,
      circuitBreaker: closed,
      bulkhead: { running: 4, queued: 0, concurrencyMax: 32, queueMax: 256, rejected: 0 },
      ...more,
    },
  }
}

/** One breaker is open, one half-open, one closed and failing; a bulkhead is full; a service is slow and one says nothing. */
export function strainedServices(): readonly ServiceResilience[] {
  const open = { state: 'open', why: '11 of the last 20 calls failed', retryAfterMs: 1_400, opened: 3, rejected: 87 } as const
  const calls = [
    call('inventory', { circuitBreaker: { state: 'half-open', probesRunning: 1, probesSucceeded: 0, opened: 1, rejected: 5 } }),
    call('payments', { failed: 40, timedOut: 12, succeeded: 1_190, circuitBreaker: open }),
    call('shipping', {
      circuitBreaker: { ...closed, failures: 4 },
      bulkhead: { running: 32, queued: 17, concurrencyMax: 32, queueMax: 256, rejected: 0 },
      retryBudget: { tokens: 3.4, tokensMax: 100, denied: 2 },
      retries: 9,
    }),
    { call: 'a-thing-with-a-very-long-name/that-is-asked-for-something-else', declaration: {}, snapshot: { ...call('x').snapshot } },
  ]
  return [
    { service: 'orders', state: 'ready', faults: WELL, calls, problem: null },
    { service: 'payments', state: 'ready', faults: { latencyMs: 2_000, errorRatio: 0.5, paused: false }, calls: [], problem: null },
    { service: 'storefront', state: 'not-ready', faults: { ...WELL, paused: true }, calls: null, problem: 'It does not answer.' },
  ]
}

/** Says what it is given, and remembers what was ordered. */
export function fakeResilience(services: readonly ServiceResilience[]): { readonly resilience: Resilience; readonly ordered: string[] } {
  const ordered: string[] = []
  return {
    ordered,
    resilience: {
      all: async () => services,
      async inject(service: string, fault: Fault) {
        if (!services.some((one) => one.service === service)) throw new NotFoundError(`There is no service ${service}.`)
        ordered.push(`${service} ${JSON.stringify(fault)}`)
      },
    },
  }
}
