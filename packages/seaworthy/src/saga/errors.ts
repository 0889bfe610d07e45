import { SeaworthyError } from 'seaworthy/core'
import type { SagaRecord } from './saga-store.ts'

/** This process has no code for a saga that is under way. It is left as it is, for a process that has. */
export class StrandedSagaError extends SeaworthyError {
  readonly sagaId: string

  constructor({ id, saga, version }: SagaRecord, why: string) {
    super(
      'saga-stranded',
      `Saga ${saga} version ${version}, id ${id}, cannot go on: ${why}. Keep the old version beside the new one until none is under way; it was not touched.`,
      { executed: 'no' },
    )
    this.sagaId = id
  }
}

/** A step was done, but its result cannot be journaled. Final: another attempt would give the same result. */
export class StepResultError extends SeaworthyError {
  constructor(step: string, options: { cause: unknown }) {
    super('saga-step-result', `Step "${step}" was done, but its result is not JSON-able. Return plain data, or nothing.`, {
      ...options,
      executed: 'yes',
      final: true,
    })
  }
}

/** What a `forEach` was given to go through is no list, or too long a one. Final: asked again it would be the same. */
export class ItemsError extends SeaworthyError {
  constructor(step: string, itemsMax: number, items: unknown) {
    const found = Array.isArray(items) ? `${items.length} items, and takes ${itemsMax}` : 'something that is no list'
    super('saga-items', `"${step}" was given ${found}. Raise itemsMax, or start a saga for each part.`, { executed: 'no', final: true })
  }
}
