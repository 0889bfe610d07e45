import CircuitBreaker from 'opossum'
import type { Body, Library, Subject } from './subject.ts'

type Options = NonNullable<ConstructorParameters<typeof CircuitBreaker>[1]>

/** One breaker for all calls, as opossum means it: the action is the same, what it does is its argument. */
function subject(options: Options): Subject {
  const abortController = new AbortController()
  const hasTimeout = typeof options.timeout === 'number'
  const breaker = new CircuitBreaker((body: Body) => body(hasTimeout ? abortController.signal : undefined), {
    ...options,
    ...(hasTimeout && { abortController }),
  })
  return {
    call: async <T>(body: Body<T>) => (await breaker.fire(body)) as T,
    state: () => (breaker.halfOpen ? 'half-open' : breaker.opened ? 'open' : 'closed'),
    onGood: (listener) => void breaker.on('success', listener),
    stop: () => breaker.shutdown(),
  }
}

export const opossum: Library = {
  name: 'opossum 10.0.0',
  breaker: ({ openMs }) => subject({ timeout: false, errorThresholdPercentage: 1, resetTimeout: openMs }),
  rateBreaker: ({ openMs, windowMs }) =>
    subject({
      timeout: false,
      errorThresholdPercentage: 50,
      volumeThreshold: 10,
      rollingCountTimeout: windowMs,
      rollingCountBuckets: 10,
      resetTimeout: openMs,
    }),
  // It has no queue: calls beyond its capacity are turned away.
  bulkhead: ({ concurrencyMax, timeoutMs }) =>
    subject({ timeout: timeoutMs ?? false, capacity: concurrencyMax, errorThresholdPercentage: 100, volumeThreshold: 1_000_000 }),
  timeout: ({ timeoutMs }) => subject({ timeout: timeoutMs, errorThresholdPercentage: 100, volumeThreshold: 1_000_000 }),
}
