import type { Propagated, SqlValue, Transaction } from 'seaworthy/core'
import type { SagaParent, SagaQuery, SagaState, SagaSummary } from 'seaworthy/saga'
import { restored, storable } from './values.ts'

const COLUMNS = 'id, saga, version, status, context, reason, started_at_ms, updated_at_ms, parent, wake_at_ms, pruned_at_ms'
const WAITS = `owner IS NULL AND (wake_at_ms IS NULL OR wake_at_ms > $2)`
const STATES: Readonly<Record<SagaState, string>> = {
  running: `status = $1 AND NOT (${WAITS})`,
  waiting: `status = $1 AND ${WAITS}`,
  // The time plays no part, and has its place all the same.
  compensating: 'status = $1 AND $2::bigint IS NOT NULL',
  completed: 'status = $1 AND $2::bigint IS NOT NULL',
  compensated: 'status = $1 AND $2::bigint IS NOT NULL',
  parked: 'status = $1 AND $2::bigint IS NOT NULL',
}

interface SummaryRow {
  readonly id: string
  readonly saga: string
  readonly version: number
  readonly status: SagaSummary['status']
  readonly context: Propagated
  readonly reason: string | null
  readonly started_at_ms: number
  readonly updated_at_ms: number
  readonly parent: SagaParent | null
  readonly wake_at_ms: number | null
  readonly pruned_at_ms: number | null
}

/** A page of sagas. seaworthy_sagas_by_status, and of one name seaworthy_sagas_by_saga: read from the newest on, no further than the page. */
export async function sagaPage(from: Pick<Transaction, 'query'>, query: SagaQuery): Promise<readonly SagaSummary[]> {
  const { before, max, state } = query
  const { where, params } = whereOf(query)
  const at = params.length
  const [behind, cursor]: [string, readonly SqlValue[]] =
    before === undefined
      ? ['', []]
      : [
          ` AND (started_at_ms, id COLLATE "C") < ($${at + 1}::bigint, $${at + 2}::text)`,
          [Math.ceil(before.startedAtMs), storable(before.id)],
        ]
  const limit = `$${at + cursor.length + 1}`
  const sql = `SELECT ${COLUMNS} FROM seaworthy_sagas WHERE ${where}${behind} ORDER BY started_at_ms DESC, id COLLATE "C" DESC LIMIT ${limit}`
  const rows = await from.query<SummaryRow>({ sql, params: [...params, ...cursor, max] })
  return rows.map((row) => summaryOf(row, state))
}

/** How many there are of a state. The same indexes: no more rows are looked at than are counted, apart from those that run and those that wait. */
export async function sagaCount(from: Pick<Transaction, 'query'>, query: Omit<SagaQuery, 'before'>): Promise<number> {
  const { where, params } = whereOf(query)
  const sql = `SELECT count(*)::int AS n FROM (SELECT FROM seaworthy_sagas WHERE ${where} LIMIT $${params.length + 1}) AS counted`
  const [row] = await from.query<{ n: number }>({ sql, params: [...params, query.max] })
  return row?.n ?? 0
}

function whereOf({ state, saga, nowMs }: Omit<SagaQuery, 'before'>): { readonly where: string; readonly params: readonly SqlValue[] } {
  const params: readonly SqlValue[] = [state === 'waiting' ? 'running' : state, Math.ceil(nowMs)]
  return saga === undefined ? { where: STATES[state], params } : { where: `${STATES[state]} AND saga = $3`, params: [...params, saga] }
}

function summaryOf(row: SummaryRow, state: SagaState): SagaSummary {
  const { wake_at_ms: wakeAtMs, pruned_at_ms: prunedAtMs } = row
  return {
    id: restored(row.id),
    saga: row.saga,
    version: row.version,
    status: row.status,
    state,
    reason: row.reason === null ? undefined : restored(row.reason),
    startedAtMs: row.started_at_ms,
    updatedAtMs: row.updated_at_ms,
    correlationId: row.context.correlationId,
    ...(row.parent !== null && { parent: row.parent }),
    ...(state === 'waiting' && wakeAtMs !== null && { wakeAtMs }),
    ...(prunedAtMs !== null && { prunedAtMs }),
  }
}
