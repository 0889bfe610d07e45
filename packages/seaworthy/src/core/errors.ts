/**
 * What is known about the effect of a call that did not succeed:
 * - `no`: it surely had no effect; asking again is safe.
 * - `maybe`: unknown. Ask again only if the call is idempotent or carries an idempotency key that its receiver honours.
 * - `yes`: it took effect, and something after it failed.
 */
export type Executed = 'no' | 'maybe' | 'yes'

export interface SeaworthyErrorOptions {
  /** What is known about the effect. */
  executed: Executed
  /** True when asking again will get the same answer: a decision of the receiver, or a mistake in the request. */
  final?: boolean
  /** How long to wait before asking again, in milliseconds, where it is known. */
  retryAfterMs?: number
  cause?: unknown
}

/**
 * The base of every error the library throws. `code` is stable and stands in docs/errors.md; the message says
 * what happened, to what, and what to do next.
 */
export class SeaworthyError extends Error {
  readonly code: string
  readonly executed: Executed
  readonly final: boolean
  readonly retryAfterMs: number | undefined

  constructor(code: string, message: string, options: SeaworthyErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.executed = options.executed
    this.final = options.final ?? false
    this.retryAfterMs = options.retryAfterMs
  }
}

/** The receiver considered the request and refused it: a card declined, stock gone. It had no effect, and asking again changes nothing. */
export class RejectedError extends SeaworthyError {
  /** The receiver's reason, in a form a program can act on: `card-declined`, `out-of-stock`. */
  readonly reason: string

  constructor(reason: string, message: string, options: { cause?: unknown } = {}) {
    super('rejected', message, { ...options, executed: 'no', final: true })
    this.reason = reason
  }
}

/** One field of a request that does not hold. */
export interface InvalidField {
  /** Path of the field, as in `lines[0].quantity`; empty for the whole value. */
  readonly field: string
  readonly message: string
}

/** The request cannot be understood or breaks a stated rule. Names each field. */
export class InvalidInputError extends SeaworthyError {
  readonly fields: readonly InvalidField[]

  constructor(message: string, fields: readonly InvalidField[] = [], options: { cause?: unknown } = {}) {
    super('invalid-input', message, { ...options, executed: 'no', final: true })
    this.fields = fields
  }
}

/** What was asked for does not exist. */
export class NotFoundError extends SeaworthyError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('not-found', message, { ...options, executed: 'no', final: true })
  }
}

/** The state moved on since it was read, or another request holds the same key. */
export class ConflictError extends SeaworthyError {
  constructor(message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super('conflict', message, { ...options, executed: 'no' })
  }
}

/** The receiver could not be reached, or said that it takes no work now. The request was not executed. */
export class UnavailableError extends SeaworthyError {
  constructor(message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super('unavailable', message, { ...options, executed: 'no' })
  }
}

/** The request left, and no answer came back. Its effect is unknown. */
export class UnknownOutcomeError extends SeaworthyError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('unknown-outcome', message, { ...options, executed: 'maybe' })
  }
}

/** A limit was reached. The message names the limit and its value. */
export class LimitExceededError extends SeaworthyError {
  constructor(message: string, options: { retryAfterMs?: number; final?: boolean; cause?: unknown } = {}) {
    super('limit-exceeded', message, { ...options, executed: 'no' })
  }
}

/** The time for the call ran out. Work that had begun may have taken effect. */
export class TimeoutError extends SeaworthyError {
  readonly timeoutMs: number

  constructor(message: string, timeoutMs: number, options: { executed?: Executed; cause?: unknown } = {}) {
    super('timeout', message, { executed: options.executed ?? 'maybe', cause: options.cause })
    this.timeoutMs = timeoutMs
  }
}

/** The engine behind a port cannot do what the port offers. The message says what it can; another engine of the port may do it. */
export class UnsupportedError extends SeaworthyError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('unsupported', message, { ...options, executed: 'no', final: true })
  }
}

/** A setting or a declaration does not make sense. The message says which, and what would. */
export class ConfigurationError extends SeaworthyError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('configuration', message, { ...options, executed: 'no', final: true })
  }
}

/** What is known about the effect of a call that threw `error`. An error that does not say was thrown after the call began, so: `maybe`. */
export function executedOf(error: unknown): Executed {
  return error instanceof SeaworthyError ? error.executed : 'maybe'
}

/** True when asking again cannot help. */
export function isFinal(error: unknown): boolean {
  return error instanceof SeaworthyError && error.final
}
