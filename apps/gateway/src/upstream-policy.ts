import type { BulkheadDeclaration, CircuitBreakerDeclaration, RateLimiterDeclaration, RetryDeclaration } from 'seaworthy/resilience'
import type { GatewayLimits } from './limits.ts'
import type { KeySource } from './strangler/request-key.ts'

/** What holds for one upstream, as data: the library's declarations where it has them. Every part is optional. */
export interface UpstreamPolicy {
  readonly timeout?: {
    readonly connectMs?: number
    /** How long it may take to begin its answer. */
    readonly answerMs?: number
    /** How long a request waits for it to come back. */
    readonly waitMs?: number
  }
  readonly retry?: RetryDeclaration
  readonly circuitBreaker?: CircuitBreakerDeclaration
  readonly bulkhead?: BulkheadDeclaration
  readonly outlier?: OutlierDeclaration
  readonly healthCheck?: HealthCheckDeclaration
  readonly rateLimit?: RateLimitDeclaration
  readonly body?: { readonly bytesMax: number }
}

/** When an instance that answers badly is passed over, while there are others. */
export interface OutlierDeclaration {
  /** Answers of 500 and above, and attempts without one, in a row. */
  readonly consecutiveFailures: number
  /** Each time in a row it is ejected for that much longer, up to ten times. Default 10,000. */
  readonly ejectMs?: number
  /** Never more than this share of the instances at once, between 0 and 1. Default 0.5. */
  readonly ejectedShareMax?: number
}

/** How an instance is asked whether it may receive work. */
export interface HealthCheckDeclaration {
  /** Answered with less than 400 by one that is well. */
  readonly path: string
  /** Default 1,000. */
  readonly intervalMs?: number
  /** Default 1,000. */
  readonly timeoutMs?: number
  /** So many answers in a row change the mind about it. Defaults 3 and 2. */
  readonly unhealthyAfter?: number
  readonly healthyAfter?: number
}

/** How often each client, or whoever a key names, may ask. */
export interface RateLimitDeclaration {
  /** `client`: by its address. Requests without the key share one limit. */
  readonly by: 'client' | KeySource
  readonly limit: RateLimiterDeclaration
  /** How many are remembered at once: the one seen longest ago begins anew. Default 10,000. */
  readonly keysMax?: number
}

/** The limits of a gateway as they are for an upstream with that policy. */
export function limitsWith(limits: GatewayLimits, { timeout, bulkhead, retry }: UpstreamPolicy): GatewayLimits {
  return {
    ...limits,
    ...(timeout?.connectMs !== undefined && { connectTimeoutMs: timeout.connectMs }),
    ...(timeout?.answerMs !== undefined && { answerTimeoutMs: timeout.answerMs }),
    ...(timeout?.waitMs !== undefined && { waitMaxMs: timeout.waitMs }),
    ...(bulkhead !== undefined && { concurrencyMax: bulkhead.concurrencyMax, queueMax: bulkhead.queueMax ?? 0 }),
    ...(retry !== undefined && { waitBackoff: retry.backoff }),
  }
}
