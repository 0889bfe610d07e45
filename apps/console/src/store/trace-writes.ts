import type { SqlValue } from 'seaworthy/core'
import type { SqliteTransaction } from 'seaworthy/sqlite'
import type { SpanRow } from '../otlp/rows.ts'
import * as sql from './statements.ts'
import type { TraceChange } from './trace-summary.ts'

/** @returns those that were new: senders repeat what was not confirmed */
export async function insertSpans(tx: SqliteTransaction, rows: readonly SpanRow[]): Promise<readonly SpanRow[]> {
  const [last] = await tx.query<{ id: number }>({ sql: sql.SELECT_LAST_ID })
  let inserted = 0
  let from = 0
  for (; from + sql.SPANS_AT_ONCE <= rows.length; from += sql.SPANS_AT_ONCE) {
    const params = rows.slice(from, from + sql.SPANS_AT_ONCE).flatMap(columns)
    inserted += (await tx.execute({ sql: sql.INSERT_SPANS, params })).rowCount
  }
  for (const row of rows.slice(from)) inserted += (await tx.execute({ sql: sql.INSERT_SPAN, params: columns(row) })).rowCount
  if (inserted === rows.length) return rows
  const found = await tx.query<{ trace_id: string; span_id: string }>({ sql: sql.SELECT_IDS_AFTER, params: [last?.id ?? 0] })
  const fresh = new Set(found.map(({ trace_id, span_id }) => `${trace_id}${span_id}`))
  // Of two of one id the first was stored.
  return rows.filter(({ traceId, spanId }) => fresh.delete(`${traceId}${spanId}`))
}

function columns(row: SpanRow): SqlValue[] {
  return [
    row.traceId,
    row.spanId,
    row.parentSpanId,
    row.service,
    row.name,
    row.kind,
    row.startUs,
    row.endUs,
    Number(row.isError),
    row.subject,
    row.served?.isRouted === true ? row.served.request : null,
    row.peer,
    row.origin.key,
    row.body,
  ]
}

/** Adds to a trace and to what hangs on it what the spans of a batch changed. */
export async function applyChange(tx: SqliteTransaction, change: TraceChange, nowMs: number): Promise<void> {
  const { traceId, root } = change
  await tx.execute({
    sql: sql.UPSERT_TRACE,
    params: [
      traceId,
      change.startUs,
      change.endUs,
      change.spanCount,
      change.bytes,
      change.errorCount,
      Number(change.saysRejected),
      change.correlationId,
      nowMs,
      root.service,
      root.name,
      Number(root.isOrphan),
      root.startUs,
      root.outcome,
      root.httpStatus,
      Number(root.isBackground),
      root.unroutedRequest,
    ],
  })
  await tx.execute({ sql: sql.UPDATE_ROUTE, params: [traceId] })
  for (const [service, firstUs] of change.services) await tx.execute({ sql: sql.UPSERT_SERVICE, params: [traceId, service, firstUs] })
  for (const correlationId of change.correlationIds) await tx.execute({ sql: sql.INSERT_CORRELATION, params: [correlationId, traceId] })
  for (const origin of change.origins.values()) {
    await tx.execute({
      sql: sql.INSERT_ORIGIN,
      params: [traceId, origin.key, origin.resource, origin.scope, origin.resourceSchemaUrl, origin.scopeSchemaUrl],
    })
  }
}
