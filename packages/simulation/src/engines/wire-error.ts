import {
  InvalidInputError,
  NotFoundError,
  RejectedError,
  SeaworthyError,
  UnknownOutcomeError,
  type Executed,
  type InvalidField,
} from 'seaworthy/core'

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

export function fromWire(error: WireError): SeaworthyError {
  const { code, message, executed, final, retryAfterMs, reason, fields } = error
  if (reason !== undefined) return new RejectedError(reason, message)
  if (fields !== undefined) return new InvalidInputError(message, fields)
  if (code === 'not-found') return new NotFoundError(message)
  if (executed === 'maybe' && !final) return new UnknownOutcomeError(message)
  return new SeaworthyError(code, message, { executed, final, ...(retryAfterMs !== undefined && { retryAfterMs }) })
}

/** A value as it arrives on the other side of a wire: through JSON, so that no two processes share an object. */
export function throughJson<T>(value: T): T {
  if (value === undefined || value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value
  const text: string | undefined = JSON.stringify(value)
  return (text === undefined ? undefined : JSON.parse(text)) as T
}
