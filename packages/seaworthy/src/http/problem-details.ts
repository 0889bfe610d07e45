import { type Executed, type InvalidField, InvalidInputError, SeaworthyError } from 'seaworthy/core'
import { CONTEXT_HEADERS } from './context.ts'
import { errorFrom, executedFrom, type Failure, type FailureCode, failureCodeFrom, fieldsFrom, failureOf, messageOf } from './failure.ts'

/** The headers of an answer that say how it ended. */
export const EXECUTED_HEADER = 'x-seaworthy-executed'
export const TIMEOUT_HEADER = 'x-request-timeout-ms'
export const PROBLEM_TYPE = 'application/problem+json'

/** Problem Details for HTTP APIs (RFC 9457), with the members that a typed error needs. */
export interface Problem {
  /** Always `about:blank`: the status and `code` say what kind of problem it is. */
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  /** The stable code of the error, as in docs/errors.md. */
  readonly code: string
  readonly correlationId?: string
  /** Of a rejection, for programs: `card-declined`. */
  readonly reason?: string
  /** Of invalid input: each field that does not hold. */
  readonly errors?: readonly InvalidField[]
  readonly retryAfterMs?: number
  readonly timeoutMs?: number
  /** True when asking again gets the same answer. */
  readonly final?: boolean
}

/** An error answer, ready to be written. */
export interface ErrorAnswer {
  readonly status: number
  readonly problem: Problem
  readonly executed: Executed
  readonly headers: Readonly<Record<string, string>>
}

const STATUS: Readonly<Record<FailureCode, number>> = {
  'invalid-input': 400,
  'not-found': 404,
  conflict: 409,
  rejected: 422,
  'limit-exceeded': 429,
  internal: 500,
  'unknown-outcome': 502,
  unavailable: 503,
  timeout: 504,
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** Asked of callers by an unavailable service that does not know better. */
const RETRY_AFTER_DEFAULT_MS = 1_000

/** Thrown inside the server for what HTTP itself says about a request: 405, 413, 415. It was not executed. */
export class HttpProtocolError extends SeaworthyError {
  readonly status: number
  readonly failure: Failure
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, message: string, options: { headers?: Readonly<Record<string, string>>; cause?: unknown } = {}) {
    const code: FailureCode = status === 404 ? 'not-found' : status === 413 || status === 431 ? 'limit-exceeded' : 'invalid-input'
    super(code, message, { executed: 'no', final: true, cause: options.cause })
    this.status = status
    this.headers = options.headers ?? {}
    this.failure = { code, message, executed: 'no', ...(code === 'limit-exceeded' && { final: true }) }
  }
}

/** How an error is answered. */
export function errorAnswer(error: unknown, correlationId?: string): ErrorAnswer {
  const protocol = error instanceof HttpProtocolError ? error : undefined
  const failure = protocol?.failure ?? failureOf(error)
  const status = protocol?.status ?? STATUS[failure.code]
  const retryAfterMs = failure.retryAfterMs ?? (failure.code === 'unavailable' ? RETRY_AFTER_DEFAULT_MS : undefined)
  return {
    status,
    executed: failure.executed,
    problem: {
      type: 'about:blank',
      title: titleOf(status),
      status,
      detail: failure.message,
      code: failure.code,
      ...(correlationId !== undefined && { correlationId }),
      ...(failure.reason !== undefined && { reason: failure.reason }),
      ...(failure.fields !== undefined && failure.fields.length > 0 && { errors: failure.fields }),
      ...(retryAfterMs !== undefined && { retryAfterMs: Math.ceil(retryAfterMs) }),
      ...(failure.timeoutMs !== undefined && { timeoutMs: failure.timeoutMs }),
      ...(failure.final === true && { final: true }),
    },
    headers: {
      [EXECUTED_HEADER]: failure.executed,
      ...(retryAfterMs !== undefined && { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }),
      ...protocol?.headers,
    },
  }
}

export function titleOf(status: number): string {
  return TITLES[status] ?? 'Error'
}

/** True for errors that the service's own log must explain, because the answer does not. */
export function isInternal(answer: ErrorAnswer): boolean {
  return answer.problem.code === 'internal'
}

/** An error answer as it arrived. */
export interface ReceivedError {
  readonly status: number
  readonly header: (name: string) => string | undefined
  /** The parsed body, if it was JSON. */
  readonly body: unknown
  /** Names the operation in messages: `POST /api/reviews of reviews`. */
  readonly what: string
}

/**
 * The typed error that an answer stands for. What a Seaworthy server says about the effect is taken at its word;
 * for other servers the status decides, and what is not sure is `maybe`.
 */
export function errorFromAnswer(received: ReceivedError): SeaworthyError {
  const problem = (typeof received.body === 'object' && received.body !== null ? received.body : {}) as Record<string, unknown>
  const said = executedFrom(received.header(EXECUTED_HEADER))
  const code = (said === undefined ? undefined : failureCodeFrom(problem['code'])) ?? codeOfStatus(received.status)
  const detail = typeof problem['detail'] === 'string' ? problem['detail'] : titleOf(received.status)
  return errorFrom({
    code,
    message: said === undefined ? `${received.what} answered ${received.status}: ${detail}` : messageOf(code, detail, received.what),
    executed: said ?? (received.status < 500 && received.status !== 408 && received.status !== 499 ? 'no' : 'maybe'),
    retryAfterMs: typeof problem['retryAfterMs'] === 'number' ? problem['retryAfterMs'] : retryAfterMs(received.header('retry-after')),
    reason: typeof problem['reason'] === 'string' ? problem['reason'] : undefined,
    fields: fieldsFrom(problem['errors']),
    timeoutMs: typeof problem['timeoutMs'] === 'number' ? problem['timeoutMs'] : undefined,
    final: problem['final'] === true || received.status === 413 || received.status === 431,
  })
}

function codeOfStatus(status: number): FailureCode {
  switch (status) {
    case 404:
    case 410:
      return 'not-found'
    case 401:
    case 403:
    case 422:
      return 'rejected'
    case 408:
    case 504:
      return 'timeout'
    case 409:
    case 412:
      return 'conflict'
    case 413:
    case 429:
    case 431:
      return 'limit-exceeded'
    case 502:
      return 'unknown-outcome'
    case 503:
      return 'unavailable'
    default:
      return status >= 400 && status < 500 ? 'invalid-input' : 'internal'
  }
}

/** Seconds only: an HTTP date would need the other machine's clock. */
function retryAfterMs(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : undefined
}

/** What a call without its key is told, on both sides of the wire. */
export function missingIdempotencyKey(): InvalidInputError {
  return new InvalidInputError(
    `This operation needs the header ${CONTEXT_HEADERS.idempotencyKey}. Choose a key once, and repeat it when you ask again.`,
    [{ field: CONTEXT_HEADERS.idempotencyKey, message: 'Required' }],
  )
}
