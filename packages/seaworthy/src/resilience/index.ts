/**
 * Resilience: calls to a receiver that may be slow, failing or gone.
 *
 * The problem: a receiver that answers slowly takes its callers down with it, and callers that try again bury it.
 * The guarantee: time, calls at once, calls waiting and retries are bounded; a retry is made only where it can do no
 * harm; a receiver that fails is left alone until probes show that it answers; an abort ends every wait at once; no
 * timer or listener is left behind.
 * Not promised: a body that ignores its signal is not stopped, only no longer waited for; it keeps its place in the
 * bulkhead until it ends. Limits hold for one process.
 */
export { type Guard, type Policy, policy, type PolicyOptions, type PolicySnapshot, type SavedPolicy } from './policy.ts'
export { keyed, type KeyedOptions, type KeyedPolicies } from './keyed.ts'
export { bulkhead, circuitBreaker, retry, timeout } from './alone.ts'
export {
  type BulkheadDeclaration,
  type CircuitBreakerDeclaration,
  type CircuitBreakerTrip,
  type CountWindowDeclaration,
  countWindow,
  type PolicyDeclaration,
  type RetryBudgetDeclaration,
  type RetryDeclaration,
  type SlowCallsDeclaration,
  type TimeoutDeclaration,
  type TimeWindowDeclaration,
  timeWindow,
  type WindowDeclaration,
} from './policy-declaration.ts'
export {
  type BrokenCircuit,
  BrokenCircuitError,
  BulkheadFullError,
  type FullBulkhead,
  OverloadedError,
  RateLimitedError,
} from './errors.ts'
export { type BulkheadSnapshot } from './bulkhead.ts'
// The parts of a policy, for those who lead calls without a promise each, as a proxy does.
export { CircuitBreaker, type Permit } from './circuit-breaker.ts'
export { RetryBudget } from './retry-budget.ts'
export { type CallLimit, callLimit, problemsOfRateLimiter } from './rate-limiter.ts'
export { problemsOfPolicy } from './check-policy.ts'
export { type CircuitBreakerSnapshot, type Outcome, outcomeOf } from './circuit-breaker.ts'
export { type SavedCircuitBreaker } from './saved-circuit-breaker.ts'
export { type RetryBudgetSnapshot } from './retry-budget.ts'
export { onResilienceEvent, type RejectedBy, type ResilienceEvent } from './events.ts'
export { compose } from './compose.ts'
export { type Fallback, fallback, type FallbackOptions } from './fallback.ts'
export { type Coalescing, coalescing } from './coalesce.ts'
export { type Hedge, hedge, type HedgeDeclaration, type HedgeSnapshot } from './hedge.ts'
export { type RateLimiter, rateLimiter, type RateLimiterDeclaration, type RateLimiterSnapshot } from './rate-limiter.ts'
export {
  type AdaptiveConcurrency,
  adaptiveConcurrency,
  type AdaptiveConcurrencyDeclaration,
  type AdaptiveConcurrencySnapshot,
} from './adaptive-concurrency.ts'
export { type LoadShedder, loadShedder, type LoadShedderDeclaration, type LoadShedderSnapshot } from './load-shedder.ts'
export { type WorkerBulkhead, workerBulkhead, type WorkerBulkheadDeclaration } from './worker-bulkhead.ts'
export { type Priority, type PriorityOf } from './priority.ts'
export { guardedFetch, type GuardedFetchOptions } from './guarded-fetch.ts'
