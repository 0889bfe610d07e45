import { assertSensible, problemsOf, problemsOfKind, type Shape } from './declaration-shape.ts'
import type { CircuitBreakerDeclaration, PolicyDeclaration, RetryDeclaration } from './policy-declaration.ts'

const POLICY: Shape = {
  idempotent: 'true or false?',
  timeout: 'an object?',
  retry: 'an object?',
  circuitBreaker: 'an object?',
  bulkhead: 'an object?',
}
const TIMEOUT: Shape = { attemptMs: 'a positive number?', totalMs: 'a positive number?' }
const RETRY: Shape = { attemptsMax: 'a positive integer', backoff: 'an object', budget: 'an object?', waitMaxMs: 'a number from 0?' }
const BACKOFFS: Readonly<Record<string, Shape>> = {
  exponential: {
    baseMs: 'a positive number',
    maxMs: 'a number from 0',
    factor: 'a positive number',
    jitter: 'full, equal, decorrelated or none',
  },
  constant: { delayMs: 'a number from 0' },
}
const BUDGET: Shape = { ratio: 'a number from 0', minPerSecond: 'a number from 0?', tokensMax: 'a number from 1?' }
const OPENING: Shape = {
  openMs: 'a positive number',
  openMsMax: 'a positive number?',
  openJitter: 'a number from 0?',
  probesMax: 'a positive integer?',
  probeLeaseMs: 'a positive number?',
}
const CONSECUTIVE: Shape = { consecutiveFailures: 'a positive integer', ...OPENING }
const RATES: Shape = {
  failureRate: 'above 0 and at most 1',
  window: 'an object',
  minimumCalls: 'a positive integer?',
  slowCalls: 'an object?',
  ...OPENING,
}
const SLOW_CALLS: Shape = { overMs: 'a positive number', rate: 'above 0 and at most 1' }
const WINDOWS: Readonly<Record<string, Shape>> = {
  count: { callsMax: 'an integer from 1 to 1,000,000' },
  time: { durationMs: 'a positive number' },
}
const BULKHEAD: Shape = { concurrencyMax: 'a positive integer', queueMax: 'an integer from 0?' }

/** @throws ConfigurationError naming every setting that does not make sense */
export function checkPolicy(name: string | undefined, declaration: PolicyDeclaration): void {
  assertSensible(`Policy ${name}`, [
    ...(typeof name === 'string' ? [] : ['it has no name: errors, events and pages call it by options.name']),
    ...problemsOfPolicy(declaration),
  ])
}

/** What is wrong with a policy that came as JSON: sentences without a full stop, each of which begins with the setting's path. */
export function problemsOfPolicy(declaration: PolicyDeclaration): string[] {
  const { timeout, retry, circuitBreaker, bulkhead } = declaration
  return [
    ...problemsOf('', declaration, POLICY),
    ...(timeout ? problemsOf('timeout.', timeout, TIMEOUT) : []),
    ...(retry ? problemsOfRetry(retry) : []),
    ...(circuitBreaker ? problemsOfCircuitBreaker(circuitBreaker) : []),
    ...(bulkhead ? problemsOf('bulkhead.', bulkhead, BULKHEAD) : []),
  ]
}

function problemsOfRetry(retry: RetryDeclaration): string[] {
  const { backoff, budget } = retry as Partial<RetryDeclaration>
  return [
    ...problemsOf('retry.', retry, RETRY),
    ...(backoff ? problemsOfKind('retry.backoff.', backoff, BACKOFFS) : []),
    ...(budget ? problemsOf('retry.budget.', budget, BUDGET) : []),
  ]
}

function problemsOfCircuitBreaker(circuitBreaker: CircuitBreakerDeclaration): string[] {
  const { openMs, openMsMax = openMs } = circuitBreaker
  const order = openMsMax < openMs ? ['circuitBreaker.openMsMax is less than openMs'] : []
  if ('consecutiveFailures' in circuitBreaker) return [...problemsOf('circuitBreaker.', circuitBreaker, CONSECUTIVE), ...order]
  const { window, minimumCalls = 0, slowCalls } = circuitBreaker as Partial<typeof circuitBreaker>
  return [
    ...problemsOf('circuitBreaker.', circuitBreaker, RATES),
    ...order,
    ...(slowCalls ? problemsOf('circuitBreaker.slowCalls.', slowCalls, SLOW_CALLS) : []),
    ...(window ? problemsOfKind('circuitBreaker.window.', window, WINDOWS) : []),
    ...(window?.kind === 'count' && minimumCalls > window.callsMax
      ? ['circuitBreaker.minimumCalls is more than the window holds, so that it would never open']
      : []),
  ]
}
