import { type CallContext, contextOrRoot, SeaworthyError, UnavailableError, UnknownOutcomeError } from 'seaworthy/core'
import type { Guard } from './policy.ts'

export interface GuardedFetchOptions {
  /** Makes the requests. Default: the global fetch. */
  readonly fetch?: typeof fetch
}

/** RFC 9110, section 9.2.2: repeating these does no more than making them once. */
const IDEMPOTENT_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
/** The server says that it did not do the work: RFC 9110, section 15.6.4, and RFC 6585, section 4. */
const NOT_EXECUTED = new Set([429, 503])
const CONNECTION_FAILED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])

/** An answer that counts as a failure, while it is decided whether to ask again. Its caller gets the answer itself. */
class FailedResponse extends SeaworthyError {
  readonly response: Response

  constructor(response: Response) {
    const retryAfterMs = retryAfterMsOf(response)
    super('failed-response', `${response.url} answered ${response.status}.`, {
      executed: NOT_EXECUTED.has(response.status) ? 'no' : 'maybe',
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    })
    this.response = response
  }
}

/**
 * `fetch` behind a guard: same arguments, same answers. A status of 500 or above, or 429, counts as a failure for breaker and
 * retry; the last such answer is returned as `fetch` would. Only idempotent methods and requests with an `Idempotency-Key`
 * are made again, and none whose body is a stream, which can be read once. `Retry-After` is waited for. The guard's time is
 * that until the headers; reading the body is the caller's.
 * @throws what the guard throws; UnavailableError when no connection came about; UnknownOutcomeError when it broke
 */
export function guardedFetch(guard: Guard, options: GuardedFetchOptions = {}): typeof fetch {
  const { fetch: send = fetch } = options
  return async (input, init) => {
    const request = new Request(input, init)
    const isStream = input instanceof Request ? input.body !== null && init?.body === undefined : init?.body instanceof ReadableStream
    let failed: FailedResponse | undefined
    try {
      return await guard.run(
        async (call) => {
          // An answer that nobody reads keeps its connection.
          await failed?.response.body?.cancel()
          const attempt = new Request(isStream ? request : request.clone(), { signal: anyOf(request.signal, call.signal) })
          if (call.retriedByCaller === true && !isStream) attempt.headers.set('x-seaworthy-retried-by-caller', '1')
          const response = await connected(send, attempt)
          if (response.status < 500 && response.status !== 429) return response
          failed = new FailedResponse(response)
          throw failed
        },
        contextOf(request, isStream),
      )
    } catch (error) {
      // The guard may have wrapped it, to say that an earlier attempt is of unknown outcome.
      const isLastAnswer = failed !== undefined && (error === failed || (error as Error).cause === failed)
      if (isLastAnswer) return failed!.response
      throw error
    }
  }
}

function contextOf(request: Request, isStream: boolean): CallContext {
  const key = request.headers.get('idempotency-key')
  // The method's own promise, in the place of a key: it is seen by the guard alone.
  const idempotencyKey = key ?? (IDEMPOTENT_METHODS.has(request.method) ? `method ${request.method}` : undefined)
  return {
    ...contextOrRoot(),
    signal: request.signal,
    idempotencyKey,
    // A stream is gone after the first attempt.
    ...(isStream && { retriedByCaller: true }),
  }
}

async function connected(send: typeof fetch, request: Request): Promise<Response> {
  try {
    return await send(request)
  } catch (error) {
    if (request.signal.aborted) throw request.signal.reason
    const { code } = ((error as Error).cause ?? {}) as { code?: string }
    const what = `${request.method} ${new URL(request.url).host}`
    if (code !== undefined && CONNECTION_FAILED.has(code)) {
      throw new UnavailableError(`${what} could not be reached (${code}). Nothing was sent.`, { cause: error })
    }
    throw new UnknownOutcomeError(`${what} gave no answer: ${String(error)}. It may have been executed.`, { cause: error })
  }
}

function anyOf(...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter((signal) => signal !== undefined))
}

/** RFC 9110, section 10.2.3: seconds, or a date on the server's clock. */
function retryAfterMsOf(response: Response): number | undefined {
  const value = response.headers.get('retry-after')
  if (value === null) return undefined
  if (/^\d+$/.test(value)) return Number(value) * 1_000
  const untilMs = Date.parse(value) - Date.parse(response.headers.get('date') ?? '')
  return Number.isNaN(untilMs) ? undefined : Math.max(0, untilMs)
}
