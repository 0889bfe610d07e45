import { ConflictError, SeaworthyError, UnavailableError } from 'seaworthy/core'

/** A mapping could not say what an entity becomes. That key is set aside and tried again with each change of it; the others go on. */
export class MappingError extends SeaworthyError {
  readonly key: string

  constructor(mapping: string, key: string, why: string, options: { cause?: unknown } = {}) {
    super('cut-over-mapping', `Mapping ${mapping} has no answer for key ${key}: ${why}. Mend the function or the row; it is tried again.`, {
      executed: 'no',
      final: true,
      ...options,
    })
    this.key = key
  }
}

/** A write came to a side that does not own the data now. Nothing was written. Ask the cut-over who does, and send it there. */
export class NotOwnerError extends UnavailableError {
  readonly phase: string
  readonly epoch: number

  constructor(mapping: string, state: { readonly phase: string; readonly epoch: number; readonly key: string | undefined }) {
    const what = state.key === undefined ? mapping : `key ${state.key} of ${mapping}`
    super(`This side does not own ${what}: the cut-over is at '${state.phase}', epoch ${state.epoch}. Ask it again where to write.`, {
      retryAfterMs: 50,
    })
    this.phase = state.phase
    this.epoch = state.epoch
  }
}

/** A switch was not begun, or given up in time: what was true before is true again. */
export class SwitchRefusedError extends ConflictError {
  readonly reason: string

  constructor(mapping: string, reason: string, options: { cause?: unknown } = {}) {
    super(`${mapping} was not moved: ${reason}. Nothing has changed.`, options)
    this.reason = reason
  }
}

/** Changes of a side can no longer be followed from where the other side stands. */
export class CaptureLostError extends SeaworthyError {
  constructor(mapping: string, why: string, options: { cause?: unknown } = {}) {
    super('cut-over-capture-lost', `The changes of ${mapping} cannot be followed: ${why}`, { executed: 'no', ...options })
  }
}
