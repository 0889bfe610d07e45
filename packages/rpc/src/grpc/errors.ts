import { Metadata, type ServiceError, status, type StatusObject } from '@grpc/grpc-js'
import { type Executed, type SeaworthyError, TimeoutError, UnavailableError, UnknownOutcomeError } from 'seaworthy/core'
import {
  errorFrom,
  executedFrom,
  type Failure,
  type FailureCode,
  failureCodeFrom,
  failureOf,
  fieldsFrom,
  messageOf,
  RemoteFailureError,
} from 'seaworthy/http'

/** The trailers that say how a call ended. */
const TRAILERS = {
  executed: 'seaworthy-executed',
  retryAfterMs: 'seaworthy-retry-after-ms',
  /** JSON of code, reason, fields. */
  error: 'seaworthy-error',
} as const

const STATUS: Readonly<Record<FailureCode, status>> = {
  'invalid-input': status.INVALID_ARGUMENT,
  'not-found': status.NOT_FOUND,
  conflict: status.ABORTED,
  rejected: status.FAILED_PRECONDITION,
  'limit-exceeded': status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
  timeout: status.DEADLINE_EXCEEDED,
  'unknown-outcome': status.UNKNOWN,
  internal: status.INTERNAL,
}

// Trailers travel in one HTTP/2 header block, which peers limit, many to 8 KiB.
const DETAILS_LENGTH_MAX = 1_000
const FIELDS_MAX = 16
const FIELD_LENGTH_MAX = 100

export interface ErrorStatus extends StatusObject {
  readonly failure: Failure
}

/** How an error is answered. */
export function errorStatus(error: unknown): ErrorStatus {
  const failure = failureOf(error)
  const metadata = new Metadata()
  metadata.set(TRAILERS.executed, failure.executed)
  if (failure.retryAfterMs !== undefined) metadata.set(TRAILERS.retryAfterMs, String(Math.ceil(failure.retryAfterMs)))
  const { code, reason, timeoutMs, final } = failure
  const fields = failure.fields?.slice(0, FIELDS_MAX).map(({ field, message }) => ({
    field: field.slice(0, FIELD_LENGTH_MAX),
    message: message.slice(0, FIELD_LENGTH_MAX),
  }))
  metadata.set(TRAILERS.error, asciiJson({ code, reason: reason?.slice(0, FIELD_LENGTH_MAX), fields, timeoutMs, final }))
  // grpc-js percent-encodes the details, which throws on half a surrogate pair.
  return { code: STATUS[code], details: failure.message.slice(0, DETAILS_LENGTH_MAX).toWellFormed(), metadata, failure }
}

/** JSON in ASCII: metadata takes nothing else. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** How a call failed, as the client saw it. */
export interface FailedCall {
  readonly error: ServiceError
  /** Names the method in messages. */
  readonly what: string
  /** False when the call never had a connection to be written to. */
  readonly started: boolean
  readonly timeoutMs: number
}

/**
 * The typed error that a failed call stands for. What a Seaworthy server says about the effect is taken at its word;
 * otherwise `no` is concluded only where the call cannot have reached a handler.
 */
export function errorFromStatus(failed: FailedCall): SeaworthyError {
  const { error, what } = failed
  const said = executedFrom(trailer(error.metadata, TRAILERS.executed))
  return said === undefined ? unsaid(failed) : errorFrom(saidFailure(error, said, what))
}

function saidFailure(error: ServiceError, executed: Executed, what: string): Failure {
  const details = parsed(trailer(error.metadata, TRAILERS.error))
  const retryAfterMs = Number(trailer(error.metadata, TRAILERS.retryAfterMs) ?? Number.NaN)
  const code = failureCodeFrom(details['code']) ?? codeOfStatus(error.code)
  return {
    code,
    message: messageOf(code, error.details, what),
    executed,
    retryAfterMs: retryAfterMs >= 0 ? retryAfterMs : undefined,
    reason: typeof details['reason'] === 'string' ? details['reason'] : undefined,
    fields: fieldsFrom(details['fields']),
    timeoutMs: typeof details['timeoutMs'] === 'number' ? details['timeoutMs'] : undefined,
    final: details['final'] === true,
  }
}

function unsaid({ error, what, started, timeoutMs }: FailedCall): SeaworthyError {
  const { code, details } = error
  const cause = error
  if (code === status.DEADLINE_EXCEEDED) {
    return started
      ? new TimeoutError(`${what} did not answer within the ${timeoutMs} ms that were left. It may have been executed.`, timeoutMs, {
          cause,
        })
      : new TimeoutError(`${what} could not be sent within the ${timeoutMs} ms that were left.`, timeoutMs, { executed: 'no', cause })
  }
  if (!started || isUnprocessed(error)) {
    return new UnavailableError(`${what} cannot be reached. It was not executed.`, { cause })
  }
  // CANCELLED by the other side is a stream or a connection that it cut off: our own cancellations do not come this way.
  if (code === status.UNAVAILABLE || code === status.CANCELLED) {
    return new UnknownOutcomeError(`${what} was sent, and the connection broke before the answer. It may have been executed.`, {
      cause,
    })
  }
  const message = `${what} answered ${status[code] ?? code}: ${details}`
  if (code === status.UNIMPLEMENTED) return new RemoteFailureError(message, { executed: 'no', final: true, cause })
  return errorFrom({ code: codeOfStatus(code), message, executed: REFUSALS.has(code) ? 'no' : 'maybe' }, cause)
}

/** Statuses by which any server says that it looked at the request and did not do it. */
const REFUSALS: ReadonlySet<status> = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.PERMISSION_DENIED,
  status.FAILED_PRECONDITION,
  status.ABORTED,
  status.OUT_OF_RANGE,
  status.UNAUTHENTICATED,
])

/**
 * True where HTTP/2 itself says that no handler saw the call (RFC 9113, sections 5.4.2 and 6.8): a stream that the
 * server refused, which is also how nghttp2 ends the streams above the last one named in a GOAWAY; or one that could
 * not be opened. grpc-js 1.14 passes neither code on, only these words (subchannel-call.js and load-balancing-call.js);
 * a server's own status comes with trailers. Should the words change, the answer becomes `maybe`, which is safe.
 */
function isUnprocessed({ code, details, metadata }: ServiceError): boolean {
  if (Object.keys(metadata.getMap()).length > 0) return false
  return (
    (code === status.UNAVAILABLE && details === 'Stream refused by server') ||
    (code === status.INTERNAL && details.startsWith('Failed to start HTTP/2 stream with error'))
  )
}

function codeOfStatus(code: status): FailureCode {
  switch (code) {
    case status.INVALID_ARGUMENT:
    case status.OUT_OF_RANGE:
      return 'invalid-input'
    case status.NOT_FOUND:
      return 'not-found'
    case status.ABORTED:
    case status.ALREADY_EXISTS:
      return 'conflict'
    case status.FAILED_PRECONDITION:
    case status.PERMISSION_DENIED:
    case status.UNAUTHENTICATED:
      return 'rejected'
    case status.RESOURCE_EXHAUSTED:
      return 'limit-exceeded'
    case status.UNAVAILABLE:
      return 'unavailable'
    case status.DEADLINE_EXCEEDED:
      return 'timeout'
    case status.OK:
    case status.CANCELLED:
    case status.UNKNOWN:
    case status.UNIMPLEMENTED:
    case status.INTERNAL:
    case status.DATA_LOSS:
      return 'internal'
  }
}

function trailer(metadata: Metadata, name: string): string | undefined {
  const value = metadata.get(name)[0]
  return typeof value === 'string' ? value : undefined
}

function parsed(json: string | undefined): Record<string, unknown> {
  if (json === undefined) return {}
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
