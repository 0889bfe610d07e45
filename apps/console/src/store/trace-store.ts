import { type Clock, systemClock } from 'seaworthy/core'
import { type SqliteDatabase, migrate, openSqliteDatabase } from 'seaworthy/sqlite'
import type { SpanRow } from '../otlp/rows.ts'
import { FaultCounts } from './faults.ts'
import { consoleSchema } from './schema.ts'
import * as sql from './statements.ts'
import { type TraceFilter, type TraceSummary, listTraces } from './trace-list.ts'
import { traceChanges } from './trace-summary.ts'
import { applyChange, insertSpan } from './trace-writes.ts'

export interface TraceStoreOptions {
  /** The SQLite file. */
  readonly path: string
  /** Traces kept at most. Default 20,000. */
  readonly tracesMax?: number
  /** Bytes that they may take in the file. Default 512 MiB: some 7,000 checkouts of the shop. */
  readonly bytesMax?: number
  /** How long a trace is kept after its last span came, in milliseconds. Default 7 days. */
  readonly ageMaxMs?: number
  /** Spans of one trace kept at most: a loop that calls itself must not push everything else out. Default 20,000. */
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
/** Traces deleted in one transaction: some milliseconds of work, between which others get their turn. */
const PRUNE_BATCH = 50

/** Traces in one SQLite file, within limits of number, bytes and age. */
export class TraceStore {
  readonly #database: SqliteDatabase
  readonly #clock: Clock
  readonly #faults: FaultCounts
  readonly #limits: { readonly tracesMax: number; readonly bytesMax: number; readonly ageMaxMs: number; readonly spansPerTraceMax: number }
  #traces = 0
  #spans = 0

  private constructor(database: SqliteDatabase, options: TraceStoreOptions) {
    this.#database = database
    this.#faults = new FaultCounts(database)
    this.#clock = options.clock ?? systemClock
    this.#limits = {
      tracesMax: options.tracesMax ?? 20_000,
      bytesMax: options.bytesMax ?? 512 << 20,
      ageMaxMs: options.ageMaxMs ?? 7 * DAY_MS,
      spansPerTraceMax: options.spansPerTraceMax ?? 20_000,
    }
  }

  static async open(options: TraceStoreOptions): Promise<TraceStore> {
    // Traces are worth a file, not an fsync for each batch: a power cut costs the newest.
    const database = await openSqliteDatabase({ path: options.path, durability: 'process-crash' })
    const store = new TraceStore(database, options)
    try {
      await migrate(database, [consoleSchema])
      await store.#count()
    } catch (error) {
      await database.close()
      throw error
    }
    return store
  }

  get counts(): { readonly traces: number; readonly spans: number } {
    return { traces: this.#traces, spans: this.#spans }
  }

  async #count(): Promise<void> {
    const [row] = await this.#database.query<{ traces: number; spans: number }>({ sql: sql.COUNT })
    this.#traces = row?.traces ?? 0
    this.#spans = row?.spans ?? 0
  }

  /** Stores spans; one that is there already is passed over, because senders repeat what was not confirmed. */
  async write(rows: readonly SpanRow[]): Promise<WriteResult> {
    const traceIds = JSON.stringify([...new Set(rows.map(({ traceId }) => traceId))])
    const { stored, dropped, newTraces } = await this.#database.transaction(async (tx) => {
      const known = new Map<string, number>()
      for (const row of await tx.query<{ trace_id: string; span_count: number }>({ sql: sql.SELECT_SPAN_COUNTS, params: [traceIds] })) {
        known.set(row.trace_id, row.span_count)
      }
      const counts = new Map(known)
      const stored: SpanRow[] = []
      let dropped = 0
      for (const row of rows) {
        const count = counts.get(row.traceId) ?? 0
        if (count >= this.#limits.spansPerTraceMax) {
          dropped++
          continue
        }
        if (await insertSpan(tx, row)) {
          stored.push(row)
          counts.set(row.traceId, count + 1)
        }
      }
      const changes = traceChanges(stored)
      for (const change of changes) await applyChange(tx, change, this.#clock.now())
      return { stored, dropped, newTraces: changes.filter(({ traceId }) => !known.has(traceId)).length }
    })
    this.#spans += stored.length
    this.#traces += newTraces
    return { stored: stored.length, dropped }
  }

  /** The newest first. */
  list(filter: TraceFilter): Promise<readonly TraceSummary[]> {
    return listTraces(this.#database, this.#faults, filter)
  }

  /** A trace as OTLP JSON; undefined when there is none. */
  async trace(traceId: string): Promise<string | undefined> {
    const spans = await this.#database.query<{ origin_key: string; body: string }>({ sql: sql.SELECT_SPANS, params: [traceId] })
    if (spans.length === 0) return undefined
    const origins = await this.#database.query<OriginRow>({ sql: sql.SELECT_ORIGINS, params: [traceId] })
    const bodies = new Map<string, string[]>(origins.map(({ origin_key }) => [origin_key, []]))
    for (const { origin_key, body } of spans) bodies.get(origin_key)?.push(body)
    // The parts were JSON when they were stored; parsing 20,000 of them to write them out again would stop the event loop.
    const resourceSpans = origins.map((origin) => {
      const scopeSchema = origin.scope_schema_url === '' ? '' : `,"schemaUrl":${JSON.stringify(origin.scope_schema_url)}`
      const resourceSchema = origin.resource_schema_url === '' ? '' : `,"schemaUrl":${JSON.stringify(origin.resource_schema_url)}`
      const scopeSpans = `{"scope":${origin.scope},"spans":[${bodies.get(origin.origin_key)!.join(',')}]${scopeSchema}}`
      return `{"resource":${origin.resource},"scopeSpans":[${scopeSpans}]${resourceSchema}}`
    })
    return `{"resourceSpans":[${resourceSpans.join(',')}]}`
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
      params: [sinceMs, sinceMs * 1_000, max],
    })
    return rows.map(({ service, start_us, end_us, is_error }) => ({
      service,
      endUs: end_us,
      durationMs: (end_us - start_us) / 1_000,
      isError: is_error === 1,
    }))
  }

  /** Deletes the oldest traces beyond the limits, a few at a time. @returns whether more are to be deleted */
  async prune(): Promise<boolean> {
    const { tracesMax, bytesMax, ageMaxMs } = this.#limits
    const [used] = await this.#database.query<{ bytes: number }>({ sql: sql.SELECT_USED_BYTES })
    const hasTooManyBytes = used!.bytes > bytesMax
    const isFull = hasTooManyBytes || this.#traces > tracesMax
    const oldestMs = isFull ? Number.MAX_SAFE_INTEGER : this.#clock.now() - ageMaxMs
    const limit = isFull && !hasTooManyBytes ? Math.min(PRUNE_BATCH, this.#traces - tracesMax) : PRUNE_BATCH
    const old = await this.#database.query<{ trace_id: string; span_count: number }>({ sql: sql.SELECT_OLDEST, params: [oldestMs, limit] })
    if (old.length === 0) return false
    const traceIds = JSON.stringify(old.map(({ trace_id }) => trace_id))
    await this.#database.atomically(sql.DELETE_TRACES.map((statement) => ({ sql: statement, params: [traceIds] })))
    this.#traces -= old.length
    this.#spans -= old.reduce((sum, { span_count }) => sum + span_count, 0)
    return old.length === limit
  }

  close(): Promise<void> {
    return this.#database.close()
  }
}

interface OriginRow {
  readonly origin_key: string
  readonly resource: string
  readonly scope: string
  readonly resource_schema_url: string
  readonly scope_schema_url: string
}
