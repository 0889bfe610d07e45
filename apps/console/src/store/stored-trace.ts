import { setImmediate as turn } from 'node:timers/promises'
import type { SqliteDatabase } from 'seaworthy/sqlite'
import { type OtlpSpan, type OtlpTrace, type Span, attributes, processOf } from '../otlp/read-trace.ts'
import { SELECT_ORIGINS, SELECT_SOME_SPANS, SELECT_SPAN, SELECT_SPANS, SELECT_SPAN_ROWS, SELECT_VERSION } from './statements.ts'

/** Some spans of a trace, and whose each of them is. */
export interface SomeSpans {
  readonly spans: readonly OtlpSpan[]
  readonly processes: readonly Pick<Span, 'service' | 'instance'>[]
}

/** So many are read and parsed within some 30 ms, for which everybody else has to wait. */
const SPANS_AT_ONCE = 4_000

/** A trace as OTLP JSON; undefined when there is none. */
export async function storedTrace(database: SqliteDatabase, traceId: string): Promise<string | undefined> {
  return otlp(database, traceId, await database.query<BodiesRow>({ sql: SELECT_SPANS, params: [traceId] }))
}

/** One of its spans, as OTLP JSON; undefined when there is none. */
export async function storedSpan(database: SqliteDatabase, traceId: string, spanId: string): Promise<string | undefined> {
  return otlp(database, traceId, await database.query<BodiesRow>({ sql: SELECT_SPAN, params: [traceId, spanId] }))
}

/** The spans of a trace in the order in which they were stored, others getting their turn in between. */
export async function* storedSpans(database: SqliteDatabase, traceId: string): AsyncGenerator<SomeSpans, void, undefined> {
  const [row] = await database.query<{ ids: string }>({ sql: SELECT_SPAN_ROWS, params: [traceId] })
  const ids = JSON.parse(row?.ids ?? '[]') as number[]
  if (ids.length === 0) return
  const origins = await database.query<OriginRow>({ sql: SELECT_ORIGINS, params: [traceId] })
  const processes = new Map(
    origins.map(({ origin_key, resource }) => [origin_key, processOf(attributes(resourceOf(resource)?.attributes))]),
  )
  for (let from = 0; from < ids.length; from += SPANS_AT_ONCE) {
    if (from > 0) await turn()
    const params = [JSON.stringify(ids.slice(from, from + SPANS_AT_ONCE))]
    const [some] = await database.query<{ origin_keys: string; bodies: string | null }>({ sql: SELECT_SOME_SPANS, params })
    // Deleted meanwhile, to keep within the limits.
    if (some === undefined || some.bodies === null) return
    yield {
      spans: JSON.parse(`[${some.bodies}]`) as OtlpSpan[],
      processes: (JSON.parse(some.origin_keys) as string[]).map((key) => processes.get(key) ?? NOBODY),
    }
  }
}

/** See `TraceStore.version`. */
export async function storedVersion(database: SqliteDatabase, traceId: string): Promise<string | undefined> {
  const [row] = await database.query<{ span_count: number; updated_ms: number }>({ sql: SELECT_VERSION, params: [traceId] })
  return row === undefined ? undefined : `${row.span_count}-${row.updated_ms}`
}

const NOBODY = processOf([])

interface BodiesRow {
  readonly origin_key: string
  /** One or more, with commas between. */
  readonly bodies: string
}

interface OriginRow {
  readonly origin_key: string
  readonly resource: string
  readonly scope: string
  readonly resource_schema_url: string
  readonly scope_schema_url: string
}

function resourceOf(json: string) {
  return JSON.parse(json) as NonNullable<OtlpTrace['resourceSpans']>[number]['resource']
}

/** The parts were JSON when they were stored; parsing 20,000 of them to write them out again would stop the event loop. */
async function otlp(database: SqliteDatabase, traceId: string, rows: readonly BodiesRow[]): Promise<string | undefined> {
  if (rows.length === 0) return undefined
  const bodies = new Map(rows.map((each) => [each.origin_key, each.bodies]))
  const origins = await database.query<OriginRow>({ sql: SELECT_ORIGINS, params: [traceId] })
  const resourceSpans = origins.flatMap((origin) => {
    const spans = bodies.get(origin.origin_key)
    if (spans === undefined) return []
    const scopeSchema = origin.scope_schema_url === '' ? '' : `,"schemaUrl":${JSON.stringify(origin.scope_schema_url)}`
    const resourceSchema = origin.resource_schema_url === '' ? '' : `,"schemaUrl":${JSON.stringify(origin.resource_schema_url)}`
    return `{"resource":${origin.resource},"scopeSpans":[{"scope":${origin.scope},"spans":[${spans}]${scopeSchema}}]${resourceSchema}}`
  })
  return `{"resourceSpans":[${resourceSpans.join(',')}]}`
}
