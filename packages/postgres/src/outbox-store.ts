import { type Clock, type Transaction, systemClock } from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'
import { type OutboxEntry, type OutboxStore, serializeEvent } from 'seaworthy/outbox'
import type { PostgresDatabase } from './database.ts'
import { librarySchema } from './migrate.ts'
import { numberArray, restored, storable, textArray } from './values.ts'

/** Tables of {@link postgresOutboxStore}. */
export const outboxStoreSchema = librarySchema('seaworthy.outbox', 1)

// Primary key of seaworthy_outbox_sequences. One statement: the keys' rows are locked one after another in the order of $2, which is the same for
// all callers; the events get their positions when all of them are, because the sort needs every row.
const ADD = `WITH taken AS (
    INSERT INTO seaworthy_outbox_sequences AS s (topic, key, last)
    SELECT $1, k.key, k.count FROM unnest($2::text[], $3::bigint[]) WITH ORDINALITY AS k (key, count, place) ORDER BY k.place
    ON CONFLICT (topic, key) DO UPDATE SET last = s.last + excluded.last
    RETURNING key, last
  )
  INSERT INTO seaworthy_outbox (topic, key, sequence, event, added_at_ms)
  SELECT $1, e.key, taken.last - e.after, e.event::json, $7::bigint
  FROM unnest($4::text[], $5::bigint[], $6::text[]) WITH ORDINALITY AS e (key, after, event, place) JOIN taken ON taken.key = e.key
  ORDER BY e.place`
// seaworthy_outbox_by_topic, one look-up for each topic however many messages wait.
const SELECT_TOPICS = `WITH RECURSIVE waiting (topic) AS (
    (SELECT topic FROM seaworthy_outbox ORDER BY topic LIMIT 1)
    UNION ALL
    SELECT (SELECT o.topic FROM seaworthy_outbox o WHERE o.topic > waiting.topic ORDER BY o.topic LIMIT 1) FROM waiting WHERE waiting.topic IS NOT NULL
  ) SELECT topic FROM waiting WHERE topic IS NOT NULL`
// seaworthy_outbox_by_topic, a range. No committed message hides behind an open transaction of its key, which has the key's lock.
const SELECT_UNSENT = `SELECT position, sequence, event, added_at_ms FROM seaworthy_outbox
  WHERE topic = $1 ORDER BY position LIMIT $2`
// Primary key of seaworthy_outbox, a look-up for each position.
const DELETE_SENT = 'DELETE FROM seaworthy_outbox WHERE position = ANY ($1::bigint[])'
// The oldest by the primary key; the count reads it whole.
const SELECT_BACKLOG = `SELECT (SELECT count(*) FROM seaworthy_outbox) AS messages,
  (SELECT added_at_ms FROM seaworthy_outbox ORDER BY position LIMIT 1) AS oldest_at_ms`
const CHANNEL = 'seaworthy_outbox'

export interface PostgresOutboxStoreOptions {
  /** Size of an event at most, in bytes of JSON. Default 950,000: what logs take (1,000,000 by default), less the trace headers that the relay adds. */
  readonly eventBytesMax?: number
  readonly clock?: Clock
}

interface UnsentRow {
  readonly position: number
  readonly sequence: number
  readonly event: EventEnvelope
  readonly added_at_ms: number
}

/** An outbox in a PostgreSQL database. Sent messages are deleted; a row with the last number of each key stays. */
export function postgresOutboxStore(database: PostgresDatabase, options: PostgresOutboxStoreOptions = {}): OutboxStore {
  return new PostgresOutboxStore(database, options)
}

class PostgresOutboxStore implements OutboxStore {
  readonly #database: PostgresDatabase
  readonly #eventBytesMax: number
  readonly #clock: Clock
  readonly #listeners = new Set<(topic: string) => void>()
  #listening = false

  constructor(database: PostgresDatabase, options: PostgresOutboxStoreOptions) {
    this.#database = database
    this.#eventBytesMax = options.eventBytesMax ?? 950_000
    this.#clock = options.clock ?? systemClock
  }

  async add(tx: Transaction, topic: string, events: readonly EventEnvelope[]): Promise<void> {
    if (events.length === 0) return
    // Before any number is taken: a caller who catches the refusal and commits must not leave a gap.
    const texts = events.map((event) => serializeEvent(event, this.#eventBytesMax))
    const keys = events.map(({ key }) => storable(key))
    const counts = new Map<string, number>()
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
    // How many of its key come after each in this call.
    const after: number[] = []
    const left = new Map(counts)
    for (const key of keys) {
      const rest = left.get(key)! - 1
      left.set(key, rest)
      after.push(rest)
    }
    // In one order for all callers: two that each held a row the other waits for would end as a deadlock.
    const distinct = [...counts.keys()].toSorted()
    await tx.execute({
      sql: ADD,
      params: [
        storable(topic),
        textArray(distinct),
        numberArray(distinct.map((key) => counts.get(key)!)),
        textArray(keys),
        numberArray(after),
        textArray(texts),
        this.#clock.now(),
      ],
    })
    tx.afterCommit(() => {
      this.#tell(topic)
      this.#database.notify(CHANNEL, storable(topic))
    })
  }

  async topics(): Promise<readonly string[]> {
    const rows = await this.#database.query<{ topic: string }>({ sql: SELECT_TOPICS })
    return rows.map(({ topic }) => restored(topic))
  }

  async unsent(topic: string, max: number): Promise<readonly OutboxEntry[]> {
    const rows = await this.#database.query<UnsentRow>({ sql: SELECT_UNSENT, params: [storable(topic), max] })
    return rows.map(({ position, sequence, event, added_at_ms: addedAtMs }) => ({
      position,
      topic,
      event: { ...event, sequence },
      addedAtMs,
    }))
  }

  async markSent(positions: readonly number[]): Promise<void> {
    if (positions.length > 0) await this.#database.atomically([{ sql: DELETE_SENT, params: [numberArray(positions)] }])
  }

  async backlog(): Promise<{ readonly messages: number; readonly oldestAtMs: number | undefined }> {
    const [row] = await this.#database.query<{ messages: number; oldest_at_ms: number | null }>({ sql: SELECT_BACKLOG })
    return { messages: row!.messages, oldestAtMs: row!.oldest_at_ms ?? undefined }
  }

  /** Tells of the commits of other processes too, where they notify: those of this library do, and those that call `seaworthy_outbox_add`. */
  onAdded(listener: (topic: string) => void): () => void {
    if (!this.#listening) this.#database.listen(CHANNEL, (topic) => this.#tell(restored(topic)))
    this.#listening = true
    // A wrapper of its own for each call, so that one function may listen twice.
    const own = (topic: string) => listener(topic)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  #tell(topic: string): void {
    for (const listener of this.#listeners) listener(topic)
  }
}
