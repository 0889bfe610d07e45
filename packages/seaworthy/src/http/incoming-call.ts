import { type CallContext, InvalidInputError, systemClock, type Timer, TimeoutError } from 'seaworthy/core'
import { type HeaderLookup, readContext, readIdempotencyKey } from './context.ts'
import { TIMEOUT_HEADER } from './problem-details.ts'

/**
 * A request as it comes in: the context that its headers carry, with a deadline and a signal of its own. Whoever holds it
 * aborts it when the client goes away, and ends it when the answer is written.
 */
export class IncomingCall {
  readonly context: CallContext
  /** What is wrong with the headers; the request is then to be refused. */
  readonly invalid: InvalidInputError | undefined
  /** Rejects when the caller's time is up; never otherwise. The signal of the context is aborted at the same moment. */
  readonly expired: Promise<never>
  readonly #controller = new AbortController()
  readonly #deadline: Timer | undefined

  constructor(header: HeaderLookup) {
    const { promise, reject } = Promise.withResolvers<never>()
    this.expired = promise
    // Whoever races against it may have left before it rejects.
    promise.catch(() => {})
    const { timeoutMs, idempotencyKey, invalid } = checkedHeaders(header)
    this.invalid = invalid
    this.context = {
      ...readContext(header),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      signal: this.#controller.signal,
      ...(timeoutMs !== undefined && { deadlineMs: systemClock.monotonicMs() + timeoutMs }),
    }
    if (timeoutMs === undefined) return
    this.#deadline = systemClock.timer(
      timeoutMs,
      () => {
        const message = `The caller's deadline of ${timeoutMs} ms passed while the request was handled.`
        const error = new TimeoutError(message, timeoutMs, { executed: 'maybe' })
        reject(error)
        this.abort(error)
      },
      { keepAlive: false },
    )
  }

  /** Tells the handler, by the context's signal, that nobody waits for it any longer. */
  abort(reason: Error): void {
    this.#controller.abort(reason)
  }

  /** Forgets the deadline. */
  end(): void {
    this.#deadline?.cancel()
  }
}

/** The reason of the abort when a client went away. */
export const clientLeft = (): DOMException => new DOMException('The client closed the connection before it had its answer.', 'AbortError')

interface CheckedHeaders {
  readonly timeoutMs?: number | undefined
  readonly idempotencyKey?: string | undefined
  readonly invalid?: InvalidInputError
}

function checkedHeaders(header: HeaderLookup): CheckedHeaders {
  let timeoutMs: number | undefined
  try {
    timeoutMs = readTimeoutMs(header)
    return { timeoutMs, idempotencyKey: readIdempotencyKey(header) }
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error
    return { timeoutMs, invalid: error }
  }
}

// 2^31-1 ms are 24 days: a caller that waits longer wants no deadline.
const TIMEOUT_MS = /^\d{1,9}$/

function readTimeoutMs(header: HeaderLookup): number | undefined {
  const text = header(TIMEOUT_HEADER)
  if (text === undefined) return undefined
  if (TIMEOUT_MS.test(text)) return Number(text)
  throw new InvalidInputError(`The header ${TIMEOUT_HEADER} is not valid: it is a whole number of milliseconds.`, [
    { field: TIMEOUT_HEADER, message: 'Expected a whole number of milliseconds' },
  ])
}
