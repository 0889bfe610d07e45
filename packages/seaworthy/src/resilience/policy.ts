import type { CallContext, Clock, Random } from 'seaworthy/core'
import type { BulkheadSnapshot } from './bulkhead.ts'
import { checkPolicy } from './check-policy.ts'
import type { CircuitBreakerSnapshot, Outcome } from './circuit-breaker.ts'
import { FusedPolicy } from './fused-policy.ts'
import type { PolicyDeclaration } from './policy-declaration.ts'
import type { RetryBudgetSnapshot } from './retry-budget.ts'
import type { SavedCircuitBreaker } from './saved-circuit-breaker.ts'

export interface PolicyOptions {
  /** Names the receiver in errors, events and on pages: `inventory`. */
  readonly name: string
  readonly clock?: Clock
  readonly random?: Random
  /** What an error tells the circuit breaker about the receiver. Default: see {@link outcomeOf}. */
  readonly outcomeOf?: (error: unknown) => Outcome
  /** What {@link Policy.save} of an earlier process returned. What cannot be read is left out, with a warning of the process. */
  readonly saved?: SavedPolicy
}

/** Anything that makes a call its own way: a policy, or several composed. */
export interface Guard {
  run<T>(body: (call: CallContext) => Promise<T>, context?: CallContext): Promise<T>
}

/** Guards the calls to one receiver. Its state (breaker, places, budget) is shared by all calls that run through it. */
export interface Policy extends Guard {
  readonly name: string
  readonly declaration: PolicyDeclaration
  /**
   * Makes a call. The body may be called several times, each time with the context of that attempt: the nearer
   * deadline, and a signal that tells it to stop. Hand both on. Without `context` the current one counts.
   * @throws what the last attempt threw; TimeoutError; BrokenCircuitError; BulkheadFullError; the reason of an abort
   */
  run<T>(body: (call: CallContext) => Promise<T>, context?: CallContext): Promise<T>
  /**
   * Takes over other settings while calls run. What it has seen and who waits is kept; a part that is new starts
   * fresh, and calls under way finish by the settings that they started with. @throws ConfigurationError, and changes nothing
   */
  reconfigure(declaration: PolicyDeclaration): void
  /** Opens the circuit breaker by hand, until {@link release}. @throws ConfigurationError without a circuit breaker */
  isolate(why: string): void
  /** Ends an isolation: probes go through. */
  release(): void
  snapshot(): PolicySnapshot
  /** What should survive a restart, as JSON: see `saved` of {@link PolicyOptions}. */
  save(): SavedPolicy
}

/** For display: where a policy stands now, and its counters since it was made. */
export interface PolicySnapshot {
  readonly name: string
  /** Calls begun and how they ended; an attempt that timed out and was retried counts under `retries`. */
  readonly calls: number
  readonly succeeded: number
  readonly failed: number
  readonly retries: number
  /** Attempts given up because time ran out. */
  readonly timedOut: number
  readonly circuitBreaker?: CircuitBreakerSnapshot
  readonly bulkhead?: BulkheadSnapshot
  readonly retryBudget?: RetryBudgetSnapshot
}

export interface SavedPolicy {
  readonly circuitBreaker?: SavedCircuitBreaker
}

/**
 * Fuses the declared parts into one. From the outside in: total timeout, retry, circuit breaker, bulkhead, attempt
 * timeout. So the breaker sees every attempt, and nobody holds a place in the bulkhead while backing off.
 * @throws ConfigurationError naming what does not make sense
 */
export function policy(declaration: PolicyDeclaration, options: PolicyOptions): Policy {
  // Plain JavaScript may leave the options out.
  checkPolicy((options as Partial<PolicyOptions> | undefined)?.name, declaration)
  return new FusedPolicy(declaration, options)
}
