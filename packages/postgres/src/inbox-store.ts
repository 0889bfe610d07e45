import { type Clock, type Transaction, systemClock } from 'seaworthy/core'
import type { InboxMessage, InboxStore, InboxVerdict } from 'seaworthy/outbox'
import type { PostgresDatabase } from './database.ts'
import { librarySchema } from './migrate.ts'
import { prepared } from './prepared.ts'
import { storable } from './values.ts'

/** Tables of {@link postgresInboxStore}. */
export const inboxStoreSchema = librarySchema('seaworthy.inbox', 1)

// Primary keys of both tables. The key's row comes first, and is held until the transaction ends: a second delivery waits here, and then finds the
// number at or above its own. (No bigint comes back: in a caller's own transaction each library reads it in its own way.) `moved` is empty for a number at or below the last; `handled` for an id that is known.
const ADMIT = prepared(`WITH moved AS (
    INSERT INTO seaworthy_inbox_sequences AS s (consumer, generation, topic, key, last, previous) VALUES ($1, $2, $4, $5, $6, 0)
    ON CONFLICT (consumer, generation, topic, key) DO UPDATE SET last = excluded.last, previous = s.last WHERE s.last < excluded.last
    RETURNING previous
  ), handled AS (
    INSERT INTO seaworthy_inbox (consumer, generation, message_id, handled_at_ms) SELECT $1, $2, $3, $7 FROM moved
    ON CONFLICT (consumer, generation, message_id) DO NOTHING
    RETURNING 1
  )
  SELECT previous::float8, (SELECT count(*)::int FROM handled) AS handled FROM moved`)
// Primary key of seaworthy_inbox.
const ADMIT_BY_ID = prepared(`INSERT INTO seaworthy_inbox (consumer, generation, message_id, handled_at_ms) VALUES ($1, $2, $3, $4)
  ON CONFLICT (consumer, generation, message_id) DO NOTHING`)
// Primary key of seaworthy_inbox.
const SELECT_SEEN = 'SELECT EXISTS (SELECT FROM seaworthy_inbox WHERE consumer = $1 AND generation = $2 AND message_id = $3) AS seen'
// Primary key of seaworthy_inbox_sequences.
const MOVE_BACK = `UPDATE seaworthy_inbox_sequences SET last = previous
  WHERE consumer = $1 AND generation = $2 AND topic = $3 AND key = $4`
// seaworthy_inbox_by_time, a range; then each row where it lies.
const DELETE_OLD = `DELETE FROM seaworthy_inbox WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM seaworthy_inbox WHERE handled_at_ms < $1 ORDER BY handled_at_ms LIMIT $2))`
// Short transactions: a long one would keep the dead rows of every table.
const DELETE_BATCH_SIZE = 1_000

/** An inbox in a PostgreSQL database. A row for each message within the window, and one for each key for ever. */
export function postgresInboxStore(database: PostgresDatabase, options: { clock?: Clock } = {}): InboxStore {
  return new PostgresInboxStore(database, options.clock ?? systemClock)
}

class PostgresInboxStore implements InboxStore {
  readonly #database: PostgresDatabase
  readonly #clock: Clock

  constructor(database: PostgresDatabase, clock: Clock) {
    this.#database = database
    this.#clock = clock
  }

  async admit(tx: Transaction, message: InboxMessage): Promise<InboxVerdict> {
    const { generation, sequence } = message
    const [consumer, messageId, topic, key] = [message.consumer, message.messageId, message.topic, message.key].map(storable) as [
      string,
      string,
      string,
      string,
    ]
    const nowMs = this.#clock.now()
    if (sequence === 0) {
      const { rowCount } = await tx.execute({ sql: ADMIT_BY_ID, params: [consumer, generation, messageId, nowMs] })
      return rowCount === 1 ? { kind: 'new' } : { kind: 'duplicate', by: 'id' }
    }
    const [moved] = await tx.query<{ previous: number; handled: number }>({
      sql: ADMIT,
      params: [consumer, generation, messageId, topic, key, sequence, nowMs],
    })
    if (moved === undefined) {
      // A new statement: it sees what was committed while this one waited for the key.
      const [row] = await tx.query<{ seen: boolean }>({ sql: SELECT_SEEN, params: [consumer, generation, messageId] })
      return { kind: 'duplicate', by: row!.seen ? 'id' : 'sequence' }
    }
    if (moved.handled === 0) {
      // Known by its id, under another number: that one does not count.
      await tx.execute({ sql: MOVE_BACK, params: [consumer, generation, topic, key] })
      return { kind: 'duplicate', by: 'id' }
    }
    return sequence === moved.previous + 1 ? { kind: 'new' } : { kind: 'gap', expected: moved.previous + 1 }
  }

  async forget(olderThanMs: number): Promise<number> {
    for (let forgotten = 0; ;) {
      const [deleted] = await this.#database.atomically([{ sql: DELETE_OLD, params: [olderThanMs, DELETE_BATCH_SIZE] }])
      forgotten += deleted!.rowCount
      if (deleted!.rowCount < DELETE_BATCH_SIZE) return forgotten
    }
  }
}
