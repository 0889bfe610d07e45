import { librarySchema } from './migrate.ts'
import { prepared } from './prepared.ts'

/** Tables of {@link openPostgresQueue}. */
export const queueSchema = librarySchema('seaworthy.queue', 1)

// seaworthy_queue_seen_by_time. Two go for each that comes, so that the table shrinks to the window without ever being swept.
export const FORGET_IDS = prepared(`DELETE FROM seaworthy_queue_seen WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM seaworthy_queue_seen WHERE queue = $1 AND seen_at_ms <= seaworthy_now_ms() - $2::bigint
    ORDER BY seen_at_ms LIMIT 2 FOR UPDATE SKIP LOCKED))`)
// Primary key of seaworthy_queue_seen; seaworthy_queue_messages_by_id, because a message that outlived the window is still the same message.
export const SEND = prepared(`WITH remembered AS (
    INSERT INTO seaworthy_queue_seen AS s (queue, id, seen_at_ms) VALUES ($1, $2, seaworthy_now_ms())
    ON CONFLICT (queue, id) DO UPDATE SET seen_at_ms = excluded.seen_at_ms WHERE s.seen_at_ms <= excluded.seen_at_ms - $6::bigint
    RETURNING 1
  )
  INSERT INTO seaworthy_queue_messages (queue, id, body, context, visible_at_ms, attempts)
  SELECT $1, $2, $3::json, $4::json, seaworthy_now_ms() + $5::bigint, 0 FROM remembered
  ON CONFLICT (queue, id) DO NOTHING`)

// seaworthy_queue_messages_by_visibility, a range; then the primary key. Rows that another receiver is taking are passed over.
export const LEND = prepared(`WITH ready AS MATERIALIZED (
    SELECT position, visible_at_ms FROM seaworthy_queue_messages WHERE queue = $1 AND visible_at_ms <= seaworthy_now_ms()
    ORDER BY visible_at_ms, position LIMIT $2 FOR UPDATE SKIP LOCKED
  )
  UPDATE seaworthy_queue_messages m
  SET attempts = m.attempts + 1, lease = nextval('seaworthy_queue_leases'), visible_at_ms = seaworthy_now_ms() + $3::bigint
  FROM ready WHERE m.position = ready.position
  RETURNING m.position, m.id, m.body, m.context, m.attempts, m.lease, seaworthy_now_ms() - ready.visible_at_ms AS ready_for_ms`)
// seaworthy_queue_messages_by_visibility, its first entry of the queue.
export const SELECT_NEXT_VISIBLE = `SELECT min(visible_at_ms) - seaworthy_now_ms() AS in_ms FROM seaworthy_queue_messages WHERE queue = $1`

// Primary key of seaworthy_queue_messages, in all that follow. The lease must be the delivery's own and must not have ended.
const HELD = 'position = $1 AND lease = $2 AND visible_at_ms > seaworthy_now_ms()'
export const ACKNOWLEDGE = prepared(`DELETE FROM seaworthy_queue_messages WHERE ${HELD}`)
export const EXTEND = prepared(`UPDATE seaworthy_queue_messages SET visible_at_ms = seaworthy_now_ms() + $3::bigint WHERE ${HELD}`)
export const RETURN = prepared(
  `UPDATE seaworthy_queue_messages SET lease = NULL, visible_at_ms = seaworthy_now_ms() + $3::bigint WHERE ${HELD}`,
)
// Primary key of seaworthy_queue_dead too. $4 is taken off the attempts: a hand-out that never was.
export const BURY = `WITH gone AS (DELETE FROM seaworthy_queue_messages WHERE ${HELD} RETURNING queue, id, body, context, attempts)
  INSERT INTO seaworthy_queue_dead (queue, id, body, context, attempts, reason, died_at_ms)
  SELECT queue, id, body, context, attempts - $4::int, $3, seaworthy_now_ms() FROM gone
  ON CONFLICT (queue, id) DO UPDATE
  SET body = excluded.body, context = excluded.context, attempts = excluded.attempts, reason = excluded.reason, died_at_ms = excluded.died_at_ms`

// Primary key of seaworthy_queue_dead; seaworthy_queue_messages_by_id.
export const EXHUME = `WITH gone AS (
    DELETE FROM seaworthy_queue_dead WHERE queue = $1 AND id = ANY ($2::text[]) RETURNING queue, id, body, context
  ), back AS (
    INSERT INTO seaworthy_queue_messages (queue, id, body, context, visible_at_ms, attempts)
    SELECT queue, id, body, context, seaworthy_now_ms(), 0 FROM gone
    ON CONFLICT (queue, id) DO NOTHING
  )
  SELECT count(*) AS count FROM gone`
// seaworthy_queue_dead_by_time.
export const SELECT_DEAD = `SELECT id, body, attempts, reason, died_at_ms FROM seaworthy_queue_dead WHERE queue = $1 ORDER BY died_at_ms LIMIT $2`
// seaworthy_queue_messages_by_visibility, all entries of the queue; primary key of seaworthy_queue_dead, the same.
export const SELECT_STATUS = `SELECT count(*) FILTER (WHERE visible_at_ms <= seaworthy_now_ms()) AS ready,
    count(*) FILTER (WHERE visible_at_ms > seaworthy_now_ms() AND lease IS NULL) AS delayed,
    count(*) FILTER (WHERE visible_at_ms > seaworthy_now_ms() AND lease IS NOT NULL) AS leased,
    (SELECT count(*) FROM seaworthy_queue_dead WHERE queue = $1) AS dead
  FROM seaworthy_queue_messages WHERE queue = $1`
// The same entries, but no more than $2 of each.
export const COUNT_STORED = `SELECT (SELECT count(*) FROM (SELECT FROM seaworthy_queue_messages WHERE queue = $1 LIMIT $2) m)
  + (SELECT count(*) FROM (SELECT FROM seaworthy_queue_dead WHERE queue = $1 LIMIT $2) d) AS stored`
