import { type Clock, type Database, type Transaction, systemClock } from 'seaworthy/core'
import type { InboxMessage, InboxStore, InboxVerdict } from 'seaworthy/outbox'
import type { SqliteDatabase } from './database.ts'
import type { SchemaComponent } from './migrate.ts'

/** Tables of {@link sqliteInboxStore}. */
export const inboxStoreSchema: SchemaComponent = {
  component: 'seaworthy.inbox',
  versions: [
    `CREATE TABLE seaworthy_inbox (
      consumer TEXT NOT NULL,
      generation INTEGER NOT NULL,
      message_id TEXT NOT NULL,
      handled_at_ms INTEGER NOT NULL,
      PRIMARY KEY (consumer, generation, message_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX seaworthy_inbox_by_time ON seaworthy_inbox (handled_at_ms);
    CREATE TABLE seaworthy_inbox_sequences (
      consumer TEXT NOT NULL,
      generation INTEGER NOT NULL,
      topic TEXT NOT NULL,
      key TEXT NOT NULL,
      last INTEGER NOT NULL CHECK (last > 0),
      PRIMARY KEY (consumer, generation, topic, key)
    ) STRICT, WITHOUT ROWID`,
  ],
}

// Primary keys of both tables, one look-up each.
const SELECT_KNOWN = `SELECT
    EXISTS (SELECT 1 FROM seaworthy_inbox WHERE consumer = ?1 AND generation = ?2 AND message_id = ?3) AS seen,
    (SELECT last FROM seaworthy_inbox_sequences WHERE consumer = ?1 AND generation = ?2 AND topic = ?4 AND key = ?5) AS last`
const INSERT_HANDLED = 'INSERT INTO seaworthy_inbox (consumer, generation, message_id, handled_at_ms) VALUES (?, ?, ?, ?)'
// Primary key of seaworthy_inbox_sequences.
const SET_LAST = `INSERT INTO seaworthy_inbox_sequences (consumer, generation, topic, key, last) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (consumer, generation, topic, key) DO UPDATE SET last = excluded.last`
// seaworthy_inbox_by_time, a range; then the primary key, a look-up for each.
const DELETE_OLD = `DELETE FROM seaworthy_inbox WHERE (consumer, generation, message_id) IN (
    SELECT consumer, generation, message_id FROM seaworthy_inbox WHERE handled_at_ms < ? ORDER BY handled_at_ms LIMIT ?)`
// Other writers take their turn between batches.
const DELETE_BATCH_SIZE = 1_000

/** An inbox in an embedded database. A row for each message within the window, and one for each key for ever. */
export function sqliteInboxStore(database: SqliteDatabase, options: { clock?: Clock } = {}): InboxStore {
  return new SqliteInboxStore(database, options.clock ?? systemClock)
}

/** @internal The store over whatever deletes old ids. */
export class SqliteInboxStore implements InboxStore {
  protected readonly clock: Clock
  readonly #database: Pick<Database, 'atomically'>

  constructor(database: Pick<Database, 'atomically'>, clock: Clock) {
    this.#database = database
    this.clock = clock
  }

  async admit(tx: Transaction, message: InboxMessage): Promise<InboxVerdict> {
    const { consumer, generation, messageId, topic, key, sequence } = message
    // Reading before writing is enough: transactions come one after another.
    const [known] = await tx.query<{ seen: number; last: number | null }>({
      sql: SELECT_KNOWN,
      params: [consumer, generation, messageId, topic, key],
    })
    const last = known!.last ?? 0
    if (known!.seen === 1) return { kind: 'duplicate', by: 'id' }
    if (sequence > 0 && sequence <= last) return { kind: 'duplicate', by: 'sequence' }
    await tx.execute({ sql: INSERT_HANDLED, params: [consumer, generation, messageId, this.clock.now()] })
    if (sequence === 0) return { kind: 'new' }
    await tx.execute({ sql: SET_LAST, params: [consumer, generation, topic, key, sequence] })
    return sequence === last + 1 ? { kind: 'new' } : { kind: 'gap', expected: last + 1 }
  }

  async forget(olderThanMs: number): Promise<number> {
    for (let forgotten = 0; ;) {
      const [deleted] = await this.#database.atomically([{ sql: DELETE_OLD, params: [olderThanMs, DELETE_BATCH_SIZE] }])
      forgotten += deleted!.rowCount
      if (deleted!.rowCount < DELETE_BATCH_SIZE) return forgotten
    }
  }
}
