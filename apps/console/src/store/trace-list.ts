import type { SqliteDatabase } from 'seaworthy/sqlite'
import type { Outcome } from '../otlp/outcome.ts'
import type { FaultCounts, Faults } from './faults.ts'
import { SELECT_TRACES } from './statements.ts'

export interface TraceFilter {
  readonly limit: number
  readonly correlationId?: string | undefined
  readonly service?: string | undefined
  readonly minDurationMs?: number | undefined
  /** Only traces in which one called the other. */
  readonly call?: { readonly caller: string; readonly callee: string } | undefined
  readonly outcome?: Outcome | undefined
  /** Without traces that nobody asked for: polls, projections, timers. */
  readonly hidesBackground?: boolean | undefined
  /** Part of the request's name, of a service, or the beginning of a trace or correlation id. */
  readonly text?: string | undefined
  /** Only traces that come after this one in the list: where the next page begins. */
  readonly after?: TraceCursor | undefined
}

/** A place in the list. The id too, because many senders count whole milliseconds, in which several traces begin. */
export interface TraceCursor {
  /** Microseconds since the epoch. */
  readonly startUs: number
  readonly traceId: string
}

export interface TraceSummary {
  readonly traceId: string
  /** Where it began, and what was asked for: by the deepest route that is known. */
  readonly root: { readonly service: string; readonly name: string }
  /** How the root's request ended; `rejected` too when an event such as `order.rejected` says so. */
  readonly outcome: Outcome
  /** The root's answer; null when it was no HTTP request, or is not known yet. */
  readonly httpStatus: number | null
  /** RFC 3339, UTC. */
  readonly startTime: string
  readonly startUs: number
  readonly durationMs: number
  readonly spanCount: number
  /** Spans that failed and were not made good by a repetition. */
  readonly errorCount: number
  /** Attempts that failed and were repeated with success. */
  readonly retriedCount: number
  /** In the order of their first spans. */
  readonly services: readonly string[]
  readonly correlationId: string | null
}

/** The traces that match, the newest first. */
export async function listTraces(
  database: SqliteDatabase,
  faultCounts: FaultCounts,
  filter: TraceFilter,
): Promise<readonly TraceSummary[]> {
  const rows = await database.query<TraceRow>({
    sql: SELECT_TRACES,
    params: [
      filter.after?.startUs ?? Number.MAX_SAFE_INTEGER,
      filter.service ?? null,
      filter.minDurationMs === undefined ? null : Math.round(filter.minDurationMs * 1_000),
      filter.outcome ?? null,
      filter.correlationId ?? null,
      filter.text === undefined || filter.text.trim() === '' ? null : filter.text.trim().toLowerCase(),
      filter.limit,
      filter.after?.traceId ?? '',
      Number(filter.hidesBackground !== true),
      filter.call?.caller ?? null,
      filter.call?.callee ?? null,
    ],
  })
  const summaries: TraceSummary[] = []
  for (const row of rows) {
    const faults = await faultCounts.of({ id: row.id, traceId: row.trace_id, spanCount: row.span_count, errorCount: row.error_count })
    summaries.push(summary(row, faults))
  }
  return summaries
}

interface TraceRow {
  readonly id: number
  readonly trace_id: string
  readonly start_us: number
  readonly end_us: number
  readonly span_count: number
  readonly error_count: number
  readonly root_service: string
  readonly name: string
  readonly root_http_status: number | null
  readonly outcome: Outcome
  readonly correlation_id: string | null
  readonly services: string
}

function summary(row: TraceRow, { errorCount, retriedCount }: Faults): TraceSummary {
  return {
    traceId: row.trace_id,
    root: { service: row.root_service, name: row.name },
    outcome: row.outcome,
    httpStatus: row.root_http_status,
    startTime: new Date(row.start_us / 1_000).toISOString(),
    startUs: row.start_us,
    durationMs: (row.end_us - row.start_us) / 1_000,
    spanCount: row.span_count,
    errorCount,
    retriedCount,
    services: JSON.parse(row.services) as string[],
    correlationId: row.correlation_id,
  }
}
