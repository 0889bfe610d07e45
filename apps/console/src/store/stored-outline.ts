import { setImmediate as turn } from 'node:timers/promises'
import type { SqliteDatabase } from 'seaworthy/sqlite'
import type { OutlineColumns } from '../otlp/outline.ts'
import { type OtlpSpan, type OtlpTrace, attributes, processOf } from '../otlp/read-trace.ts'
import { SELECT_ORIGINS, SELECT_OUTLINE, SELECT_SPAN_ROWS } from './statements.ts'
import type { OriginRow } from './stored-trace.ts'

/** So many are read within some ten milliseconds, for which everybody else has to wait. */
const SPANS_AT_ONCE = 4_000

interface OutlineRow {
  readonly ids: string
  readonly parents: string
  readonly names: string
  readonly kinds: string
  readonly origins: string
  readonly start_ns: string
  readonly length_ns: string
  /** Null when none of the spans is there any more. */
  readonly attributes: string | null
  readonly reads_body: string
  readonly spans: string | null
}

/** What an outline has of a trace's spans, in the order in which they were stored, others getting their turn in between. */
export async function* storedOutline(database: SqliteDatabase, traceId: string): AsyncGenerator<OutlineColumns, void, undefined> {
  const [trace] = await database.query<{ base_seconds: number; ids: string }>({ sql: SELECT_SPAN_ROWS, params: [traceId] })
  if (trace === undefined) return
  const ids = JSON.parse(trace.ids) as number[]
  const origins = await database.query<OriginRow>({ sql: SELECT_ORIGINS, params: [traceId] })
  const processes = new Map(origins.map(({ id, resource }) => [id, processOf(attributes(resourceOf(resource)?.attributes))]))
  const baseSeconds = trace.base_seconds
  for (let from = 0; from < ids.length; from += SPANS_AT_ONCE) {
    if (from > 0) await turn()
    const params = [traceId, JSON.stringify(ids.slice(from, from + SPANS_AT_ONCE)), baseSeconds]
    const [row] = await database.query<OutlineRow>({ sql: SELECT_OUTLINE, params })
    // Deleted meanwhile, to keep within the limits.
    if (row === undefined || row.attributes === null) return
    yield {
      baseSeconds,
      ids: row.ids,
      parents: JSON.parse(row.parents) as (string | null)[],
      names: JSON.parse(row.names) as string[],
      kinds: row.kinds,
      processes: (JSON.parse(row.origins) as number[]).map((id) => processes.get(id) ?? NOBODY),
      startNs: row.start_ns,
      lengthNs: row.length_ns,
      attributes: row.attributes.split('\n'),
      whole: row.spans === null ? [] : wholeSpans(row.reads_body, row.spans),
    }
  }
}

const NOBODY = processOf([])

function resourceOf(json: string) {
  return JSON.parse(json) as NonNullable<OtlpTrace['resourceSpans']>[number]['resource']
}

/** With their places among all. */
function wholeSpans(readsBody: string, spans: string): OutlineColumns['whole'] {
  const parsed = JSON.parse(`[${spans}]`) as OtlpSpan[]
  let next = 0
  return (JSON.parse(readsBody) as number[]).flatMap((reads, place) => (reads === 1 ? [[place, parsed[next++]!] as const] : []))
}
