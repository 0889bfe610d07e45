import { constant, rootContext, UnavailableError } from 'seaworthy/core'
import { onResilienceEvent, policy, type PolicyDeclaration, timeWindow } from 'seaworthy/resilience'
import { Down, type Library, type Subject } from './subject.ts'

function subject(declaration: PolicyDeclaration): Subject {
  const guarded = policy(declaration, { name: 'probe' })
  let stop = () => {}
  return {
    call: (body, signal) =>
      guarded.run(async (call) => {
        try {
          return await body(call.signal)
        } catch (error) {
          // As a driver of ours would say it: nothing was executed.
          throw error instanceof Down ? new UnavailableError(error.message) : error
        }
      }, rootContext({ signal })),
    state() {
      const state = guarded.snapshot().circuitBreaker?.state
      return state === undefined || state === 'isolated' ? 'closed' : state
    },
    onGood(listener) {
      stop = onResilienceEvent((event) => {
        if (event.type === 'circuit-closed') listener()
      })
    },
    stop: () => stop(),
  }
}

export const seaworthy: Library = {
  name: 'seaworthy',
  breaker: ({ openMs, probeLeaseMs = 30_000 }) => subject({ circuitBreaker: { consecutiveFailures: 1, openMs, probeLeaseMs } }),
  rateBreaker: ({ openMs, windowMs }) =>
    subject({ circuitBreaker: { failureRate: 0.5, window: timeWindow(windowMs), minimumCalls: 10, openMs } }),
  bulkhead: ({ concurrencyMax, queueMax, timeoutMs }) =>
    subject({ bulkhead: { concurrencyMax, queueMax }, ...(timeoutMs !== undefined && { timeout: { attemptMs: timeoutMs } }) }),
  timeout: ({ timeoutMs }) => subject({ timeout: { attemptMs: timeoutMs } }),
  retry: ({ attemptsMax, delayMs }) => subject({ idempotent: true, retry: { attemptsMax, backoff: constant(delayMs) } }),
}
