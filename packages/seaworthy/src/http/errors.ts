import { type Executed, SeaworthyError } from 'seaworthy/core'

/**
 * The receiver failed in a way that has no class of its own: an HTTP 500, a gRPC INTERNAL, an answer from something in between.
 * Look for the correlation id in the receiver's log.
 */
export class RemoteFailureError extends SeaworthyError {
  constructor(message: string, options: { executed: Executed; final?: boolean; retryAfterMs?: number | undefined; cause?: unknown }) {
    const { retryAfterMs, ...rest } = options
    super('remote-failure', message, { ...rest, ...(retryAfterMs !== undefined && { retryAfterMs }) })
  }
}

/** The receiver did what was asked, but its answer breaks the contract. Compare the versions of the contract on both sides. */
export class BadAnswerError extends SeaworthyError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('bad-answer', message, { ...options, executed: 'yes', final: true })
  }
}
