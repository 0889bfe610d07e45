import type {
  BulkheadDeclaration,
  CircuitBreakerDeclaration,
  PolicyDeclaration,
  RetryDeclaration,
  TimeoutDeclaration,
} from './policy-declaration.ts'
import { type Policy, policy, type PolicyOptions } from './policy.ts'

/** A policy that only limits time. */
export function timeout(declaration: TimeoutDeclaration, options: PolicyOptions): Policy {
  return policy({ timeout: declaration }, options)
}

/** A policy that only tries again what is safe to repeat. */
export function retry(declaration: RetryDeclaration & Pick<PolicyDeclaration, 'idempotent'>, options: PolicyOptions): Policy {
  const { idempotent, ...rest } = declaration
  return policy({ ...(idempotent !== undefined && { idempotent }), retry: rest }, options)
}

/** A policy that only stops calling a receiver that fails. */
export function circuitBreaker(declaration: CircuitBreakerDeclaration, options: PolicyOptions): Policy {
  return policy({ circuitBreaker: declaration }, options)
}

/** A policy that only limits how many calls run and wait. */
export function bulkhead(declaration: BulkheadDeclaration, options: PolicyOptions): Policy {
  return policy({ bulkhead: declaration }, options)
}
