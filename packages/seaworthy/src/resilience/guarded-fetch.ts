import { type CallContext, contextOrRoot } from 'seaworthy/core'
import { connectionFailure, CONTEXT_HEADERS, FailedAnswerError, isFailedStatus, isIdempotentMethod } from 'seaworthy/http'
import type { Guard } from './policy.ts'

export interface GuardedFetchOptions {
  /** Makes the requests. Default: the global fetch. */
  readonly fetch?: typeof fetch
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
    const context = contextOrRoot()
    let failed: { readonly error: FailedAnswerError; readonly response: Response } | undefined
    try {
      return await guard.run(
        async (call) => {
          discard(failed?.response)
          const attempt = new Request(isStream ? request : request.clone(), { signal: anyOf(request.signal, call.signal) })
          const isRetriedHere = call.retriedByCaller === true && !isStream
          if (isRetriedHere || context.retriedByCaller === true) attempt.headers.set(CONTEXT_HEADERS.retriedByCaller, '1')
          const response = await connected(send, attempt)
          if (!isFailedStatus(response.status)) return response
          const error = new FailedAnswerError(response.url, response.status, (name) => response.headers.get(name) ?? undefined)
          failed = { error, response }
          throw error
        },
        contextOf(context, request, isStream),
      )
    } catch (error) {
      // The guard may have wrapped it, to say that an earlier attempt is of unknown outcome.
      if (failed !== undefined && (error === failed.error || (error as Error | null)?.cause === failed.error)) return failed.response
      discard(failed?.response)
      throw error
    }
  }
}

function contextOf(context: CallContext, request: Request, isStream: boolean): CallContext {
  const key = request.headers.get(CONTEXT_HEADERS.idempotencyKey)
  // The method's own promise, in the place of a key: it is seen by the guard alone.
  const idempotencyKey = key ?? (isIdempotentMethod(request.method) ? `method ${request.method}` : undefined)
  return {
    ...context,
    signal: context.signal === undefined ? request.signal : AbortSignal.any([request.signal, context.signal]),
    idempotencyKey,
    // A stream is gone after the first attempt.
    ...(isStream && { retriedByCaller: true }),
  }
}

/** An answer that nobody reads keeps its connection. */
function discard(response: Response | undefined): void {
  // One that broke off meanwhile has none to give back.
  response?.body?.cancel().catch(() => {})
}

async function connected(send: typeof fetch, request: Request): Promise<Response> {
  try {
    return await send(request)
  } catch (error) {
    if (request.signal.aborted) throw request.signal.reason
    const { code } = ((error as Error).cause ?? {}) as { code?: string }
    throw connectionFailure(`${request.method} ${new URL(request.url).host}`, code, error)
  }
}

function anyOf(...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter((signal) => signal !== undefined))
}
