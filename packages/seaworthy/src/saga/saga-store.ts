import type { Propagated, Transaction } from 'seaworthy/core'

/**
 * - `running`: going forward.
 * - `compensating`: a step failed before the pivot; what was done, or may have been, is being undone.
 * - `completed`, `compensated`: over.
 * - `parked`: cannot go on without a person; the journal has the evidence.
 */
export type SagaStatus = 'running' | 'compensating' | 'completed' | 'compensated' | 'parked'

export interface SagaRecord {
  readonly id: string
  readonly saga: string
  readonly version: number
  readonly status: SagaStatus
  readonly input: unknown
  readonly context: Propagated
  /** Why it turned back or was parked. */
  readonly reason: string | undefined
  readonly startedAtMs: number
  readonly updatedAtMs: number
}

/** A line of the journal. `started` is written before the call and the result after it. */
export type JournalEntry =
  | { readonly step: string; readonly kind: 'started'; readonly attempt: number; readonly atMs: number }
  | { readonly step: string; readonly kind: 'done'; readonly result: unknown; readonly atMs: number }
  | {
      readonly step: string
      readonly kind: 'failed'
      readonly executed: 'no' | 'maybe' | 'yes'
      readonly error: string
      readonly atMs: number
    }
  | { readonly step: string; readonly kind: 'compensation-started'; readonly attempt: number; readonly atMs: number }
  | { readonly step: string; readonly kind: 'compensated'; readonly atMs: number }
  | { readonly step: string; readonly kind: 'compensation-failed'; readonly error: string; readonly atMs: number }

/** Where sagas live: in the database of the service that runs them. */
export interface SagaStore {
  /** Stores a new saga. @returns false when the id is there already: it was started before */
  start(tx: Transaction, record: SagaRecord): Promise<boolean>
  load(id: string): Promise<{ readonly record: SagaRecord; readonly journal: readonly JournalEntry[] } | undefined>
  append(tx: Transaction, id: string, entries: readonly JournalEntry[]): Promise<void>
  setStatus(tx: Transaction, id: string, status: SagaStatus, options: { reason?: string; atMs: number }): Promise<void>
  /** Ids of sagas that are running or compensating, oldest first. */
  unfinished(max: number): Promise<readonly string[]>
  list(options: { status?: SagaStatus; max: number }): Promise<readonly SagaRecord[]>
}
