import type { Transaction } from 'seaworthy/core'
import type { SagaPruning } from 'seaworthy/saga'

const OVER = `status IN ('completed', 'compensated')`
// Primary key of seaworthy_sagas, for the parent.
const FREE = `(parent IS NULL OR NOT EXISTS (
    SELECT 1 FROM seaworthy_sagas p WHERE p.id = json_extract(s.parent, '$.sagaId') AND p.status NOT IN ('completed', 'compensated')))`
// seaworthy_sagas_over, its last entries.
const FIRST_BEYOND = `SELECT id, updated_at_ms FROM seaworthy_sagas s WHERE ${OVER} AND pruned_at_ms IS NULL
  ORDER BY updated_at_ms DESC, id DESC LIMIT 1 OFFSET ?`
// seaworthy_sagas_over, its first entries.
const TO_PRUNE = `SELECT id FROM seaworthy_sagas s WHERE ${OVER} AND pruned_at_ms IS NULL AND (updated_at_ms, id) <= (?, ?) AND ${FREE}
  ORDER BY updated_at_ms, id LIMIT ?`
// seaworthy_sagas_pruned, its first entries.
const TO_FORGET = `SELECT id FROM seaworthy_sagas s WHERE ${OVER} AND pruned_at_ms IS NOT NULL AND updated_at_ms < ? AND ${FREE}
  ORDER BY updated_at_ms, id LIMIT ?`
const IDS = '(SELECT value FROM json_each(?1))'
// Primary keys.
const EMPTY = `UPDATE seaworthy_sagas SET input = 'null', pruned_at_ms = ?2,
    context = json_object('correlationId', json_extract(context, '$.correlationId'))
  WHERE id IN ${IDS}`
const CUT_JOURNALS = `DELETE FROM seaworthy_saga_journal WHERE saga_id IN ${IDS} AND json_extract(entry, '$.kind') <> 'by-hand'`
const DROP_JOURNALS = `DELETE FROM seaworthy_saga_journal WHERE saga_id IN ${IDS}`
const DROP_EVENTS = `DELETE FROM seaworthy_saga_events WHERE saga_id IN ${IDS}`
const DROP = `DELETE FROM seaworthy_sagas WHERE id IN ${IDS}`
// seaworthy_saga_events_by_time, its first entries.
const DROP_ORPHANS = `DELETE FROM seaworthy_saga_events WHERE (saga_id, slot) IN (
    SELECT saga_id, slot FROM seaworthy_saga_events e
    WHERE at_ms < ? AND NOT EXISTS (SELECT 1 FROM seaworthy_sagas WHERE id = e.saga_id) ORDER BY at_ms LIMIT ?)`

/** Lets go of what need not be kept of sagas that are over. */
export async function pruneSagas(tx: Transaction, pruning: SagaPruning): Promise<{ readonly pruned: number; readonly forgotten: number }> {
  const { overBeforeMs, keepMax, forgetBeforeMs, nowMs, max } = pruning
  const [beyond] = await tx.query<{ id: string; updated_at_ms: number }>({ sql: FIRST_BEYOND, params: [keepMax] })
  // No id is empty, so that the bound by age has none of its own moment.
  const [boundMs, boundId] =
    beyond !== undefined && beyond.updated_at_ms >= overBeforeMs ? [beyond.updated_at_ms, beyond.id] : [overBeforeMs, '']
  const prune = await idsOf(tx, TO_PRUNE, [boundMs, boundId, max])
  const forget = await idsOf(tx, TO_FORGET, [forgetBeforeMs, max])
  if (prune.length > 0) {
    const ids = JSON.stringify(prune)
    await tx.execute({ sql: EMPTY, params: [ids, nowMs] })
    await tx.execute({ sql: CUT_JOURNALS, params: [ids] })
    await tx.execute({ sql: DROP_EVENTS, params: [ids] })
  }
  if (forget.length > 0) {
    const ids = JSON.stringify(forget)
    for (const sql of [DROP_JOURNALS, DROP_EVENTS, DROP]) await tx.execute({ sql, params: [ids] })
  }
  await tx.execute({ sql: DROP_ORPHANS, params: [forgetBeforeMs, max] })
  return { pruned: prune.length, forgotten: forget.length }
}

async function idsOf(tx: Transaction, sql: string, params: readonly (string | number)[]): Promise<readonly string[]> {
  return (await tx.query<{ id: string }>({ sql, params })).map(({ id }) => id)
}
