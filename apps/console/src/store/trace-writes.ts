import type { SqlValue } from 'seaworthy/core'
import type { SqliteTransaction } from 'seaworthy/sqlite'
import type { ObservedCall } from '../map/call-matcher.ts'
import type { SpanRow } from '../otlp/rows.ts'
import * as sql from './statements.ts'
import type { TraceChange } from './trace-summary.ts'

export type TraceCall = Pick<ObservedCall, 'caller' | 'callee' | 'traceId'>

/** @returns those that were new: senders repeat what was not confirmed */
export async function insertSpans(tx: SqliteTransaction, rows: readonly SpanRow[]): Promise<readonly SpanRow[]> {
  const [last] = await tx.query<{ id: number }>({ sql: sql.SELECT_LAST_ID })
  const inserted = await write(tx, sql.INSERT_SPANS, rows.map(columns))
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

/** Adds to traces and to what hangs on them what the spans of a batch changed. */
export async function applyChanges(tx: SqliteTransaction, changes: readonly TraceChange[], nowMs: number): Promise<void> {
  await write(
    tx,
    sql.UPSERT_TRACES,
    changes.map((change) => traceColumns(change, nowMs)),
  )
  await tx.execute({ sql: sql.UPDATE_ROUTES, params: [JSON.stringify(changes.map(({ traceId }) => traceId))] })
  await write(
    tx,
    sql.UPSERT_SERVICES,
    changes.flatMap(({ traceId, services }) => Array.from(services, ([service, firstUs]) => [traceId, service, firstUs])),
  )
  await write(
    tx,
    sql.INSERT_CORRELATIONS,
    changes.flatMap(({ traceId, correlationIds }) => Array.from(correlationIds, (correlationId) => [correlationId, traceId])),
  )
  await write(
    tx,
    sql.INSERT_ORIGINS,
    changes.flatMap(({ traceId, origins }) =>
      Array.from(origins.values(), ({ key, resource, scope, resourceSchemaUrl, scopeSchemaUrl }) => [
        traceId,
        key,
        resource,
        scope,
        resourceSchemaUrl,
        scopeSchemaUrl,
      ]),
    ),
  )
}

/** Who called whom in which trace. */
export async function insertCalls(tx: SqliteTransaction, calls: readonly TraceCall[]): Promise<void> {
  const distinct = new Map(calls.map(({ caller, callee, traceId }) => [`${caller}\n${callee}\n${traceId}`, [caller, callee, traceId]]))
  await write(tx, sql.INSERT_CALLS, [...distinct.values()])
}

/** Several rows at once, and the last few one by one. @returns how many were written */
async function write(
  tx: SqliteTransaction,
  { one, several, rowsAtOnce }: sql.RowsStatement,
  rows: readonly (readonly SqlValue[])[],
): Promise<number> {
  let written = 0
  let from = 0
  for (; from + rowsAtOnce <= rows.length; from += rowsAtOnce)
    written += (await tx.execute({ sql: several, params: rows.slice(from, from + rowsAtOnce).flat() })).rowCount
  for (const params of rows.slice(from)) written += (await tx.execute({ sql: one, params })).rowCount
  return written
}

function traceColumns({ root, ...change }: TraceChange, nowMs: number): SqlValue[] {
  return [
    change.traceId,
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
  ]
}
