import { type Clock, type Transaction, ConflictError, systemClock } from 'seaworthy/core'
import {
  type EventStore,
  type ExpectedVersion,
  type NewStoredEvent,
  type StoredEvent,
  type StoredSnapshot,
  EVENTS_PAGE_MAX,
  StreamArchivedError,
  WrongExpectedVersionError,
  noStreamToArchive,
} from 'seaworthy/event-sourcing'
import { InMemoryTransaction } from './database.ts'
import { Table, throughJson } from './table.ts'

/** An event store beside an in-memory database. Events get their positions as they commit. */
export function inMemoryEventStore(options: { clock?: Clock } = {}): EventStore {
  return new InMemoryEventStore(options.clock ?? systemClock)
}

class InMemoryEventStore implements EventStore {
  readonly #clock: Clock
  readonly #streams = new Table<readonly StoredEvent[]>()
  readonly #snapshots = new Table<StoredSnapshot>()
  readonly #archived = new Table<number | undefined>()
  readonly #all: StoredEvent[] = []
  readonly #listeners = new Set<() => void>()
  #position = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async append(tx: Transaction, stream: string, events: readonly NewStoredEvent[], expected: ExpectedVersion): Promise<number> {
    const before = this.#streams.get(stream, tx) ?? []
    const ids = new Set(events.map(({ id }) => id))
    const known = before.filter(({ id }) => ids.has(id))
    if (known.length > 0 && known.length === events.length) return known.at(-1)!.version
    if (known.length > 0) throw new ConflictError(`Stream ${stream} holds ${known.length} of the ${events.length} events to be appended.`)
    const archivedAtMs = this.#archived.get(stream, tx)
    if (archivedAtMs !== undefined) throw new StreamArchivedError(stream, archivedAtMs)
    const actual = before.length
    if (expected !== 'any' && actual !== (expected === 'no-stream' ? 0 : expected)) {
      throw new WrongExpectedVersionError(stream, { expected, actual })
    }
    if (events.length === 0) return actual
    const appended = events.map((event, index): StoredEvent => ({
      ...throughJson(event),
      stream,
      version: actual + index + 1,
      position: ++this.#position,
      recordedAtMs: this.#clock.now(),
    }))
    this.#streams.set(tx, stream, [...before, ...appended])
    InMemoryTransaction.of(tx).onCommit(() => this.#all.push(...appended))
    tx.afterCommit(() => {
      for (const listener of this.#listeners) listener()
    })
    return actual + appended.length
  }

  async read(stream: string, options: { after?: number; max?: number; tx?: Transaction } = {}): Promise<readonly StoredEvent[]> {
    const { after = 0, max = EVENTS_PAGE_MAX, tx } = options
    return (this.#streams.get(stream, tx) ?? []).slice(after, after + max)
  }

  async readBackwards(stream: string, options: { before?: number; max?: number; tx?: Transaction } = {}): Promise<readonly StoredEvent[]> {
    const { before = Number.POSITIVE_INFINITY, max = EVENTS_PAGE_MAX, tx } = options
    const events = (this.#streams.get(stream, tx) ?? []).filter(({ version }) => version < before)
    return events.toReversed().slice(0, max)
  }

  async find(stream: string, eventId: string, tx?: Transaction): Promise<StoredEvent | undefined> {
    return this.#streams.get(stream, tx)?.find(({ id }) => id === eventId)
  }

  async readAll(options: { after: number; max: number; archived?: boolean }): Promise<readonly StoredEvent[]> {
    const { after, max, archived = false } = options
    return (archived ? this.#all : this.#open()).filter(({ position }) => position > after).slice(0, max)
  }

  async head(): Promise<number> {
    return this.#open().at(-1)?.position ?? 0
  }

  async archive(tx: Transaction, stream: string): Promise<void> {
    if (this.#streams.get(stream, tx) === undefined) throw noStreamToArchive(stream)
    this.#archived.set(tx, stream, this.#archived.get(stream, tx) ?? this.#clock.now())
  }

  async restore(tx: Transaction, stream: string): Promise<void> {
    this.#archived.set(tx, stream, undefined)
  }

  async archivedAtMs(stream: string, tx?: Transaction): Promise<number | undefined> {
    return this.#archived.get(stream, tx)
  }

  async loadSnapshot(stream: string, tx?: Transaction): Promise<StoredSnapshot | undefined> {
    return this.#snapshots.get(stream, tx)
  }

  async saveSnapshot(tx: Transaction, snapshot: StoredSnapshot): Promise<void> {
    this.#snapshots.set(tx, snapshot.stream, throughJson(snapshot))
  }

  onAppended(listener: () => void): () => void {
    const own = () => listener()
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  #open(): readonly StoredEvent[] {
    return this.#all.filter(({ stream }) => this.#archived.get(stream) === undefined)
  }
}
