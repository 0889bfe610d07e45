import type { Clock, Statement } from 'seaworthy/core'
import type { SqliteDatabase, SqliteTransaction } from 'seaworthy/sqlite'
import { type RetentionLimits, type Stock, type Turn, isFull, turns } from './retention.ts'
import { SlowTraces } from './slow-traces.ts'
import * as sql from './statements.ts'

/** What retention has deleted since the start, by why. */
export interface TrimmedCounts {
  readonly size: { readonly traces: number; readonly spans: number }
  readonly age: { readonly traces: number; readonly spans: number }
}

/** What a step changed. */
export interface Trimmed {
  readonly traces: number
  readonly spans: number
  readonly bytes: number
  /** Of these, what belonged to slow and failed ones; less than zero where traces became such. */
  readonly keptTraces: number
  readonly keptBytes: number
}

/** Spans deleted in one transaction, and traces looked at: some milliseconds of work, between which others get their turn. */
const SPANS_BATCH = 500
const TRACES_BATCH = 50
/** Traces that are looked at at the start, to know again what is usual. */
const USUAL_TRACES = 2_000

interface OldTrace {
  readonly id: number
  readonly span_count: number
  readonly bytes: number
  readonly is_kept: number
  readonly error_count: number
  readonly outcome: string
  readonly duration_ms: number
  readonly kind: string
}

const NOTHING: Trimmed = { traces: 0, spans: 0, bytes: 0, keptTraces: 0, keptBytes: 0 }

/**
 * Deletes what is over the limits, a little at a time. A trace whose turn has come is looked at once more: one that failed, or was slow for its kind,
 * moves into the class that goes last.
 */
export class Trimming {
  readonly #database: SqliteDatabase
  readonly #limits: RetentionLimits
  readonly #clock: Clock
  readonly #slow = new SlowTraces()
  readonly #counts = { size: { traces: 0, spans: 0 }, age: { traces: 0, spans: 0 } }

  constructor(database: SqliteDatabase, limits: RetentionLimits, clock: Clock) {
    this.#database = database
    this.#limits = limits
    this.#clock = clock
  }

  get counts(): TrimmedCounts {
    return { size: { ...this.#counts.size }, age: { ...this.#counts.age } }
  }

  /** Learns again how long requests usually take. */
  async start(): Promise<void> {
    const rows = await this.#database.query<{ kind: string; duration_ms: number }>({
      sql: sql.SELECT_NEWEST_DURATIONS,
      params: [USUAL_TRACES],
    })
    for (const { kind, duration_ms } of rows) this.#slow.judge(kind, duration_ms)
  }

  async usedBytes(): Promise<number> {
    const [used] = await this.#database.query<{ bytes: number }>({ sql: sql.SELECT_USED_BYTES })
    return used!.bytes
  }

  isFull(stock: Stock): boolean {
    return isFull(stock, this.#limits)
  }

  /** One step. @returns what it changed; undefined when everything is within the limits */
  async step(stock: Stock): Promise<Trimmed | undefined> {
    for (const turn of turns(stock, this.#limits, this.#clock.now())) {
      // Looked at and deleted in one transaction, so that no span that comes meanwhile is deleted uncounted.
      const trimmed = await this.#database.transaction(async (tx) => {
        const old = await oldest(tx, turn)
        return old.length === 0 ? undefined : this.#trim(tx, old, turn)
      })
      if (trimmed === undefined) continue
      this.#counts[turn.why].traces += trimmed.traces
      this.#counts[turn.why].spans += trimmed.spans
      return trimmed
    }
    return undefined
  }

  async #trim(tx: SqliteTransaction, old: readonly OldTrace[], { isKept }: Turn): Promise<Trimmed> {
    const kept = isKept ? [] : old.filter((trace) => this.#isWorthKeeping(trace))
    const going = old.filter((trace) => !kept.includes(trace))
    const [first] = going
    if (kept.length === 0 && first !== undefined && first.span_count > SPANS_BATCH) return shrink(tx, first)
    const statements: Statement[] = []
    const ids = (traces: readonly OldTrace[]) => JSON.stringify(traces.map(({ id }) => id))
    if (kept.length > 0) statements.push({ sql: sql.KEEP_TRACES, params: [ids(kept)] })
    // One of them may be too large for a step that keeps others: it comes again.
    const gone = going.filter(({ span_count }) => span_count <= SPANS_BATCH)
    if (gone.length > 0) statements.push(...sql.DELETE_TRACES.map((statement) => ({ sql: statement, params: [ids(gone)] })))
    for (const statement of statements) await tx.execute(statement)
    const sum = (traces: readonly OldTrace[], of: (trace: OldTrace) => number) => traces.reduce((total, trace) => total + of(trace), 0)
    const bytes = (trace: OldTrace) => trace.bytes
    return {
      traces: gone.length,
      spans: sum(gone, ({ span_count }) => span_count),
      bytes: sum(gone, bytes),
      keptTraces: isKept ? gone.length : -kept.length,
      keptBytes: isKept ? sum(gone, bytes) : -sum(kept, bytes),
    }
  }

  #isWorthKeeping({ outcome, error_count, kind, duration_ms }: OldTrace): boolean {
    // Judged whether it failed or not, so that failures count for what is usual too.
    const isSlow = this.#slow.judge(kind, duration_ms)
    return isSlow || outcome === 'failed' || error_count > 0
  }
}

/** The oldest of a class with no more spans together than have to go or one step may delete; one that has more by itself comes alone. */
async function oldest(tx: SqliteTransaction, { isKept, untouchedSinceMs, tracesMax, spansMax }: Turn): Promise<readonly OldTrace[]> {
  const params = [Number(isKept), untouchedSinceMs, Math.min(TRACES_BATCH, tracesMax)]
  const rows = await tx.query<OldTrace>({ sql: sql.SELECT_OLDEST, params })
  let spans = 0
  return rows.filter(({ span_count }, index) => (spans += span_count) <= Math.min(SPANS_BATCH, spansMax) || index === 0)
}

/** Takes a part from a trace that is too large to go at once. What is left of it is still the oldest. */
async function shrink(tx: SqliteTransaction, trace: OldTrace): Promise<Trimmed> {
  const bytes = Math.floor((trace.bytes * SPANS_BATCH) / trace.span_count)
  await tx.execute({ sql: sql.DELETE_SOME_SPANS, params: [trace.id, SPANS_BATCH] })
  await tx.execute({ sql: sql.SHRINK_TRACE, params: [SPANS_BATCH, bytes, trace.id] })
  return { ...NOTHING, spans: SPANS_BATCH, bytes, keptBytes: trace.is_kept === 1 ? bytes : 0 }
}
