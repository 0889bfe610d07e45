import { STATUS_CODES } from 'node:http'
import { type Executed, executedOf, type InvalidField, SeaworthyError } from 'seaworthy/core'
import { CONTEXT_HEADERS } from 'seaworthy/http'
import type { Breach, MalformedMessageError } from './malformed.ts'

/** An answer of the proxy's own: Problem Details for HTTP APIs (RFC 9457). */
export interface ProblemAnswer {
  readonly status: number
  readonly executed: Executed
  readonly headers: readonly string[]
  readonly body: string
}

/** What HTTP itself says about a request that is not forwarded. */
export class RefusedRequestError extends SeaworthyError {
  readonly status: number

  constructor(status: number, message: string, executed: Executed = 'no') {
    super(status === 413 || status === 431 ? 'limit-exceeded' : 'invalid-input', message, { executed, final: true })
    this.status = status
  }
}

/** Of a request that did not arrive whole within its limit: 408. */
export const LATE = 'The request did not arrive in time.'

const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  'invalid-input': 400,
  'not-found': 404,
  conflict: 409,
  'limit-exceeded': 503,
  'bulkhead-full': 503,
  unavailable: 503,
  'broken-circuit': 503,
  'rate-limited': 429,
  'unknown-outcome': 502,
  timeout: 504,
}

const RETRY_AFTER_DEFAULT_MS = 1_000

/** How an error is answered. What is not a typed error is a defect of the proxy: its message is for the log, not for the public. */
export function problemAnswer(error: unknown, correlationId: string): ProblemAnswer {
  const typed = error instanceof SeaworthyError ? error : undefined
  const status = (error instanceof RefusedRequestError ? error.status : typed && STATUS_BY_CODE[typed.code]) ?? 500
  const executed = executedOf(error)
  const retryAfterMs = status === 503 || status === 429 ? (typed?.retryAfterMs ?? RETRY_AFTER_DEFAULT_MS) : undefined
  const fields = fieldsOf(error)
  const body = JSON.stringify({
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: status === 500 ? 'The proxy failed. Its log has the reason under the correlation id.' : typed?.message,
    code: status === 500 ? 'internal' : typed?.code,
    correlationId,
    ...(fields.length > 0 && { errors: fields }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  })
  const headers = [
    'content-type',
    'application/problem+json',
    'content-length',
    String(Buffer.byteLength(body)),
    CONTEXT_HEADERS.correlationId,
    correlationId,
    'x-seaworthy-executed',
    executed,
    'cache-control',
    'no-store',
  ]
  if (retryAfterMs !== undefined) headers.push('retry-after', String(Math.ceil(retryAfterMs / 1_000)))
  return { status, executed, headers, body }
}

function fieldsOf(error: unknown): readonly InvalidField[] {
  return error instanceof Error && 'fields' in error && Array.isArray(error.fields) ? (error.fields as InvalidField[]) : []
}

export interface ProblemMessage {
  readonly correlationId: string
  /** The connection ends behind it. Default true. */
  readonly closes?: boolean
  /** It answers HEAD. */
  readonly omitsBody?: boolean
}

/** The answer as the bytes of a message. */
export function rawProblem(error: unknown, { correlationId, closes = true, omitsBody = false }: ProblemMessage): string {
  const { status, headers, body } = problemAnswer(error, correlationId)
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`]
  for (let index = 0; index < headers.length; index += 2) lines.push(`${headers[index]}: ${headers[index + 1]}`)
  if (closes) lines.push('connection: close')
  return `${lines.join('\r\n')}\r\n\r\n${omitsBody ? '' : body}`
}

const STATUS_BY_BREACH: Readonly<Record<Breach, number>> = { grammar: 400, fields: 431, size: 431, version: 505, protocol: 501 }

/** How bytes that are no request are answered. */
export function refusalOf({ breach, message }: MalformedMessageError): RefusedRequestError {
  const status = STATUS_BY_BREACH[breach]
  return new RefusedRequestError(
    status,
    `The bytes received are no HTTP request: ${breach === 'grammar' ? 'they have' : 'it has'} ${message}.`,
  )
}
