import { type Backoff, type Transaction, backoffMs, exponential, sleep } from 'seaworthy/core'
import type { Each, Facts, Saga } from './definition.ts'
import { type ChildEnd, MovedElsewhere, type RunEnvironment, childSlot } from './environment.ts'
import { type Place, itemOf, resultsOf } from './frontier.ts'
import type { Child, ForEach, Sleep, WaitFor, When } from './graph.ts'
import { type Progress, fold } from './progress.ts'
import type { JournalEntry, SagaAdvance, SagaRecord, SagaStatus, StoredSaga } from './saga-store.ts'
import { describeError, reasonOf } from './verdict.ts'

const WRITE_BACKOFF: Backoff = exponential({ baseMs: 20, maxMs: 5_000, jitter: 'equal' })

/** What is written besides the lines. */
export interface JournalChange {
  readonly to?: SagaStatus
  readonly reason?: string
  readonly rest?: NonNullable<SagaAdvance['rest']>
  /** Lines, and whatever else goes with them into their transaction. Undefined to write nothing at all. */
  readonly within?: (tx: Transaction) => Promise<readonly JournalEntry[] | undefined>
}

/**
 * What one process knows of a saga, and how that becomes durable. Lines that may wait are written together with the next one that may not: a step's
 * result with the start of the step after it. Writes go one after another, and each takes along whatever was noted by then.
 */
export class SagaJournal {
  readonly #environment: RunEnvironment
  readonly #saga: Saga<never>
  readonly #token: number
  #record: SagaRecord
  #progress: Progress
  #unwritten: JournalEntry[] = []
  #writing: Promise<unknown> = Promise.resolve()

  constructor(environment: RunEnvironment, saga: Saga<never>, { record, journal, token }: StoredSaga) {
    this.#environment = environment
    this.#saga = saga
    this.#token = token
    this.#record = record
    this.#progress = fold(new Map(), journal)
  }

  get record(): SagaRecord {
    return this.#record
  }

  get progress(): Progress {
    return this.#progress
  }

  /** What a decision at the place may depend on. */
  facts(place: Place): Facts<unknown, unknown> & Partial<Each<unknown>> {
    const results = resultsOf(this.#saga.steps, this.#progress, place.around)
    return { input: this.#record.input, results, ...itemOf(place, this.#progress) }
  }

  /** What stands for the step at its receiver. */
  keyOf({ name }: Place): string {
    // Encoded, because a key travels in headers, and headers take no spaces.
    return `${this.#record.id}/${encodeURIComponent(name)}`
  }

  note(entry: JournalEntry): void {
    this.#unwritten.push(entry)
    this.#progress = fold(this.#progress, [entry])
  }

  /**
   * Makes what was noted durable, with a change if there is one. A database that refuses is asked again: the saga is not to blame.
   * @returns false when `within` wanted nothing written
   * @throws MovedElsewhere; the reason of `stopping`
   */
  write(change?: JournalChange): Promise<boolean> {
    const turn = this.#writing.then(() => this.#write(change))
    this.#writing = turn.catch(() => undefined)
    return turn
  }

  /** A block or a wait that cannot be: the saga turns, for good. */
  async refuse({ node, name }: Place<When | ForEach | Sleep | WaitFor | Child>, error: unknown): Promise<void> {
    this.note({ step: name, kind: 'failed', executed: 'no', error: describeError(error), atMs: this.#environment.clock.now() })
    await this.write({ to: node.afterPivot ? 'parked' : 'compensating', reason: reasonOf(error) })
  }

  async #write(change: JournalChange | undefined): Promise<boolean> {
    const { clock, random, stopping, report, onMoved } = this.#environment
    if (this.#unwritten.length === 0 && change === undefined) return true
    for (let number = 1; ; number++) {
      try {
        const lines = this.#unwritten.slice()
        const written = await this.#commit(lines, change)
        if (written === undefined) return false
        this.#unwritten.splice(0, lines.length)
        this.#progress = fold(this.#progress, written.added)
        const moved = written.record.status !== this.#record.status
        this.#record = written.record
        if (moved) onMoved(this.#record)
        return true
      } catch (error) {
        if (error instanceof MovedElsewhere) throw error
        report(error, this.#record.id)
      }
      await sleep(clock, backoffMs(WRITE_BACKOFF, number, random), stopping)
    }
  }

  async #commit(
    lines: readonly JournalEntry[],
    change: JournalChange = {},
  ): Promise<{ readonly record: SagaRecord; readonly added: readonly JournalEntry[] } | undefined> {
    const { database, store, clock, onStatus } = this.#environment
    const before = this.#record
    const { to, rest, within } = change
    const atMs = clock.now()
    const reason = before.reason ?? change.reason
    const advance: SagaAdvance = {
      token: this.#token,
      from: before.status,
      entries: lines,
      atMs,
      ...(to !== undefined && { to, reason }),
      ...(rest !== undefined && { rest }),
    }
    const record: SagaRecord = to === undefined ? before : { ...before, status: to, reason, updatedAtMs: atMs }
    const isAlone = within === undefined && rest === undefined && (to === undefined || (onStatus ?? before.parent) === undefined)
    if (isAlone && store.advanceAlone !== undefined) {
      if (!(await store.advanceAlone(before.id, advance))) throw new MovedElsewhere()
      return { record, added: [] }
    }
    return database.transaction(async (tx) => {
      const added = within === undefined ? [] : await within(tx)
      if (added === undefined) return undefined
      if (!(await store.advance(tx, before.id, { ...advance, entries: [...lines, ...added] }))) throw new MovedElsewhere()
      if (to === undefined) return { record, added }
      await this.#tellParent(tx, record, fold(this.#progress, added))
      await onStatus?.(tx, record)
      return { record, added }
    })
  }

  /** In the transaction that ends a child its parent is told. One that is parked has not ended. */
  async #tellParent(tx: Transaction, record: SagaRecord, progress: Progress): Promise<void> {
    const { store, clock, onDue } = this.#environment
    const { parent, status, reason = 'unknown' } = record
    if (parent === undefined || (status !== 'completed' && status !== 'compensated')) return
    const end: ChildEnd = status === 'completed' ? { status, results: resultsOf(this.#saga.steps, progress) } : { status, reason }
    await store.tell(tx, { sagaId: parent.sagaId, slot: childSlot(parent.step), data: end, nowMs: clock.now() })
    tx.afterCommit(() => onDue(parent.sagaId))
  }
}
