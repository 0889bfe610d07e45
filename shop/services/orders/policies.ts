import { exponential } from 'seaworthy/core'
import { countWindow, type PolicyDeclaration } from 'seaworthy/resilience'

const breaker = { failureRate: 0.5, window: countWindow(40), minimumCalls: 20, openMs: 1_000, probesMax: 3 }

/**
 * Questions about products and customers: reading, so asking again is safe, and a customer waits. Long enough to outlast a restart of who is asked. Without a retry budget, which a
 * restart would use up at once: most of what is repeated then was never sent, because the breaker is open.
 */
export const QUESTION_POLICY: PolicyDeclaration = {
  idempotent: true,
  timeout: { attemptMs: 1_500, totalMs: 4_000 },
  retry: { attemptsMax: 10, backoff: exponential({ baseMs: 50, maxMs: 1_000, jitter: 'equal' }) },
  circuitBreaker: breaker,
  bulkhead: { concurrencyMax: 32, queueMax: 256 },
}

/**
 * Calls of saga steps. The saga asks again by itself, under the step's key and for much longer than a call lasts, so there is no retry here:
 * two layers that retry multiply.
 */
export const PARTICIPANT_POLICY: PolicyDeclaration = {
  timeout: { attemptMs: 1_000 },
  circuitBreaker: { ...breaker, failureRate: 0.8 },
  bulkhead: { concurrencyMax: 32, queueMax: 256 },
}
