import {
  bulkhead,
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  ConstantBackoff,
  type CircuitBreakerPolicy,
  handleAll,
  handleType,
  type IPolicy,
  retry,
  SamplingBreaker,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel'
import { Down, type Library, type Subject } from './subject.ts'

function subject(guarded: IPolicy): Subject {
  return {
    call: (body, signal) => guarded.execute(({ signal: inner }) => body(inner), signal),
    onGood: (listener) => void guarded.onSuccess(listener),
  }
}

const STATES = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Isolated]: 'open',
} as const

const withState = (breaker: CircuitBreakerPolicy): Subject => ({ ...subject(breaker), state: () => STATES[breaker.state] })

export const cockatiel: Library = {
  name: 'cockatiel 4.0.0',
  breaker: ({ openMs }) => withState(circuitBreaker(handleType(Down), { halfOpenAfter: openMs, breaker: new ConsecutiveBreaker(1) })),
  rateBreaker: ({ openMs, windowMs }) =>
    withState(
      circuitBreaker(handleType(Down), {
        halfOpenAfter: openMs,
        breaker: new SamplingBreaker({ threshold: 0.5, duration: windowMs, minimumRps: 10_000 / windowMs }),
      }),
    ),
  bulkhead: ({ concurrencyMax, queueMax, timeoutMs }) =>
    subject(
      timeoutMs === undefined
        ? bulkhead(concurrencyMax, queueMax)
        : wrap(bulkhead(concurrencyMax, queueMax), timeout(timeoutMs, TimeoutStrategy.Aggressive)),
    ),
  timeout: ({ timeoutMs }) => subject(timeout(timeoutMs, TimeoutStrategy.Aggressive)),
  retry: ({ attemptsMax, delayMs }) => subject(retry(handleAll, { maxAttempts: attemptsMax - 1, backoff: new ConstantBackoff(delayMs) })),
}
