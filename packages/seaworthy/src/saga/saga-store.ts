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
  /** JSON-able. */
  readonly input: unknown
  readonly context: Propagated
  /** Why it turned back, or else was parked, in a form a program can act on: `card-declined`, `timeout`. */
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
      /** What is known of the attempts since the last line: `no` only if every one of them surely had no effect. */
      readonly executed: 'no' | 'maybe' | 'yes'
      readonly error: string
      readonly atMs: number
    }
  | { readonly step: string; readonly kind: 'compensation-started'; readonly attempt: number; readonly atMs: number }
  | { readonly step: string; readonly kind: 'compensated'; readonly atMs: number }
  | { readonly step: string; readonly kind: 'compensation-failed'; readonly error: string; readonly atMs: number }

export interface StatusChange {
  readonly from: SagaStatus
  readonly to: SagaStatus
  /** Kept as it is when absent. */
  readonly reason?: string | undefined
  readonly atMs: number
}

/** Where sagas live: in the database of the service that runs them. */
export interface SagaStore {
  /** Stores a new saga. @returns false, and stores nothing, when the id is there already: it was started before */
  start(tx: Transaction, record: SagaRecord): Promise<boolean>
  /** The saga and its journal in order, as of one moment. */
  load(id: string): Promise<{ readonly record: SagaRecord; readonly journal: readonly JournalEntry[] } | undefined>
  append(tx: Transaction, id: string, entries: readonly JournalEntry[]): Promise<void>
  /** @returns false, and changes nothing, when the status is not `from`: somebody else moved it */
  setStatus(tx: Transaction, id: string, change: StatusChange): Promise<boolean>
  /** Ids of sagas that are running or compensating, oldest first. */
  unfinished(max: number): Promise<readonly string[]>
  /** Newest first. */
  list(options: { status?: SagaStatus; max: number }): Promise<readonly SagaRecord[]>
}
