import type { SqliteTransaction } from 'seaworthy/sqlite'
import type { SpanRow } from '../otlp/rows.ts'
import * as sql from './statements.ts'
import type { TraceChange } from './trace-summary.ts'

/** @returns whether the span was new */
export async function insertSpan(tx: SqliteTransaction, row: SpanRow): Promise<boolean> {
  const { rowCount } = await tx.execute({
    sql: sql.INSERT_SPAN,
    params: [
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
    ],
  })
  return rowCount === 1
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
