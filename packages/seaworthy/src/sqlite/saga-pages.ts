import type { Propagated, SqlValue, Statement, Transaction } from 'seaworthy/core'
import type { SagaQuery, SagaState, SagaSummary } from 'seaworthy/saga'

const COLUMNS = 'id, saga, version, status, context, reason, started_at_ms, updated_at_ms, parent, wake_at_ms, pruned_at_ms'
const WAITS = `owner IS NULL AND (wake_at_ms IS NULL OR wake_at_ms > @now)`
const STATES: Readonly<Record<SagaState, string>> = {
  running: `status = 'running' AND NOT (${WAITS})`,
  waiting: `status = 'running' AND ${WAITS}`,
  compensating: `status = 'compensating'`,
  completed: `status = 'completed'`,
  compensated: `status = 'compensated'`,
  parked: `status = 'parked'`,
}

interface SummaryRow {
  readonly id: string
  readonly saga: string
  readonly version: number
  readonly status: SagaSummary['status']
  readonly context: string
  readonly reason: string | null
  readonly started_at_ms: number
  readonly updated_at_ms: number
  readonly parent: string | null
  readonly wake_at_ms: number | null
  readonly pruned_at_ms: number | null
}

/** A page of sagas. seaworthy_sagas_by_status, and of one name seaworthy_sagas_by_saga: read from the newest on, no further than the page. */
export async function sagaPage(from: Pick<Transaction, 'query'>, query: SagaQuery): Promise<readonly SagaSummary[]> {
  const { before, max, state } = query
  const [behind, cursor]: [string, readonly SqlValue[]] =
    before === undefined ? ['', []] : [' AND (started_at_ms, id) < (?, ?)', [before.startedAtMs, before.id]]
  const { where, params } = whereOf(query)
  const sql = `SELECT ${COLUMNS} FROM seaworthy_sagas WHERE ${where}${behind} ORDER BY started_at_ms DESC, id DESC LIMIT ?`
  const rows = await from.query<SummaryRow>({ sql, params: [...params, ...cursor, max] })
  return rows.map((row) => summaryOf(row, state))
}

/** How many there are of a state. The same indexes: no more rows are looked at than are counted, apart from those that run and those that wait. */
export async function sagaCount(from: Pick<Transaction, 'query'>, query: Omit<SagaQuery, 'before'>): Promise<number> {
  const { where, params } = whereOf(query)
  const sql = `SELECT count(*) AS n FROM (SELECT 1 FROM seaworthy_sagas WHERE ${where} LIMIT ?)`
  const [row] = await from.query<{ n: number }>({ sql, params: [...params, query.max] })
  return row?.n ?? 0
}

function whereOf({ state, saga, nowMs }: Omit<SagaQuery, 'before'>): {
  readonly where: string
  readonly params: NonNullable<Statement['params']>
} {
  const params: SqlValue[] = []
  const name = saga === undefined ? '' : ' AND saga = ?'
  const where = STATES[state].replaceAll('@now', () => {
    params.push(nowMs)
    return '?'
  })
  if (saga !== undefined) params.push(saga)
  return { where: where + name, params }
}

function summaryOf(row: SummaryRow, state: SagaState): SagaSummary {
  const { wake_at_ms: wakeAtMs, pruned_at_ms: prunedAtMs } = row
  return {
    id: row.id,
    saga: row.saga,
    version: row.version,
    status: row.status,
    state,
    reason: row.reason ?? undefined,
    startedAtMs: row.started_at_ms,
    updatedAtMs: row.updated_at_ms,
    correlationId: (JSON.parse(row.context) as Propagated).correlationId,
    ...(row.parent !== null && { parent: JSON.parse(row.parent) as SagaSummary['parent'] }),
    ...(state === 'waiting' && wakeAtMs !== null && { wakeAtMs }),
    ...(prunedAtMs !== null && { prunedAtMs }),
  }
}
