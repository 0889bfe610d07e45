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
  /** The saga that this one is a step of. */
  readonly parent?: SagaParent | undefined
}

export interface SagaParent {
  readonly sagaId: string
  /** The step's name, with its index in a `forEach`. */
  readonly step: string
}

/** What a person decided about a saga: to try again, to take a step for done, to turn back. */
export type HandAction = 'retry' | 'skip' | 'abort'

/**
 * A line of the journal. `started` is written before the call and the result after it. `step` is the step's name, with its index inside of a `forEach`, as in
 * `reserve[0]`. What a block decides is `done` with the decision: `when` with whether, `forEach` with its items.
 */
export type JournalEntry =
  | { readonly step: string; readonly kind: 'started'; readonly attempt: number; readonly atMs: number }
  | { readonly step: string; readonly kind: 'waiting'; readonly untilMs: number | 'never'; readonly atMs: number }
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
  | {
      /** Empty where the decision is about the whole saga. */
      readonly step: string
      readonly kind: 'by-hand'
      readonly action: HandAction
      readonly actor: string
      readonly note: string
      readonly atMs: number
    }

/** A saga as it is stored, as of one moment. */
export interface StoredSaga {
  /** The input of one that was pruned is null. */
  readonly record: SagaRecord
  readonly journal: readonly JournalEntry[]
  /** Grows whenever the saga changes hands. Who writes says which one it knows: a former owner's is smaller, and it writes nothing any more. */
  readonly token: number
  /** Since when only what it came to is kept, and what people decided about it. */
  readonly prunedAtMs?: number
}

/** A saga's status for whoever looks at many: `waiting` is one that runs and that no process has, because it lets time pass or waits to be told something. */
export type SagaState = SagaStatus | 'waiting'

/** Where a page of sagas begins: behind this one. */
export interface SagaCursor {
  readonly startedAtMs: number
  readonly id: string
}

/** Sagas of one state. */
export interface SagaQuery {
  readonly state: SagaState
  /** Of this name alone. */
  readonly saga?: string
  readonly before?: SagaCursor
  readonly nowMs: number
  readonly max: number
}

/** What a list shows of a saga. */
export interface SagaSummary extends Omit<SagaRecord, 'input' | 'context'> {
  readonly state: SagaState
  readonly correlationId: string
  /** When one that waits is due by time. */
  readonly wakeAtMs?: number
  readonly prunedAtMs?: number
}

/** What of sagas that are over is no longer kept. Of those under way and of parked ones everything is, and of a child as long as its parent is. */
export interface SagaPruning {
  /** Those that were over before lose their input, their journal and what they were told; what people decided stays. */
  readonly overBeforeMs: number
  /** So many of the others that are over keep it: those that were over last. */
  readonly keepMax: number
  /** Of those that were over before, and lost that already, not even the id is kept. Events for sagas that never were go too. */
  readonly forgetBeforeMs: number
  readonly nowMs: number
  /** No more than these are pruned, and no more than these are forgotten. */
  readonly max: number
}

/** How a saga goes on: all of it, or nothing. */
export interface SagaAdvance {
  readonly token: number
  readonly from: SagaStatus
  readonly entries: readonly JournalEntry[]
  readonly to?: SagaStatus
  /** Kept as it is when absent. */
  readonly reason?: string | undefined
  /** Its owner lets go of it, and the token grows. It is due again at this time, by the clock of whoever looks, or when it is told something; 0 is at once for all of them. */
  readonly rest?: { readonly wakeAtMs: number | 'never' }
  readonly atMs: number
}

/** Which sagas a process may take up. */
export interface SagaClaim {
  /** Unique for each life of a process. */
  readonly owner: string
  /** Owners that are gone for good; what they had is free. `others`: whoever it was, because there is one process at a time. */
  readonly dead: readonly string[] | 'others'
  /** As {@link versionOf} writes them. */
  readonly versions: readonly string[]
  readonly nowMs: number
  readonly max: number
  /** This one alone, due or not; also when the owner has it already. */
  readonly id?: string
}

/** What became of an event: the first one of its slot counts, and one that comes after its time is over does not. */
export type Told = 'new' | 'known' | 'expired'

/** What those need who only look. */
export type SagaReader = Pick<SagaStore, 'load' | 'list'>

/** Where sagas live: in the database of the service that runs them. */
export interface SagaStore {
  /**
   * Stores a new saga with its first lines. Its token is 1.
   * @param owner who runs it; null when nobody does yet
   * @returns false, and stores nothing, when the id is there already: it was started before
   */
  start(tx: Transaction, record: SagaRecord, owner: string | null, entries: readonly JournalEntry[]): Promise<boolean>
  /** What is committed. */
  load(id: string): Promise<StoredSaga | undefined>
  /** The same in a transaction; nobody else changes it until that ends. */
  lock(tx: Transaction, id: string): Promise<StoredSaga | undefined>
  /** @returns false, and changes nothing, when the token or the status is another: somebody else moved it */
  advance(tx: Transaction, id: string, advance: SagaAdvance): Promise<boolean>
  /** The same in a transaction of its own, or with others in one, where an engine gains by that. */
  readonly advanceAlone?: (id: string, advance: Omit<SagaAdvance, 'rest'>) => Promise<boolean>
  /** Takes up sagas that run or compensate, and that nobody has, or somebody who is dead; oldest first. Their tokens grow. @returns their ids */
  claim(claim: SagaClaim): Promise<readonly string[]>
  /** What a claim leaves because their versions are not among those asked for. Changes nothing. */
  strays(claim: Omit<SagaClaim, 'id'>): Promise<readonly SagaRecord[]>
  /** Who has sagas that run or compensate. */
  owners(): Promise<readonly string[]>
  /** Lets go of all that the owner has; they are due at once, whatever the clock of whoever looks says. */
  release(owner: string): Promise<void>
  /** When the next saga of these versions that nobody has is due; undefined when none will be by time alone. */
  nextDueMs(versions: readonly string[]): Promise<number | undefined>
  /**
   * Keeps what a saga is told in a slot, whether there is such a saga or not, and makes it due at once, as `release` does.
   * @returns what became of it; and the saga's status, undefined when it was not started yet
   */
  tell(
    tx: Transaction,
    event: { readonly sagaId: string; readonly slot: string; readonly data: unknown; readonly nowMs: number },
  ): Promise<{ readonly told: Told; readonly status: SagaStatus | undefined }>
  /** Closes the slot to what comes later. @returns false when something is in it already */
  expire(tx: Transaction, event: { readonly sagaId: string; readonly slot: string; readonly nowMs: number }): Promise<boolean>
  /** What the saga was told, by slot: what is committed, or as the transaction sees it. */
  told(id: string, tx?: Transaction): Promise<ReadonlyMap<string, unknown>>
  /** Newest first. */
  list(options: { status?: SagaStatus; max: number }): Promise<readonly SagaRecord[]>
  /** Newest first; of those that began at one time by their ids, the greatest first. */
  page(query: SagaQuery): Promise<readonly SagaSummary[]>
  /** How many there are. Counts no further than `max`. */
  count(query: Omit<SagaQuery, 'before'>): Promise<number>
  /** Lets go of what need not be kept any more, the oldest first. @returns how many it was; ask again while one of them is `max` */
  prune(pruning: SagaPruning): Promise<{ readonly pruned: number; readonly forgotten: number }>
}

/** True when nothing moves the saga any more but a person. */
export function isSettled(status: SagaStatus): boolean {
  return status === 'completed' || status === 'compensated' || status === 'parked'
}

/** True when nobody moves the saga any more. */
export function isOver(status: SagaStatus): boolean {
  return status === 'completed' || status === 'compensated'
}

/** True when it is known how the saga ends. */
export function isDecided(status: SagaStatus): boolean {
  return status !== 'running'
}

/** `name/version`. */
export function versionOf({ saga, version }: { readonly saga: string; readonly version: number }): string {
  return `${saga}/${version}`
}
