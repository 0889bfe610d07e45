import { type Clock, type Database, type Statement, type Transaction, runAfterCommit, systemClock } from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'
import { type OutboxEntry, type OutboxStore, type TopicEvents, serializeEvent } from 'seaworthy/outbox'
import type { SqliteDatabase } from './database.ts'
import type { SchemaComponent } from './migrate.ts'

/** Tables of {@link sqliteOutboxStore}. */
export const outboxStoreSchema: SchemaComponent = {
  component: 'seaworthy.outbox',
  versions: [
    // AUTOINCREMENT: a position is never given out twice, or marking a batch a second time, after an answer that was lost, would delete
    // newer messages that were never sent.
    `CREATE TABLE seaworthy_outbox (
      position INTEGER PRIMARY KEY AUTOINCREMENT,
      topic TEXT NOT NULL,
      sequence INTEGER NOT NULL,
      event TEXT NOT NULL,
      added_at_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX seaworthy_outbox_by_topic ON seaworthy_outbox (topic);
    CREATE TABLE seaworthy_outbox_sequences (
      topic TEXT NOT NULL,
      key TEXT NOT NULL,
      last INTEGER NOT NULL CHECK (last > 0),
      PRIMARY KEY (topic, key)
    ) STRICT, WITHOUT ROWID`,
  ],
}

// Primary key of seaworthy_outbox_sequences.
const TAKE_NUMBERS = `INSERT INTO seaworthy_outbox_sequences (topic, key, last) VALUES (?, ?, ?)
  ON CONFLICT (topic, key) DO UPDATE SET last = last + excluded.last RETURNING last`
const INSERT_MESSAGE = 'INSERT INTO seaworthy_outbox (topic, sequence, event, added_at_ms) VALUES (?, ?, ?, ?)'
/** @internal The next number of one key, where no answer is waited for. The same key. */
export const TAKE_NUMBER = `INSERT INTO seaworthy_outbox_sequences (topic, key, last) VALUES (?, ?, 1)
  ON CONFLICT (topic, key) DO UPDATE SET last = last + 1`
/** @internal The message that has it. The same key, a look-up. */
export const INSERT_NUMBERED = `INSERT INTO seaworthy_outbox (topic, sequence, event, added_at_ms)
  SELECT topic, last, ?, ? FROM seaworthy_outbox_sequences WHERE topic = ? AND key = ?`
// seaworthy_outbox_by_topic, one look-up for each topic however many messages wait.
const SELECT_TOPICS = `WITH RECURSIVE waiting (topic) AS (
    SELECT min(topic) FROM seaworthy_outbox
    UNION ALL
    SELECT (SELECT min(topic) FROM seaworthy_outbox WHERE topic > waiting.topic) FROM waiting WHERE waiting.topic IS NOT NULL
  ) SELECT topic FROM waiting WHERE topic IS NOT NULL`
// seaworthy_outbox_by_topic, a range: a topic's entries lie in the order of their positions there.
const SELECT_UNSENT =
  'SELECT position, topic, sequence, event, added_at_ms FROM seaworthy_outbox WHERE topic = ? ORDER BY position LIMIT ? + 0'
// Primary key of seaworthy_outbox, a look-up.
const DELETE_SENT_ALONE = 'DELETE FROM seaworthy_outbox WHERE position = ?'
// Primary key of seaworthy_outbox, a look-up for each position. Reading JSON costs what several look-ups do, so one alone goes without.
const DELETE_SENT = 'DELETE FROM seaworthy_outbox WHERE position IN (SELECT value FROM json_each(?))'
// The oldest by the primary key; the count reads seaworthy_outbox_by_topic whole.
const SELECT_BACKLOG = `SELECT (SELECT count(*) FROM seaworthy_outbox) AS messages,
  (SELECT added_at_ms FROM seaworthy_outbox ORDER BY position LIMIT 1) AS oldest_at_ms`

export interface SqliteOutboxStoreOptions {
  /** Size of an event at most, in bytes of JSON. Default 950,000: what logs take (1,000,000 by default), less the trace headers that the relay adds. */
  readonly eventBytesMax?: number
  readonly clock?: Clock
}

interface UnsentRow {
  readonly position: number
  readonly topic: string
  readonly sequence: number
  readonly event: string
  readonly added_at_ms: number
}

/** An outbox in an embedded database. Sent messages are deleted; a row with the last number of each key stays. */
export function sqliteOutboxStore(database: SqliteDatabase, options: SqliteOutboxStoreOptions = {}): OutboxStore {
  return new SqliteOutboxStore(database, options)
}

/** @internal The store over whatever reads committed data and marks what was sent. */
export class SqliteOutboxStore implements OutboxStore {
  protected readonly eventBytesMax: number
  protected readonly clock: Clock
  readonly #database: Pick<Database, 'query' | 'atomically'>
  readonly #listeners = new Set<(topic: string) => void>()

  constructor(database: Pick<Database, 'query' | 'atomically'>, options: SqliteOutboxStoreOptions) {
    this.#database = database
    this.eventBytesMax = options.eventBytesMax ?? 950_000
    this.clock = options.clock ?? systemClock
  }

  async add(tx: Transaction, topic: string, events: readonly EventEnvelope[]): Promise<void> {
    if (events.length === 0) return
    // Before any number is taken: a caller who catches the refusal and commits must not leave a gap.
    const texts = events.map((event) => serializeEvent(event, this.eventBytesMax))
    const next = await this.#takeNumbers(tx, topic, events)
    const addedAtMs = this.clock.now()
    for (const [index, { key }] of events.entries()) {
      const sequence = next.get(key)!
      next.set(key, sequence + 1)
      await tx.execute({ sql: INSERT_MESSAGE, params: [topic, sequence, texts[index]!, addedAtMs] })
    }
    tx.afterCommit(() => this.tell(topic))
  }

  async commit(statements: readonly Statement[], events: readonly TopicEvents[]): Promise<readonly { readonly rowCount: number }[]> {
    const addedAtMs = this.clock.now()
    const adding = events.flatMap(([topic, sameTopic]) =>
      sameTopic.flatMap((event): Statement[] => [
        { sql: TAKE_NUMBER, params: [topic, event.key] },
        { sql: INSERT_NUMBERED, params: [serializeEvent(event, this.eventBytesMax), addedAtMs, topic, event.key] },
      ]),
    )
    const results = await this.#database.atomically([...statements, ...adding])
    for (const [topic] of events) runAfterCommit(() => this.tell(topic))
    return results.slice(0, statements.length)
  }

  /** The first number for each key. Writers come one after another here, so the file's write lock is every key's lock. */
  async #takeNumbers(tx: Transaction, topic: string, events: readonly EventEnvelope[]): Promise<Map<string, number>> {
    const counts = new Map<string, number>()
    for (const { key } of events) counts.set(key, (counts.get(key) ?? 0) + 1)
    const next = new Map<string, number>()
    for (const [key, count] of counts) {
      const [row] = await tx.query<{ last: number }>({ sql: TAKE_NUMBERS, params: [topic, key, count] })
      next.set(key, row!.last - count + 1)
    }
    return next
  }

  async topics(): Promise<readonly string[]> {
    const rows = await this.#database.query<{ topic: string }>({ sql: SELECT_TOPICS })
    return rows.map(({ topic }) => topic)
  }

  async unsent(topic: string, max: number): Promise<readonly OutboxEntry[]> {
    const rows = await this.#database.query<UnsentRow>({ sql: SELECT_UNSENT, params: [topic, max] })
    return rows.map((row) => ({
      position: row.position,
      topic: row.topic,
      event: { ...(JSON.parse(row.event) as EventEnvelope), sequence: row.sequence },
      addedAtMs: row.added_at_ms,
    }))
  }

  async markSent(positions: readonly number[]): Promise<void> {
    const [first] = positions
    if (first === undefined) return
    const alone = positions.length === 1
    await this.#database.atomically([
      alone ? { sql: DELETE_SENT_ALONE, params: [first] } : { sql: DELETE_SENT, params: [JSON.stringify(positions)] },
    ])
  }

  async backlog(): Promise<{ readonly messages: number; readonly oldestAtMs: number | undefined }> {
    const [row] = await this.#database.query<{ messages: number; oldest_at_ms: number | null }>({ sql: SELECT_BACKLOG })
    return { messages: row!.messages, oldestAtMs: row!.oldest_at_ms ?? undefined }
  }

  onAdded(listener: (topic: string) => void): () => void {
    // A wrapper of its own for each call, so that one function may listen twice.
    const own = (topic: string) => listener(topic)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  protected tell(topic: string): void {
    for (const listener of this.#listeners) listener(topic)
  }
}
