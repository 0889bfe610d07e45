import type { SqliteTransaction } from 'seaworthy/sqlite'
import type { SpanRow } from '../otlp/rows.ts'
import * as sql from './statements.ts'
import { type TraceChange, traceChanges } from './trace-summary.ts'
import { type Keys, type TraceCall, applyChanges, insertCalls, insertSpans, originKeys } from './trace-writes.ts'

/** Spans, and who called whom in their traces or in earlier ones. */
export interface TraceBatch {
  readonly rows: readonly SpanRow[]
  readonly calls: readonly TraceCall[]
  /** Spans of one trace at most. */
  readonly spansPerTraceMax: number
  readonly nowMs: number
}

/** What a batch changed. */
export interface StoredBatch {
  readonly stored: number
  /** Over the limit of their trace. */
  readonly dropped: number
  readonly changes: readonly TraceChange[]
  /** Traces that were there before, by their ids, and whether they are among the slow and failed ones. */
  readonly known: ReadonlyMap<string, { readonly isKept: boolean }>
}

interface KnownTrace {
  readonly trace_id: string
  readonly id: number
  readonly span_count: number
  readonly is_kept: number
}

/** Stores a batch; a span that is there already is passed over, because senders repeat what was not confirmed. */
export async function storeBatch(tx: SqliteTransaction, { rows, calls, spansPerTraceMax, nowMs }: TraceBatch): Promise<StoredBatch> {
  const traceIds = new Set(rows.map(({ traceId }) => traceId))
  const asked = [...new Set([...traceIds, ...calls.map(({ traceId }) => traceId)])]
  const found = await tx.query<KnownTrace>({ sql: sql.SELECT_KNOWN_TRACES, params: [JSON.stringify(asked)] })
  const known = new Map(found.map(({ trace_id, is_kept }) => [trace_id, { isKept: is_kept === 1 }]))
  const traces = new Map(found.map(({ trace_id, id }) => [trace_id, id]))
  const [last] = await tx.query<{ id: number }>({ sql: sql.SELECT_LAST_TRACE })
  let lastId = last?.id ?? 0
  for (const traceId of traceIds) if (!known.has(traceId)) traces.set(traceId, ++lastId)
  const origins = await originKeys(tx, rows)
  const keys = { traces, origins: origins.keys }
  const counts = new Map(found.map(({ trace_id, span_count }) => [trace_id, span_count]))
  const { stored, dropped } = await insertWithin(spansPerTraceMax, { tx, rows, keys, counts })
  const changes = traceChanges(stored)
  await applyChanges(tx, changes, keys, nowMs)
  await insertCalls(tx, calls, traces)
  // Of spans that were not stored.
  if (stored.length < rows.length && origins.added.length > 0)
    await tx.execute({ sql: sql.DELETE_UNUSED_ORIGINS, params: [JSON.stringify(origins.added)] })
  return { stored: stored.length, dropped, changes, known }
}

interface Insertion {
  readonly tx: SqliteTransaction
  readonly rows: readonly SpanRow[]
  readonly keys: Keys
  /** Of traces that were there before, how many spans they have. */
  readonly counts: Map<string, number>
}

/** Many at once, unless one of their traces may be at its limit: then a span that was there already must not count. */
async function insertWithin(
  spansPerTraceMax: number,
  { tx, rows, keys, counts }: Insertion,
): Promise<{ readonly stored: readonly SpanRow[]; readonly dropped: number }> {
  const coming = new Map<string, number>()
  for (const { traceId } of rows) coming.set(traceId, (coming.get(traceId) ?? 0) + 1)
  const hasRoom = [...coming].every(([traceId, count]) => (counts.get(traceId) ?? 0) + count <= spansPerTraceMax)
  if (hasRoom) return { stored: await insertSpans(tx, rows, keys), dropped: 0 }
  const stored: SpanRow[] = []
  let dropped = 0
  for (const row of rows) {
    const count = counts.get(row.traceId) ?? 0
    if (count >= spansPerTraceMax) dropped++
    else if ((await insertSpans(tx, [row], keys)).length === 1) {
      stored.push(row)
      counts.set(row.traceId, count + 1)
    }
  }
  return { stored, dropped }
}
