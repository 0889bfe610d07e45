import {
  ConflictError,
  InvalidInputError,
  NotFoundError,
  RejectedError,
  SeaworthyError,
  UnavailableError,
  UnknownOutcomeError,
  type Executed,
  type InvalidField,
} from 'seaworthy/core'
import { stackless } from '../kernel/stackless.ts'

/** An error as it goes over a wire. */
export interface WireError {
  readonly code: string
  readonly message: string
  readonly executed: Executed
  readonly final: boolean
  readonly retryAfterMs?: number | undefined
  readonly reason?: string | undefined
  readonly fields?: readonly InvalidField[] | undefined
}

/** What a caller may know of a handler's error. One that does not say what it did may have done anything. */
export function toWire(error: unknown): WireError {
  if (error instanceof SeaworthyError) {
    const { code, message, executed, final, retryAfterMs } = error
    return {
      code,
      message,
      executed,
      final,
      retryAfterMs,
      ...(error instanceof RejectedError && { reason: error.reason }),
      ...(error instanceof InvalidInputError && { fields: error.fields }),
    }
  }
  return { code: 'internal', message: String(error), executed: 'maybe', final: false }
}

/** The error as its caller meets it: of the class that says the same on every wire. */
export function fromWire(error: WireError): SeaworthyError {
  return stackless(() => decoded(error))
}

function decoded(error: WireError): SeaworthyError {
  const { code, message, executed, final, reason, fields } = error
  const retry = error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }
  switch (code) {
    case 'rejected':
      return new RejectedError(reason ?? 'unknown', message)
    case 'invalid-input':
      return new InvalidInputError(message, fields)
    case 'not-found':
      return new NotFoundError(message)
    case 'conflict':
      return new ConflictError(message, retry)
    case 'unavailable':
      return new UnavailableError(message, retry)
    case 'internal':
    case 'unknown-outcome':
      return new UnknownOutcomeError(message)
    default:
      return new SeaworthyError(code, message, { executed, final, ...retry })
  }
}

/** Nobody takes the request: nothing was executed. */
export function refusedByNobody(callee: string): WireError {
  return { code: 'unavailable', message: `${callee} does not answer: it is down or starting.`, executed: 'no', final: false }
}

/** The connection broke while an answer was waited for. */
export function brokenConnection(callee: string): WireError {
  return { code: 'unknown-outcome', message: `The connection to ${callee} broke before its answer came.`, executed: 'maybe', final: false }
}

/** A value as it arrives on the other side of a wire: through JSON, so that no two processes share an object. */
export function throughJson<T>(value: T): T {
  if (value === undefined || value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value
  const text: string | undefined = JSON.stringify(value)
  return (text === undefined ? undefined : JSON.parse(text)) as T
}
