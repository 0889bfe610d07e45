import { ConfigurationError, nextMacrotask } from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'
import { type SynchronousOutboxStore, serializeEvent } from 'seaworthy/outbox'
import { type SqliteOutboxStoreOptions, INSERT_NUMBERED, SqliteOutboxStore, TAKE_NUMBER } from './outbox-store.ts'
import { HandleStatements, type SynchronousHandle, databaseOn } from './synchronous-handle.ts'

/**
 * An outbox on a handle of your own, of node:sqlite or better-sqlite3: events are added in your synchronous transactions by `outbox.addSync(db, …)`, and
 * the relay reads by `handle`, in turns of its own. Make the tables with `migrateSync(handle, [outboxStoreSchema])`.
 *
 * The handle's settings are yours: with SQLite's default journal, or `synchronous = NORMAL`, the newest commits may not survive a power cut. One relay runs
 * for a file. While a transaction stays open on `handle` over an await, the relay waits, because it would see what is not committed.
 */
export function synchronousOutboxStore(
  handle: SynchronousHandle,
  options: SqliteOutboxStoreOptions = {},
): SynchronousOutboxStore<SynchronousHandle> {
  return new HandleOutboxStore(handle, options)
}

class HandleOutboxStore extends SqliteOutboxStore implements SynchronousOutboxStore<SynchronousHandle> {
  /** Of each handle that events were added by. */
  readonly #statements = new WeakMap<SynchronousHandle, HandleStatements>()
  readonly #added = new Set<string>()

  constructor(handle: SynchronousHandle, options: SqliteOutboxStoreOptions) {
    super(databaseOn(new HandleStatements(handle)), options)
  }

  addSync(handle: SynchronousHandle, topic: string, events: readonly EventEnvelope[]): void {
    if (events.length === 0) return
    const statements = this.#statementsOf(handle)
    if (!statements.inTransaction) {
      throw new ConfigurationError(
        'No transaction is open on this handle. BEGIN one first, so that your rows and the events are committed together.',
      )
    }
    // Before any number is taken: a caller who catches the refusal and commits must not leave a gap.
    const texts = events.map((event) => serializeEvent(event, this.eventBytesMax))
    const addedAtMs = this.clock.now()
    statements.inSavepoint(() => {
      for (const [index, { key }] of events.entries()) {
        statements.run(TAKE_NUMBER, topic, key)
        statements.run(INSERT_NUMBERED, texts[index]!, addedAtMs, topic, key)
      }
    })
    this.#tellSoon(topic)
  }

  #statementsOf(handle: SynchronousHandle): HandleStatements {
    let statements = this.#statements.get(handle)
    if (statements === undefined) {
      statements = new HandleStatements(handle)
      this.#statements.set(handle, statements)
    }
    return statements
  }

  /** A synchronous transaction is over by the next turn of the event loop. If it rolled back, the relay finds nothing. */
  #tellSoon(topic: string): void {
    if (this.#added.size === 0) {
      nextMacrotask(() => {
        const topics = [...this.#added]
        this.#added.clear()
        for (const added of topics) this.tell(added)
      })
    }
    this.#added.add(topic)
  }
}
