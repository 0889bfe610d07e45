import { exponential } from 'seaworthy/core'
import { countWindow, type PolicyDeclaration } from 'seaworthy/resilience'

const breaker = { failureRate: 0.5, window: countWindow(20), minimumCalls: 5, openMs: 2_000, probesMax: 2 }

/** Orders are the answer itself: worth asking again for. */
export const ORDERS_POLICY: PolicyDeclaration = {
  idempotent: true,
  timeout: { attemptMs: 800, totalMs: 2_000 },
  retry: { attemptsMax: 3, backoff: exponential({ baseMs: 50, maxMs: 500, jitter: 'full' }), budget: { ratio: 0.2 } },
  circuitBreaker: breaker,
  bulkhead: { concurrencyMax: 16, queueMax: 32 },
}

/** There is an answer without parcels, so they get little time and no second attempt. */
export const PARCELS_POLICY: PolicyDeclaration = {
  idempotent: true,
  timeout: { totalMs: 500 },
  circuitBreaker: breaker,
  bulkhead: { concurrencyMax: 8, queueMax: 0 },
}
