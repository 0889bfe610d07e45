import type { SqliteDatabase } from 'seaworthy/sqlite'
import { SELECT_ORIGINS, SELECT_SPAN, SELECT_SPANS, SELECT_VERSION } from './statements.ts'

/** A trace as OTLP JSON; undefined when there is none. */
export async function storedTrace(database: SqliteDatabase, traceId: string): Promise<string | undefined> {
  return otlp(database, traceId, await database.query<SpansRow>({ sql: SELECT_SPANS, params: [traceId] }))
}

/** One of its spans, as OTLP JSON; undefined when there is none. */
export async function storedSpan(database: SqliteDatabase, traceId: string, spanId: string): Promise<string | undefined> {
  return otlp(database, traceId, await database.query<SpansRow>({ sql: SELECT_SPAN, params: [traceId, spanId] }))
}

/** See `TraceStore.version`. */
export async function storedVersion(database: SqliteDatabase, traceId: string): Promise<string | undefined> {
  const [row] = await database.query<{ span_count: number; updated_ms: number }>({ sql: SELECT_VERSION, params: [traceId] })
  return row === undefined ? undefined : `${row.span_count}-${row.updated_ms}`
}

interface SpansRow {
  readonly origin: number
  /** One or more, with commas between. */
  readonly spans: string
}

/** Where spans of a trace come from. */
export interface OriginRow {
  readonly id: number
  readonly resource: string
  readonly scope: string
  readonly resource_schema_url: string
  readonly scope_schema_url: string
}

/** The parts were JSON when they were stored; parsing 20,000 of them to write them out again would stop the event loop. */
async function otlp(database: SqliteDatabase, traceId: string, rows: readonly SpansRow[]): Promise<string | undefined> {
  if (rows.length === 0) return undefined
  const spansOf = new Map(rows.map(({ origin, spans }) => [origin, spans]))
  const origins = await database.query<OriginRow>({ sql: SELECT_ORIGINS, params: [traceId] })
  const resourceSpans = origins.flatMap((origin) => {
    const spans = spansOf.get(origin.id)
    if (spans === undefined) return []
    const scopeSchema = origin.scope_schema_url === '' ? '' : `,"schemaUrl":${JSON.stringify(origin.scope_schema_url)}`
    const resourceSchema = origin.resource_schema_url === '' ? '' : `,"schemaUrl":${JSON.stringify(origin.resource_schema_url)}`
    return `{"resource":${origin.resource},"scopeSpans":[{"scope":${origin.scope},"spans":[${spans}]${scopeSchema}}]${resourceSchema}}`
  })
  return `{"resourceSpans":[${resourceSpans.join(',')}]}`
}
