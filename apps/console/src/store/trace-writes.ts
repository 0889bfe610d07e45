import type { SqlValue } from 'seaworthy/core'
import type { SqliteTransaction } from 'seaworthy/sqlite'
import type { ObservedCall } from '../map/call-matcher.ts'
import type { SpanRow } from '../otlp/rows.ts'
import * as sql from './statements.ts'
import type { TraceChange } from './trace-summary.ts'

export type TraceCall = Pick<ObservedCall, 'caller' | 'callee' | 'traceId'>

/** Keys in the store, by what they stand for. */
export interface Keys {
  /** By the ids of the traces, those included that get their first spans now. */
  readonly traces: ReadonlyMap<string, number>
  /** By what {@link SpanRow.origin} calls its key. */
  readonly origins: ReadonlyMap<string, number>
}

/** The keys of the origins of some spans. */
export interface OriginKeys {
  readonly keys: ReadonlyMap<string, number>
  /** Those that were not there before. */
  readonly added: readonly number[]
}

export async function originKeys(tx: SqliteTransaction, rows: readonly SpanRow[]): Promise<OriginKeys> {
  const origins = new Map(rows.map(({ origin }) => [origin.key, origin]))
  const known = await tx.query<{ key: string; id: number }>({
    sql: sql.SELECT_ORIGINS_BY_KEY,
    params: [JSON.stringify([...origins.keys()])],
  })
  const keys = new Map(known.map(({ key, id }) => [key, id]))
  const added: number[] = []
  for (const { key, service, resource, scope, resourceSchemaUrl, scopeSchemaUrl } of origins.values()) {
    if (keys.has(key)) continue
    const params = [key, service, resource, scope, resourceSchemaUrl, scopeSchemaUrl]
    const [inserted] = await tx.query<{ id: number }>({ sql: sql.INSERT_ORIGIN, params })
    keys.set(key, inserted!.id)
    added.push(inserted!.id)
  }
  return { keys, added }
}

/** @returns those that were new: senders repeat what was not confirmed */
export async function insertSpans(tx: SqliteTransaction, rows: readonly SpanRow[], keys: Keys): Promise<readonly SpanRow[]> {
  const [last] = await tx.query<{ id: number }>({ sql: sql.SELECT_LAST_SPAN })
  const columns = rows.map((row) => spanColumns(row, keys))
  const inserted = await write(tx, sql.INSERT_SPANS, columns)
  if (inserted === rows.length) return rows
  const found = await tx.query<{ trace: number; span_id: string }>({ sql: sql.SELECT_SPANS_AFTER, params: [last?.id ?? 0] })
  const fresh = new Set(found.map(({ trace, span_id }) => `${trace} ${span_id}`))
  // Of two of one id the first was stored.
  return rows.filter(({ traceId, spanId }) => fresh.delete(`${keys.traces.get(traceId)!} ${spanId}`))
}

function spanColumns(row: SpanRow, { traces, origins }: Keys): SqlValue[] {
  return [
    traces.get(row.traceId)!,
    row.spanId,
    row.parentSpanId,
    origins.get(row.origin.key)!,
    row.kind,
    // Digits, which SQLite makes an integer of 64 bits: a number has 53.
    row.startNanos,
    row.endNanos,
    Number(row.isError),
    Number(row.outlineReadsBody),
    row.name,
    row.subject,
    row.peer,
    row.outlineAttributes,
    row.body,
  ]
}

/** Adds to traces and to what hangs on them what the spans of a batch changed. */
export async function applyChanges(tx: SqliteTransaction, changes: readonly TraceChange[], keys: Keys, nowMs: number): Promise<void> {
  const keyed = changes.map((change) => ({ ...change, id: keys.traces.get(change.traceId)! }))
  const rows = keyed.map((change) => traceColumns(change, nowMs))
  await write(tx, sql.UPSERT_TRACES, rows)
  const origins = keyed.flatMap(({ id, origins }) => Array.from(origins, ([key, firstUs]) => [id, keys.origins.get(key)!, firstUs]))
  await write(tx, sql.UPSERT_ORIGINS, origins)
  const correlations = keyed.flatMap(({ id, correlationIds }) => Array.from(correlationIds, (correlationId) => [correlationId, id]))
  await write(tx, sql.INSERT_CORRELATIONS, correlations)
  const routes = keyed.flatMap(({ id, routes }) => Array.from(routes, ([request, { startUs, name }]) => [id, request, startUs, name]))
  await write(tx, sql.UPSERT_ROUTES, routes)
  await tx.execute({ sql: sql.UPDATE_ROUTES, params: [JSON.stringify(keyed.map(({ id }) => id))] })
}

/** Who called whom in which trace. A call may be known when its trace is no more. */
export async function insertCalls(tx: SqliteTransaction, calls: readonly TraceCall[], traces: Keys['traces']): Promise<void> {
  const distinct = new Map<string, SqlValue[]>()
  for (const { caller, callee, traceId } of calls) {
    const trace = traces.get(traceId)
    if (trace !== undefined) distinct.set(`${trace}\n${caller}\n${callee}`, [trace, caller, callee])
  }
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

function traceColumns({ id, root, ...change }: TraceChange & { readonly id: number }, nowMs: number): SqlValue[] {
  return [
    id,
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
