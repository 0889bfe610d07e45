import type { Propagated, SqlValue, Transaction } from 'seaworthy/core'
import type { SagaPruning } from 'seaworthy/saga'
import { textArray } from './values.ts'

const OVER = `status IN ('completed', 'compensated')`
// Primary key of seaworthy_sagas, for the parent. An id that JSON of PostgreSQL cannot hold is taken for that of none.
const FREE = `(parent IS NULL OR NOT EXISTS (
    SELECT FROM seaworthy_sagas p WHERE p.id = CASE WHEN strpos(s.parent::text, '\\u0000') > 0 THEN NULL ELSE s.parent ->> 'sagaId' END
      AND p.status NOT IN ('completed', 'compensated')))`
// seaworthy_sagas_over, its last entries.
const FIRST_BEYOND = `SELECT id, updated_at_ms FROM seaworthy_sagas s WHERE ${OVER} AND pruned_at_ms IS NULL
  ORDER BY updated_at_ms DESC, id COLLATE "C" DESC LIMIT 1 OFFSET $1`
// seaworthy_sagas_over, its first entries. Another process may prune at this moment: each takes others.
const TO_PRUNE = `SELECT id, context FROM seaworthy_sagas s
  WHERE ${OVER} AND pruned_at_ms IS NULL AND (updated_at_ms, id COLLATE "C") <= ($1::bigint, $2::text) AND ${FREE}
  ORDER BY updated_at_ms, id COLLATE "C" LIMIT $3 FOR UPDATE SKIP LOCKED`
// seaworthy_sagas_pruned, its first entries.
const TO_FORGET = `SELECT id FROM seaworthy_sagas s WHERE ${OVER} AND pruned_at_ms IS NOT NULL AND updated_at_ms < $1 AND ${FREE}
  ORDER BY updated_at_ms, id COLLATE "C" LIMIT $2 FOR UPDATE SKIP LOCKED`
// Primary keys.
const EMPTY = `UPDATE seaworthy_sagas s SET input = 'null', context = e.context::json, pruned_at_ms = $3
  FROM unnest($1::text[], $2::text[]) AS e (id, context) WHERE s.id = e.id`
// As text: a line may hold what JSON of PostgreSQL cannot take apart. A line begins with its step and its kind.
const CUT_JOURNALS = `DELETE FROM seaworthy_saga_journal
  WHERE saga_id = ANY ($1::text[]) AND entry::text !~ '^\\{"step":"([^"\\\\]|\\\\.)*","kind":"by-hand"'`
const DROP_JOURNALS = 'DELETE FROM seaworthy_saga_journal WHERE saga_id = ANY ($1::text[])'
const DROP_EVENTS = 'DELETE FROM seaworthy_saga_events WHERE saga_id = ANY ($1::text[])'
const DROP = 'DELETE FROM seaworthy_sagas WHERE id = ANY ($1::text[])'
// seaworthy_saga_events_by_time, its first entries.
const DROP_ORPHANS = `DELETE FROM seaworthy_saga_events WHERE (saga_id, slot) IN (
    SELECT saga_id, slot FROM seaworthy_saga_events e
    WHERE at_ms < $1 AND NOT EXISTS (SELECT FROM seaworthy_sagas WHERE id = e.saga_id) ORDER BY at_ms LIMIT $2)`

/** Lets go of what need not be kept of sagas that are over. */
export async function pruneSagas(tx: Transaction, pruning: SagaPruning): Promise<{ readonly pruned: number; readonly forgotten: number }> {
  const { overBeforeMs, keepMax, nowMs, max } = pruning
  const forgetBeforeMs = Math.ceil(pruning.forgetBeforeMs)
  const [beyond] = await tx.query<{ id: string; updated_at_ms: number }>({ sql: FIRST_BEYOND, params: [keepMax] })
  // No id is empty, so that the bound by age has none of its own moment.
  const bound: readonly SqlValue[] =
    beyond !== undefined && beyond.updated_at_ms >= overBeforeMs ? [beyond.updated_at_ms, beyond.id] : [Math.ceil(overBeforeMs), '']
  const prune = await tx.query<{ id: string; context: Propagated }>({ sql: TO_PRUNE, params: [...bound, max] })
  const forget = await tx.query<{ id: string }>({ sql: TO_FORGET, params: [forgetBeforeMs, max] })
  if (prune.length > 0) {
    const ids = textArray(prune.map(({ id }) => id))
    const contexts = textArray(prune.map(({ context: { correlationId } }) => JSON.stringify({ correlationId })))
    await tx.execute({ sql: EMPTY, params: [ids, contexts, Math.ceil(nowMs)] })
    for (const sql of [CUT_JOURNALS, DROP_EVENTS]) await tx.execute({ sql, params: [ids] })
  }
  if (forget.length > 0) {
    const ids = textArray(forget.map(({ id }) => id))
    for (const sql of [DROP_JOURNALS, DROP_EVENTS, DROP]) await tx.execute({ sql, params: [ids] })
  }
  await tx.execute({ sql: DROP_ORPHANS, params: [forgetBeforeMs, max] })
  return { pruned: prune.length, forgotten: forget.length }
}
