import { exponential } from 'seaworthy/core'
import { countWindow, type PolicyDeclaration } from 'seaworthy/resilience'

const breaker = { failureRate: 0.5, window: countWindow(20), minimumCalls: 5, openMs: 2_000, probesMax: 2 }

/**
 * Long enough to outlast a restart of who is asked. Without a retry budget, which a restart would use up at once: most of what is repeated then was never sent, because
 * nobody listens, or the breaker is open.
 */
const outlasting = { attemptsMax: 12, backoff: exponential({ baseMs: 50, maxMs: 1_000, jitter: 'equal' }) } as const

/** Products are the page itself: worth asking again for, while somebody waits for them. */
export const CATALOG_POLICY: PolicyDeclaration = {
  idempotent: true,
  timeout: { attemptMs: 800, totalMs: 4_000 },
  retry: outlasting,
  circuitBreaker: breaker,
  bulkhead: { concurrencyMax: 32, queueMax: 64 },
}

/** The page sells without them, so they get little time, no second attempt, and few places. */
export const REVIEWS_POLICY: PolicyDeclaration = {
  idempotent: true,
  timeout: { totalMs: 400 },
  circuitBreaker: breaker,
  bulkhead: { concurrencyMax: 8, queueMax: 0 },
}

/** A new customer: what may have been done is not done again, or there would be two of them. */
export const CUSTOMER_POLICY: PolicyDeclaration = { ...CATALOG_POLICY, idempotent: false, timeout: { totalMs: 4_000 } }

/** How an order stands. */
export const ORDER_POLICY: PolicyDeclaration = {
  idempotent: true,
  timeout: { attemptMs: 1_000, totalMs: 2_500 },
  retry: { attemptsMax: 3, backoff: exponential({ baseMs: 50, maxMs: 500, jitter: 'full' }), budget: { ratio: 0.2 } },
  circuitBreaker: breaker,
  bulkhead: { concurrencyMax: 16, queueMax: 32 },
}

/** Longer than orders waits for the outcome (5 s): what takes longer it answers as pending. Its key makes a repetition safe, also by the customer. */
export const CHECKOUT_POLICY: PolicyDeclaration = {
  timeout: { attemptMs: 7_000, totalMs: 9_000 },
  retry: outlasting,
  circuitBreaker: breaker,
  bulkhead: { concurrencyMax: 64, queueMax: 64 },
}
