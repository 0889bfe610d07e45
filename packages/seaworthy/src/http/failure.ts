import {
  ConflictError,
  type Executed,
  type InvalidField,
  InvalidInputError,
  LimitExceededError,
  NotFoundError,
  RejectedError,
  SeaworthyError,
  TimeoutError,
  UnavailableError,
  UnknownOutcomeError,
} from 'seaworthy/core'
import { RemoteFailureError } from './errors.ts'

/** The kinds of failure that have a form on every wire. */
export const FAILURE_CODES = [
  'invalid-input',
  'not-found',
  'conflict',
  'rejected',
  'limit-exceeded',
  'unavailable',
  'timeout',
  'unknown-outcome',
  'internal',
] as const

export type FailureCode = (typeof FAILURE_CODES)[number]

/** An error as it crosses a wire: what the other side may know, and nothing else. Never a stack, never a cause. */
export interface Failure {
  readonly code: FailureCode
  readonly message: string
  readonly executed: Executed
  readonly retryAfterMs?: number | undefined
  /** Of a rejection. */
  readonly reason?: string | undefined
  /** Of invalid input. */
  readonly fields?: readonly InvalidField[] | undefined
  /** Of a timeout: the time that ran out. */
  readonly timeoutMs?: number | undefined
  /** Of a limit that no repetition gets past. */
  readonly final?: boolean | undefined
}

/**
 * The message of a revived error. What the receiver says to its caller is handed on in its own words, so that it can be
 * handed on again; what it says about itself is put into context. Addresses stay out: the message may travel to the public.
 */
export function messageOf(code: FailureCode, words: string, what: string): string {
  switch (code) {
    case 'invalid-input':
    case 'not-found':
    case 'conflict':
    case 'rejected':
    case 'limit-exceeded':
      return words
    case 'unavailable':
    case 'timeout':
    case 'unknown-outcome':
    case 'internal':
      return `${what} failed: ${words}`
  }
}

/** What the other side is told when the error is nobody's business but ours. */
const INTERNAL_MESSAGE = 'The request failed inside the service. Its log has the reason, under the correlation id.'

/** What an engine says of itself names files, hosts and processes: whoever asked is told that it will pass, and the log has the rest. */
const OF_AN_ENGINE = /^(?:database-|commit-failed$|connection-lost$|transaction-lost$|postgres$|sqlite$|redis$)/
const ENGINE_MESSAGE = 'The service cannot store or read what this needs right now. Nothing was done; ask again.'

/** Decides what the other side is told about an error. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof SeaworthyError)) return { code: 'internal', message: INTERNAL_MESSAGE, executed: 'maybe' }
  const { message, executed, retryAfterMs } = error
  if (error instanceof InvalidInputError) return { code: 'invalid-input', message, executed, fields: error.fields }
  if (error instanceof NotFoundError) return { code: 'not-found', message, executed }
  if (error instanceof ConflictError) return { code: 'conflict', message, executed, retryAfterMs }
  if (error instanceof RejectedError) return { code: 'rejected', message, executed, reason: error.reason }
  if (error instanceof LimitExceededError) return { code: 'limit-exceeded', message, executed, retryAfterMs, final: error.final }
  if (error instanceof TimeoutError) return { code: 'timeout', message, executed, timeoutMs: error.timeoutMs }
  if (error instanceof UnknownOutcomeError) return { code: 'unknown-outcome', message, executed }
  // An open circuit, a full bulkhead: the work was shed before it began, as if nobody had been there.
  if (error instanceof UnavailableError || (executed === 'no' && !error.final))
    return { code: 'unavailable', message: OF_AN_ENGINE.test(error.code) ? ENGINE_MESSAGE : message, executed, retryAfterMs }
  return { code: 'internal', message: INTERNAL_MESSAGE, executed }
}

/** The typed error that a failure stands for: on the caller's side, the class that the receiver threw. */
export function errorFrom(failure: Failure, cause?: unknown): SeaworthyError {
  const error = classOf(failure, cause)
  // What is known about the effect outranks the class: a caller decides by `executed` whether to ask again.
  if (error !== undefined && error.executed === failure.executed) return error
  const { message, executed, retryAfterMs, final } = failure
  return new RemoteFailureError(message, { executed, retryAfterMs, cause, ...(final !== undefined && { final }) })
}

function classOf(failure: Failure, cause: unknown): SeaworthyError | undefined {
  const { message, retryAfterMs } = failure
  const options = cause === undefined ? {} : { cause }
  const withRetry = { ...options, ...(retryAfterMs !== undefined && { retryAfterMs }) }
  switch (failure.code) {
    case 'invalid-input':
      return new InvalidInputError(message, failure.fields ?? [], options)
    case 'not-found':
      return new NotFoundError(message, options)
    case 'conflict':
      return new ConflictError(message, withRetry)
    case 'rejected':
      return new RejectedError(failure.reason ?? 'rejected', message, options)
    case 'limit-exceeded':
      return new LimitExceededError(message, { ...withRetry, final: failure.final ?? false })
    case 'unavailable':
      return new UnavailableError(message, withRetry)
    case 'timeout':
      return new TimeoutError(message, failure.timeoutMs ?? 0, { ...options, executed: failure.executed })
    case 'unknown-outcome':
      return new UnknownOutcomeError(message, options)
    case 'internal':
      return undefined
  }
}

/** Reads `no`, `maybe` or `yes`; undefined for anything else. */
export function executedFrom(text: unknown): Executed | undefined {
  return text === 'no' || text === 'maybe' || text === 'yes' ? text : undefined
}

/** Reads a list of invalid fields that came over a wire; what has another shape is left out. */
export function fieldsFrom(value: unknown): InvalidField[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null) return []
    const { field, message } = entry as { field?: unknown; message?: unknown }
    return typeof field === 'string' && typeof message === 'string' ? [{ field, message }] : []
  })
}

/** Reads a failure code; undefined for anything else. */
export function failureCodeFrom(value: unknown): FailureCode | undefined {
  return FAILURE_CODES.find((code) => code === value)
}
