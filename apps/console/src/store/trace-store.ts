import { type Clock, systemClock } from 'seaworthy/core'
import { type SqliteDatabase, migrate, openSqliteDatabase } from 'seaworthy/sqlite'
import type { CallSpan } from '../map/call-matcher.ts'
import { type KeyValue, scalarAttributes } from '../otlp/model.ts'
import { type AttributeText, isCallersAffair } from '../otlp/outcome.ts'
import type { OutlineColumns } from '../otlp/outline.ts'
import type { SpanRow } from '../otlp/rows.ts'
import { FaultCounts } from './faults.ts'
import type { Stock } from './retention.ts'
import { consoleSchema } from './schema.ts'
import * as sql from './statements.ts'
import { storedOutline } from './stored-outline.ts'
import { storedSpan, storedTrace, storedVersion } from './stored-trace.ts'
import { storeBatch } from './trace-batch.ts'
import { type TraceFilter, type TraceSummary, listTraces } from './trace-list.ts'
import type { TraceCall } from './trace-writes.ts'
import { type TrimmedCounts, Trimming } from './trimming.ts'

export interface TraceStoreOptions {
  /** The SQLite file. */
  readonly path: string
  /** Traces kept at most. Default 20,000. */
  readonly tracesMax?: number
  /** Bytes that they may take in the file. Default 512 MiB: some 7,000 checkouts of the shop. */
  readonly bytesMax?: number
  /** How long a trace is kept after its last span came, in milliseconds. Default 7 days. */
  readonly ageMaxMs?: number
  /** The same for one that failed, or that was slow for its kind. Default 30 days. */
  readonly keptAgeMaxMs?: number
  /** Spans of one trace kept at most: a loop that calls itself must not push everything else out. Default 50,000. */
  readonly spansPerTraceMax?: number
  readonly clock?: Clock
}

/** What became of a batch. Spans that were there already count as neither. */
export interface WriteResult {
  readonly stored: number
  /** Over the limit of their trace. */
  readonly dropped: number
}

/** A trace by what it was asked for. */
export interface OperationTrace {
  readonly traceId: string
  readonly service: string
  readonly name: string
  readonly durationMs: number
  readonly spanCount: number
}

export interface EntrySpan {
  readonly service: string
  readonly endUs: number
  readonly durationMs: number
  readonly isError: boolean
}

const DAY_MS = 86_400_000

/** What is there, counted since the start and kept right. */
interface Counts {
  traces: number
  spans: number
  bytes: number
  keptTraces: number
  keptBytes: number
}

/** Traces in one SQLite file, within limits of number, bytes and age. */
export class TraceStore {
  readonly #database: SqliteDatabase
  readonly #clock: Clock
  readonly #faults: FaultCounts
  readonly #trimming: Trimming
  readonly #spansPerTraceMax: number
  #stock: Counts = { traces: 0, spans: 0, bytes: 0, keptTraces: 0, keptBytes: 0 }

  private constructor(database: SqliteDatabase, options: TraceStoreOptions) {
    this.#database = database
    this.#faults = new FaultCounts(database)
    this.#clock = options.clock ?? systemClock
    this.#spansPerTraceMax = options.spansPerTraceMax ?? 50_000
    const limits = {
      tracesMax: options.tracesMax ?? 20_000,
      bytesMax: options.bytesMax ?? 512 << 20,
      ageMaxMs: options.ageMaxMs ?? 7 * DAY_MS,
      keptAgeMaxMs: options.keptAgeMaxMs ?? 30 * DAY_MS,
    }
    this.#trimming = new Trimming(database, limits, this.#clock)
  }

  static async open(options: TraceStoreOptions): Promise<TraceStore> {
    // Traces are worth a file, not an fsync for each batch: a power cut costs the newest.
    const database = await openSqliteDatabase({ path: options.path, durability: 'process-crash' })
    const store = new TraceStore(database, options)
    try {
      await migrate(database, [consoleSchema])
      await store.#count()
      await store.#trimming.start()
    } catch (error) {
      await database.close()
      throw error
    }
    return store
  }

  get counts(): { readonly traces: number; readonly spans: number; readonly kept: number } {
    const { traces, spans, keptTraces } = this.#stock
    return { traces, spans, kept: keptTraces }
  }

  /** What was deleted to keep within the limits, since the start. */
  get trimmed(): TrimmedCounts {
    return this.#trimming.counts
  }

  async #count(): Promise<void> {
    const [row] = await this.#database.query<Counts>({ sql: sql.COUNT })
    if (row !== undefined) this.#stock = { ...row }
  }

  /** Stores spans, and who called whom in their traces or in earlier ones; a span that is there already is passed over. */
  async write(rows: readonly SpanRow[], calls: readonly TraceCall[] = []): Promise<WriteResult> {
    const batch = { rows, calls, spansPerTraceMax: this.#spansPerTraceMax, nowMs: this.#clock.now() }
    const { stored, dropped, changes, known } = await this.#database.transaction((tx) => storeBatch(tx, batch))
    for (const { traceId, spanCount, bytes } of changes) {
      const before = known.get(traceId)
      this.#stock.spans += spanCount
      this.#stock.bytes += bytes
      if (before === undefined) this.#stock.traces++
      else if (before.isKept) this.#stock.keptBytes += bytes
    }
    return { stored, dropped }
  }

  /** The newest first. */
  list(filter: TraceFilter): Promise<readonly TraceSummary[]> {
    return listTraces(this.#database, this.#faults, filter)
  }

  /** A trace as OTLP JSON; undefined when there is none. */
  trace(traceId: string): Promise<string | undefined> {
    return storedTrace(this.#database, traceId)
  }

  /** One span of it in the same form. */
  span(traceId: string, spanId: string): Promise<string | undefined> {
    return storedSpan(this.#database, traceId, spanId)
  }

  /** What an outline has of a trace's spans, some thousand at a time; nothing when there is no such trace. */
  outline(traceId: string): AsyncGenerator<OutlineColumns, void, undefined> {
    return storedOutline(this.#database, traceId)
  }

  /** A text that is another one when spans have come to the trace, or gone; undefined when there is no such trace. */
  version(traceId: string): Promise<string | undefined> {
    return storedVersion(this.#database, traceId)
  }

  /** Traces that somebody asked for, of one operation or of all. The newest first. */
  async operationTraces(wanted: {
    readonly service?: string
    readonly name?: string
    readonly limit: number
  }): Promise<readonly OperationTrace[]> {
    const rows = await this.#database.query<{
      trace_id: string
      root_service: string
      name: string
      duration_us: number
      span_count: number
    }>({
      sql: sql.SELECT_OPERATION_TRACES,
      params: [wanted.service ?? null, wanted.name ?? null, wanted.limit],
    })
    return rows.map(({ trace_id, root_service, name, duration_us, span_count }) => ({
      traceId: trace_id,
      service: root_service,
      name,
      durationMs: duration_us / 1_000,
      spanCount: span_count,
    }))
  }

  /** Spans by which work entered a service since a time, for the figures of the last minutes. */
  async entrySpansSince(sinceMs: number, max: number): Promise<readonly EntrySpan[]> {
    const rows = await this.#database.query<{ service: string; start_us: number; end_us: number; is_error: number }>({
      sql: sql.SELECT_ENTRY_SPANS,
      params: [sinceMs, max],
    })
    return rows.map(({ service, start_us, end_us, is_error }) => ({
      service,
      endUs: end_us,
      durationMs: (end_us - start_us) / 1_000,
      isError: is_error === 1,
    }))
  }

  /** Spans that say who called whom, of traces that grew since a time: for the map. */
  async callSpansSince(sinceMs: number, max: number): Promise<readonly CallSpan[]> {
    const rows = await this.#database.query<CallSpanRow>({ sql: sql.SELECT_CALL_SPANS, params: [sinceMs, max] })
    return rows.map((row) => ({
      traceId: row.trace_id,
      spanId: row.span_id,
      parentSpanId: row.parent_span_id,
      service: row.service,
      kind: row.kind,
      startUs: row.start_us,
      endUs: row.end_us,
      isFailedCall: row.error_attributes !== null && !isCallersAffair(attributesIn(row.error_attributes)),
      peer: row.peer,
    }))
  }

  /** Whether something has to go before more may come. */
  async isFull(): Promise<boolean> {
    return this.#trimming.isFull(await this.#stockNow())
  }

  /** Deletes a little of what is over the limits. @returns whether there was something */
  async prune(): Promise<boolean> {
    const trimmed = await this.#trimming.step(await this.#stockNow())
    if (trimmed === undefined) return false
    this.#stock.traces -= trimmed.traces
    this.#stock.spans -= trimmed.spans
    this.#stock.bytes -= trimmed.bytes
    this.#stock.keptTraces -= trimmed.keptTraces
    this.#stock.keptBytes -= trimmed.keptBytes
    return true
  }

  async #stockNow(): Promise<Stock> {
    return { ...this.#stock, usedBytes: await this.#trimming.usedBytes() }
  }

  close(): Promise<void> {
    return this.#database.close()
  }
}

interface CallSpanRow {
  readonly trace_id: string
  readonly span_id: string
  readonly parent_span_id: string | null
  readonly service: string
  readonly kind: number
  readonly start_us: number
  readonly end_us: number
  /** Null of what did not fail. */
  readonly error_attributes: string | null
  readonly peer: CallSpan['peer']
}

/** @param text as {@link SpanRow.outlineAttributes} */
function attributesIn(text: string): AttributeText {
  const scalars = scalarAttributes(JSON.parse(`[${text}]`) as KeyValue[])
  return (key) => scalars.get(key)
}
