import type { SchemaComponent } from './migrate.ts'

/**
 * A message is ready when `visible_at_ms` has come: at once, after its delay, or when its lease ran out. `lease` is set while
 * it is handed out. All times are the queue's (see `QueueClock`).
 */
export const QUEUE_SCHEMA: SchemaComponent = {
  component: 'seaworthy.queue',
  versions: [
    `CREATE TABLE message (
       position INTEGER PRIMARY KEY,
       id TEXT NOT NULL UNIQUE,
       body TEXT NOT NULL,
       context TEXT NOT NULL,
       visible_at_ms INTEGER NOT NULL,
       delay_ms INTEGER NOT NULL,
       attempts INTEGER NOT NULL,
       lease INTEGER
     ) STRICT;
     CREATE INDEX message_by_visibility ON message (visible_at_ms, position);
     CREATE TABLE dead (
       id TEXT PRIMARY KEY,
       body TEXT NOT NULL,
       context TEXT NOT NULL,
       attempts INTEGER NOT NULL,
       reason TEXT NOT NULL,
       died_at_ms INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX dead_by_time ON dead (died_at_ms);
     CREATE TABLE seen (
       id TEXT PRIMARY KEY,
       seen_at_ms INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX seen_by_time ON seen (seen_at_ms);`,
  ],
}

// Once, at the opening: the whole table. Whoever had a lease was in the process that owned the file, and is gone with it.
export const RELEASE_LEASES = 'UPDATE message SET lease = NULL, visible_at_ms = ? WHERE lease IS NOT NULL'
// Once, at the opening: index message_by_visibility. A wall clock that was set back must not make a delay longer than it was.
export const CLAMP_DELAYS = 'UPDATE message SET visible_at_ms = ?1 + delay_ms WHERE visible_at_ms > ?1 AND visible_at_ms > ?1 + delay_ms'
// Once, at the opening: both tables.
export const COUNT_ALL = 'SELECT (SELECT count(*) FROM message) + (SELECT count(*) FROM dead) AS messages'

// Primary key of seen. No row changes when the id was seen within the window.
export const REMEMBER_ID = `INSERT INTO seen (id, seen_at_ms) VALUES (?1, ?2)
  ON CONFLICT (id) DO UPDATE SET seen_at_ms = excluded.seen_at_ms WHERE seen.seen_at_ms <= ?3`
// Index seen_by_time. Two go for each that comes, so that the table shrinks to the window without ever being swept.
export const FORGET_IDS = 'DELETE FROM seen WHERE id IN (SELECT id FROM seen WHERE seen_at_ms <= ? ORDER BY seen_at_ms LIMIT 2)'
// Unique index of message (id): a message that outlived the window in the queue is still the same message.
export const INSERT_MESSAGE = `INSERT INTO message (id, body, context, visible_at_ms, delay_ms, attempts) VALUES (?, ?, ?, ?, ?, 0)
  ON CONFLICT (id) DO NOTHING`

// Index message_by_visibility.
export const SELECT_READY = `SELECT position, id, body, context, attempts, visible_at_ms FROM message
  WHERE visible_at_ms <= ? ORDER BY visible_at_ms, position LIMIT ? + 0`
export const SELECT_NEXT_VISIBLE = 'SELECT min(visible_at_ms) AS at_ms FROM message' // index message_by_visibility
// Primary key of message.
export const LEASE = 'UPDATE message SET attempts = attempts + 1, lease = ?, visible_at_ms = ? WHERE position = ?'

// Unique index of message (id), in all that follow. The lease must be the delivery's own and must not have ended.
export const ACKNOWLEDGE = 'DELETE FROM message WHERE id = ? AND lease = ? AND visible_at_ms > ?'
export const EXTEND = 'UPDATE message SET visible_at_ms = ? WHERE id = ? AND lease = ? AND visible_at_ms > ?'
export const RETURN =
  'UPDATE message SET lease = NULL, visible_at_ms = ?1 + ?2, delay_ms = ?2 WHERE id = ?3 AND lease = ?4 AND visible_at_ms > ?1'
export const HOLDS_LEASE = 'SELECT attempts FROM message WHERE id = ? AND lease = ? AND visible_at_ms > ?'

// Primary keys of message (id) and dead.
export const BURY = `INSERT OR REPLACE INTO dead (id, body, context, attempts, reason, died_at_ms)
  SELECT id, body, context, attempts, ?, ? FROM message WHERE id = ?`
export const DELETE_MESSAGE = 'DELETE FROM message WHERE id = ?'
export const EXHUME = `INSERT INTO message (id, body, context, visible_at_ms, delay_ms, attempts)
  SELECT id, body, context, ?, 0, 0 FROM dead WHERE id = ? ON CONFLICT (id) DO NOTHING`
export const DELETE_DEAD = 'DELETE FROM dead WHERE id = ?'
export const SELECT_DEAD = 'SELECT id, body, attempts, reason, died_at_ms FROM dead ORDER BY died_at_ms LIMIT ?' // index dead_by_time

// Index message_by_visibility for the first; the delayed and the leased ones are read through.
export const SELECT_STATUS = `SELECT
  (SELECT count(*) FROM message WHERE visible_at_ms <= ?1) AS ready,
  (SELECT count(*) FROM message WHERE visible_at_ms > ?1 AND lease IS NULL) AS delayed,
  (SELECT count(*) FROM message WHERE visible_at_ms > ?1 AND lease IS NOT NULL) AS leased,
  (SELECT count(*) FROM dead) AS dead`
