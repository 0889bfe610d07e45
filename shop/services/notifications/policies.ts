import { exponential } from 'seaworthy/core'
import { countWindow, type PolicyDeclaration } from 'seaworthy/resilience'

/** Where to write to: nobody waits for it, and a letter that cannot be written now is tried again for minutes, so there is little to be gained by insisting. */
export const CUSTOMERS_POLICY: PolicyDeclaration = {
  idempotent: true,
  timeout: { attemptMs: 1_000, totalMs: 2_500 },
  retry: { attemptsMax: 2, backoff: exponential({ baseMs: 100, maxMs: 500, jitter: 'full' }), budget: { ratio: 0.2 } },
  circuitBreaker: { failureRate: 0.5, window: countWindow(20), minimumCalls: 5, openMs: 1_000, probesMax: 2 },
  bulkhead: { concurrencyMax: 16, queueMax: 64 },
}
