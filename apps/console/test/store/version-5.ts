import type { Statement } from 'seaworthy/core'
import { migrate, openSqliteDatabase } from 'seaworthy/sqlite'
import type { ExportTraceRequest, Span } from '../../src/otlp/model.ts'
import { type SpanRow, spanRows } from '../../src/otlp/rows.ts'
import { consoleSchema } from '../../src/store/schema.ts'

/** When the traces of the file were last added to. */
export const UPDATED_MS = 1_795_438_260_000

export interface Version5File {
  readonly path: string
  readonly request: ExportTraceRequest
  /** Before version 5 spans were stored with their ids. */
  readonly withIds: boolean
  readonly call: { readonly caller: string; readonly callee: string }
}

/** A file as a console left it whose tables were of version 5, with the traces of a request. */
export async function writeVersion5({ path, request, withIds, call }: Version5File): Promise<void> {
  const rows = spanRows(request)
  const spans = new Map(
    request.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map((span) => [idOf(span), span]))),
  )
  const statements = rows.flatMap((row) => [spanOf(row, bodyOf(spans.get(idOf(row))!, withIds)), ...originOf(row)])
  const database = await openSqliteDatabase({ path })
  await migrate(database, [{ ...consoleSchema, versions: consoleSchema.versions.slice(0, 5) }])
  await database.atomically([
    ...statements,
    ...[...Map.groupBy(rows, ({ traceId }) => traceId).values()].flatMap((of) => traceOf(of, call)),
  ])
  await database.close()
}

const idOf = ({ traceId, spanId }: { readonly traceId: string; readonly spanId: string }) => `${traceId} ${spanId}`

function bodyOf(span: Span, withIds: boolean): string {
  return withIds
    ? JSON.stringify(span)
    : JSON.stringify({ ...span, traceId: undefined, spanId: undefined, parentSpanId: undefined }).slice(1)
}

function spanOf(row: SpanRow, body: string): Statement {
  const { traceId, spanId, parentSpanId, service, name, kind, startUs, endUs, isError, subject, served, peer, origin } = row
  return {
    sql: `INSERT INTO span (trace_id, span_id, parent_span_id, service, name, kind, start_us, end_us, is_error, subject, routed_request, peer, origin_key, body)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    params: [
      traceId,
      spanId,
      parentSpanId,
      service,
      name,
      kind,
      startUs,
      endUs,
      Number(isError),
      subject,
      served?.isRouted === true ? served.request : null,
      peer,
      origin.key,
      body,
    ],
  }
}

function originOf({ traceId, service, startUs, origin, correlationId }: SpanRow): Statement[] {
  return [
    {
      sql: 'INSERT OR IGNORE INTO trace_origin VALUES (?, ?, ?, ?, ?, ?)',
      params: [traceId, origin.key, origin.resource, origin.scope, origin.resourceSchemaUrl, origin.scopeSchemaUrl],
    },
    {
      sql: 'INSERT INTO trace_service VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET first_us = min(first_us, excluded.first_us)',
      params: [traceId, service, startUs],
    },
    { sql: 'INSERT OR IGNORE INTO trace_correlation VALUES (?, ?)', params: [correlationId, traceId] },
  ]
}

function traceOf(rows: readonly SpanRow[], { caller, callee }: Version5File['call']): Statement[] {
  const root = rows.find(({ parentSpanId }) => parentSpanId === null)!
  const errors = rows.filter(({ isError }) => isError).length
  const bytes = rows.reduce((sum, { body }) => sum + body.length, 0)
  return [
    {
      sql: `INSERT INTO trace (trace_id, start_us, end_us, span_count, error_count, root_service, root_name, root_is_orphan, root_start_us, correlation_id, updated_ms, bytes, route)
        VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, 'GET /by/{route}')`,
      params: [
        root.traceId,
        Math.min(...rows.map(({ startUs }) => startUs)),
        Math.max(...rows.map(({ endUs }) => endUs)),
        rows.length,
        errors,
        root.service,
        root.name,
        root.startUs,
        root.correlationId,
        UPDATED_MS,
        bytes,
      ],
    },
    { sql: 'INSERT INTO trace_call VALUES (?, ?, ?)', params: [caller, callee, root.traceId] },
  ]
}
