import { type Clock, systemClock } from 'seaworthy/core'
import type { InboxMessage, InboxVerdict, SynchronousInboxStore } from 'seaworthy/outbox'
import { SqliteInboxStore } from './inbox-store.ts'
import { HandleStatements, type SynchronousHandle, databaseOn } from './synchronous-handle.ts'

// Primary key of seaworthy_inbox.
const SELECT_SEEN = 'SELECT 1 AS seen FROM seaworthy_inbox WHERE consumer = ? AND generation = ? AND message_id = ?'
// Primary key of seaworthy_inbox_sequences.
const SELECT_LAST = 'SELECT last FROM seaworthy_inbox_sequences WHERE consumer = ? AND generation = ? AND topic = ? AND key = ?'
const INSERT_HANDLED = 'INSERT INTO seaworthy_inbox (consumer, generation, message_id, handled_at_ms) VALUES (?, ?, ?, ?)'
const SET_LAST = `INSERT INTO seaworthy_inbox_sequences (consumer, generation, topic, key, last) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (consumer, generation, topic, key) DO UPDATE SET last = excluded.last`

/** An inbox on a handle of your own, of node:sqlite or better-sqlite3. Make the tables with `migrateSync(handle, [inboxStoreSchema])`. */
export function synchronousInboxStore(
  handle: SynchronousHandle,
  options: { clock?: Clock } = {},
): SynchronousInboxStore<SynchronousHandle> {
  return new HandleInboxStore(handle, options.clock ?? systemClock)
}

class HandleInboxStore extends SqliteInboxStore implements SynchronousInboxStore<SynchronousHandle> {
  readonly #handle: SynchronousHandle
  readonly #statements: HandleStatements

  constructor(handle: SynchronousHandle, clock: Clock) {
    const statements = new HandleStatements(handle)
    super(databaseOn(statements), clock)
    this.#handle = handle
    this.#statements = statements
  }

  transactionSync<T>(body: (handle: SynchronousHandle) => T): T {
    return this.#statements.atomically(() => body(this.#handle))
  }

  admitSync(handle: SynchronousHandle, message: InboxMessage): InboxVerdict {
    const { consumer, generation, messageId, topic, key, sequence } = message
    const statements = handle === this.#handle ? this.#statements : new HandleStatements(handle)
    if (statements.all(SELECT_SEEN, consumer, generation, messageId).length > 0) return { kind: 'duplicate', by: 'id' }
    const last = statements.all<{ last: number }>(SELECT_LAST, consumer, generation, topic, key)[0]?.last ?? 0
    if (sequence > 0 && sequence <= last) return { kind: 'duplicate', by: 'sequence' }
    statements.run(INSERT_HANDLED, consumer, generation, messageId, this.clock.now())
    if (sequence === 0) return { kind: 'new' }
    statements.run(SET_LAST, consumer, generation, topic, key, sequence)
    return sequence === last + 1 ? { kind: 'new' } : { kind: 'gap', expected: last + 1 }
  }
}
