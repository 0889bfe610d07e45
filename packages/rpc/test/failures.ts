import {
  ConfigurationError,
  ConflictError,
  InvalidInputError,
  LimitExceededError,
  NotFoundError,
  RejectedError,
  type SeaworthyError,
  TimeoutError,
  UnavailableError,
  UnknownOutcomeError,
} from 'seaworthy/core'
import { BrokenCircuitError, BulkheadFullError } from 'seaworthy/resilience'
import { RemoteFailureError } from '@seaworthy/rpc'

/** What a handler throws, and what its caller must get on either wire. */
export interface FailureCase {
  readonly name: string
  readonly thrown: Error
  readonly status: number
  readonly grpc: string
  /** The class on the caller's side. */
  readonly arrives: new (...parameters: never[]) => SeaworthyError
  readonly executed: 'no' | 'maybe' | 'yes'
  readonly fields?: object
}

const FIELDS = [{ field: 'lines[0].quantity', message: 'Zu klein: ≥ 1' }]

export const FAILURES: readonly FailureCase[] = [
  {
    name: 'invalid input',
    thrown: new InvalidInputError('No good.', FIELDS),
    status: 400,
    grpc: 'INVALID_ARGUMENT',
    arrives: InvalidInputError,
    executed: 'no',
    fields: { fields: FIELDS, message: 'No good.', final: true },
  },
  {
    name: 'not found',
    thrown: new NotFoundError('No order 7.'),
    status: 404,
    grpc: 'NOT_FOUND',
    arrives: NotFoundError,
    executed: 'no',
    fields: { message: 'No order 7.', final: true },
  },
  {
    name: 'a conflict',
    thrown: new ConflictError('In flight.', { retryAfterMs: 1_500 }),
    status: 409,
    grpc: 'ABORTED',
    arrives: ConflictError,
    executed: 'no',
    fields: { retryAfterMs: 1_500, message: 'In flight.' },
  },
  {
    name: 'a rejection',
    thrown: new RejectedError('card-declined', 'Отказано 💳'),
    status: 422,
    grpc: 'FAILED_PRECONDITION',
    arrives: RejectedError,
    executed: 'no',
    fields: { reason: 'card-declined', message: 'Отказано 💳', final: true },
  },
  {
    name: 'a limit',
    thrown: new LimitExceededError('At most 10.', { retryAfterMs: 20 }),
    status: 429,
    grpc: 'RESOURCE_EXHAUSTED',
    arrives: LimitExceededError,
    executed: 'no',
    fields: { retryAfterMs: 20, final: false },
  },
  {
    name: 'a limit for good',
    thrown: new LimitExceededError('Too many lines.', { final: true }),
    status: 429,
    grpc: 'RESOURCE_EXHAUSTED',
    arrives: LimitExceededError,
    executed: 'no',
    fields: { final: true },
  },
  {
    name: 'unavailability',
    thrown: new UnavailableError('The database starts.', { retryAfterMs: 2_000 }),
    status: 503,
    grpc: 'UNAVAILABLE',
    arrives: UnavailableError,
    executed: 'no',
    fields: { retryAfterMs: 2_000 },
  },
  {
    name: 'an open circuit',
    thrown: new BrokenCircuitError('stock', { state: 'open', why: '5 of 5 failed', retryAfterMs: 300, opened: 1, rejected: 1 }),
    status: 503,
    grpc: 'UNAVAILABLE',
    arrives: UnavailableError,
    executed: 'no',
    fields: { retryAfterMs: 300 },
  },
  {
    name: 'a full bulkhead',
    thrown: new BulkheadFullError('stock', { running: 4, queued: 8, concurrencyMax: 4, queueMax: 8 }),
    status: 503,
    grpc: 'UNAVAILABLE',
    arrives: UnavailableError,
    executed: 'no',
  },
  {
    name: 'a timeout',
    thrown: new TimeoutError('Too slow.', 250),
    status: 504,
    grpc: 'DEADLINE_EXCEEDED',
    arrives: TimeoutError,
    executed: 'maybe',
    fields: { timeoutMs: 250 },
  },
  {
    name: 'a timeout before anything was done',
    thrown: new TimeoutError('No time.', 0, { executed: 'no' }),
    status: 504,
    grpc: 'DEADLINE_EXCEEDED',
    arrives: TimeoutError,
    executed: 'no',
  },
  {
    name: 'an unknown outcome',
    thrown: new UnknownOutcomeError('The bank was asked.'),
    status: 502,
    grpc: 'UNKNOWN',
    arrives: UnknownOutcomeError,
    executed: 'maybe',
  },
  {
    name: 'a failure that took effect',
    thrown: new RemoteFailureError('Stored, then broke.', { executed: 'yes' }),
    status: 500,
    grpc: 'INTERNAL',
    arrives: RemoteFailureError,
    executed: 'yes',
  },
  {
    name: 'a wrong configuration',
    thrown: new ConfigurationError('Secret setting.'),
    status: 500,
    grpc: 'INTERNAL',
    arrives: RemoteFailureError,
    executed: 'no',
  },
  {
    name: 'a plain error',
    thrown: new TypeError('secret of the house'),
    status: 500,
    grpc: 'INTERNAL',
    arrives: RemoteFailureError,
    executed: 'maybe',
  },
]

/** What must never be seen outside: frames of a stack, and the words of internal errors. */
export const LEAK = /\bat \S+ \(|\bat file:|node_modules|node:internal|\.ts:\d+|secret|Secret|"stack"/
