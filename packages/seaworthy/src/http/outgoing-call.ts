import { SeaworthyError, UnavailableError, UnknownOutcomeError } from 'seaworthy/core'
import type { HeaderLookup } from './context.ts'

/** RFC 9110, section 9.2.2: repeating these does no more than making them once. */
const IDEMPOTENT_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
/** The server says that it did not do the work: RFC 9110, section 15.6.4, and RFC 6585, section 4. */
const NOT_EXECUTED = new Set([429, 503])
const CONNECTION_FAILED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])

export function isIdempotentMethod(method: string): boolean {
  return IDEMPOTENT_METHODS.has(method.toUpperCase())
}

/**
 * An answer that counts as a failure while it is decided whether to ask again. Whoever asked gets the answer itself in the
 * end; this error is seen by policies, and by listeners to their events.
 */
export class FailedAnswerError extends SeaworthyError {
  readonly status: number

  constructor(what: string, status: number, header: HeaderLookup) {
    const retryAfterMs = retryAfterMsOf(header)
    super('failed-answer', `${what} answered ${status}.`, {
      executed: NOT_EXECUTED.has(status) ? 'no' : 'maybe',
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    })
    this.status = status
  }
}

/** True for an answer that is a failure of its server: 500 or above, or 429. With any other the client may be wrong, and the server is well. */
export function isFailedStatus(status: number): boolean {
  return status >= 500 || status === 429
}

/**
 * The typed error for a request that got no answer, by the system's or undici's code of why.
 * @param what names the request: `GET stock.example`
 */
export function connectionFailure(what: string, code: string | undefined, cause: unknown): SeaworthyError {
  return code !== undefined && CONNECTION_FAILED.has(code)
    ? new UnavailableError(`${what} could not be reached (${code}). Nothing was sent.`, { cause })
    : new UnknownOutcomeError(`${what} gave no answer: ${String(cause)}. It may have been executed.`, { cause })
}

/** RFC 9110, section 10.2.3: seconds, or a date on the server's clock. */
function retryAfterMsOf(header: HeaderLookup): number | undefined {
  const value = header('retry-after')
  if (value === undefined) return undefined
  if (/^\d+$/.test(value)) return Number(value) * 1_000
  const untilMs = Date.parse(value) - Date.parse(header('date') ?? '')
  return Number.isNaN(untilMs) ? undefined : Math.max(0, untilMs)
}
