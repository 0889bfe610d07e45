import { exponential } from 'seaworthy/core'
import { countWindow, type PolicyDeclaration } from 'seaworthy/resilience'

/** Questions about products and customers, while somebody waits for their review to be taken: reading, so asking again is safe. */
export const QUESTION_POLICY: PolicyDeclaration = {
  idempotent: true,
  timeout: { attemptMs: 1_000, totalMs: 3_000 },
  retry: { attemptsMax: 5, backoff: exponential({ baseMs: 50, maxMs: 500, jitter: 'full' }), budget: { ratio: 0.2 } },
  circuitBreaker: { failureRate: 0.5, window: countWindow(20), minimumCalls: 5, openMs: 1_000, probesMax: 2 },
  bulkhead: { concurrencyMax: 16, queueMax: 64 },
}
