import { type CallContext, InvalidInputError } from 'seaworthy/core'

/** The idempotency key of a call that must have one. @throws InvalidInputError */
export function requiredKey(call: CallContext): string {
  if (call.idempotencyKey === undefined) {
    throw new InvalidInputError('This call needs an idempotency key: without it a repetition would be done twice.', [
      { field: 'idempotency-key', message: 'Required' },
    ])
  }
  return call.idempotencyKey
}
