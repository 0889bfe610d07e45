import { SeaworthyError } from 'seaworthy/core'

/** An adapter's file cannot be used, or its process did not start: a mistake in the adapter, and nothing that is known about the product. */
export class AdapterError extends SeaworthyError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('adapter', message, { ...options, executed: 'no', final: true })
  }
}

/** A test could not be put to the product: the fault that it is about never came to pass. It says nothing about the product. */
export class NotPutError extends SeaworthyError {
  constructor(message: string) {
    super('not-put', message, { executed: 'maybe' })
  }
}
