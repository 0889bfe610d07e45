import type { SqliteDatabase } from 'seaworthy/sqlite'
import { type AttemptSpan, madeGood } from '../otlp/attempts.ts'
import { SELECT_ATTEMPTS } from './statements.ts'

/** What went wrong in a trace. */
export interface Faults {
  /** Spans that failed and were not made good. */
  readonly errorCount: number
  /** Failed attempts that were repeated with success. */
  readonly retriedCount: number
}

interface TraceWithErrors {
  /** Its key in the store, which another trace has when it was deleted. */
  readonly id: number
  readonly traceId: string
  readonly spanCount: number
  readonly errorCount: number
}

const REMEMBERED_MAX = 2_000

/** Tells errors from attempts that were made good. That needs the whole trace, so it is found out when a trace is listed, and remembered until the trace grows. */
export class FaultCounts {
  readonly #database: SqliteDatabase
  readonly #remembered = new Map<string, Faults & { readonly spanCount: number }>()

  constructor(database: SqliteDatabase) {
    this.#database = database
  }

  async of({ id, traceId, spanCount, errorCount }: TraceWithErrors): Promise<Faults> {
    if (errorCount === 0) return { errorCount: 0, retriedCount: 0 }
    const known = this.#remembered.get(traceId)
    if (known?.spanCount === spanCount) return known
    const rows = await this.#database.query<AttemptRow>({ sql: SELECT_ATTEMPTS, params: [id] })
    const spans = rows.map(attemptSpan)
    const good = madeGood(spans)
    const faults = {
      errorCount: spans.filter(({ spanId, isError }) => isError && !good.spans.has(spanId)).length,
      retriedCount: good.attempts.size,
      spanCount,
    }
    this.#remembered.delete(traceId)
    this.#remembered.set(traceId, faults)
    // A map keeps the order of insertion: the first is the oldest.
    if (this.#remembered.size > REMEMBERED_MAX) this.#remembered.delete(this.#remembered.keys().next().value!)
    return faults
  }
}

interface AttemptRow {
  readonly span_id: string
  readonly parent_span_id: string | null
  readonly service: string
  readonly name: string
  readonly kind: number
  readonly start_us: number
  readonly end_us: number
  readonly is_error: number
  readonly subject: string
}

function attemptSpan(row: AttemptRow): AttemptSpan {
  return {
    spanId: row.span_id,
    parentSpanId: row.parent_span_id,
    service: row.service,
    name: row.name,
    kind: row.kind,
    startUs: row.start_us,
    endUs: row.end_us,
    isError: row.is_error === 1,
    subject: row.subject,
  }
}
