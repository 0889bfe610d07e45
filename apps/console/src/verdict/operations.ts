import { setImmediate as turn } from 'node:timers/promises'
import { type TraceProfile, differenceSentence, slowAgainstUsual, traceProfile, traceVerdict } from 'seaworthy/trace-analysis'
import type { OperationAnswer, OperationsAnswer } from '../http/answers.ts'
import { type OtlpTrace, readTrace } from '../otlp/read-trace.ts'
import type { OperationTrace, TraceStore } from '../store/trace-store.ts'

/** Of an operation the newest are compared. */
const OPERATION_TRACES_MAX = 400
/** Larger traces are left out: an operation of which each has thousands would take the console's whole time. */
const SPANS_MAX = 2_000
/** Profiles that are kept, so that a page that asks again is answered at once. */
const PROFILES_MAX = 4_000
/** Traces that the list of operations is made from. */
const LISTED_MAX = 20_000

/** What enters the system from outside, and what its slow traces have that others do not. */
export class Operations {
  readonly #store: TraceStore
  readonly #profiles = new Map<string, TraceProfile>()

  constructor(store: TraceStore) {
    this.#store = store
  }

  /** The operations of the newest traces, those with the most time in all first. */
  async list(): Promise<OperationsAnswer> {
    const groups = Map.groupBy(await this.#store.operationTraces({ limit: LISTED_MAX }), ({ service, name }) => `${service}\n${name}`)
    const operations = [...groups.values()].map((traces) => {
      const durations = traces.map(({ durationMs }) => durationMs).toSorted((one, other) => one - other)
      const at = (ratio: number) => durations[Math.min(durations.length - 1, Math.floor(durations.length * ratio))]!
      const { service, name } = traces[0]!
      return { service, name, traces: traces.length, p50Ms: at(0.5), p95Ms: at(0.95), slowestMs: durations.at(-1)! }
    })
    return { operations: operations.toSorted((one, other) => other.traces * other.p50Ms - one.traces * one.p50Ms) }
  }

  /** The slowest traces of one operation against the usual ones. */
  async compare(operation: { readonly service: string; readonly name: string }): Promise<OperationAnswer> {
    const all = await this.#store.operationTraces({ ...operation, limit: OPERATION_TRACES_MAX })
    const taken = all.filter(({ spanCount }) => spanCount <= SPANS_MAX)
    const profiled: { readonly traceId: string; readonly profile: TraceProfile }[] = []
    for (const trace of taken) {
      const profile = await this.#profile(trace)
      if (profile !== undefined) profiled.push({ traceId: trace.traceId, profile })
    }
    const found = slowAgainstUsual(profiled.map(({ profile }) => profile))
    const slowest = profiled.toSorted((one, other) => other.profile.durationUs - one.profile.durationUs).slice(0, found?.slow.count ?? 1)
    return {
      ...operation,
      traces: taken.length,
      leftOut: all.length - taken.length,
      sentence: found === undefined ? null : differenceSentence(found),
      difference: found ?? null,
      slowest: slowest.map(({ traceId, profile }) => ({ traceId, durationMs: profile.durationUs / 1_000 })),
    }
  }

  async #profile({ traceId, spanCount }: OperationTrace): Promise<TraceProfile | undefined> {
    // A trace that has grown since is another one.
    const key = `${traceId} ${spanCount}`
    const known = this.#profiles.get(key)
    if (known !== undefined) return known
    const json = await this.#store.trace(traceId)
    const trace = json === undefined ? undefined : readTrace(JSON.parse(json) as OtlpTrace)
    const verdict = trace === undefined ? undefined : traceVerdict(trace.spans)
    // Between two traces those who ask for something else, and the ingest, get their turn.
    await turn()
    if (trace === undefined || verdict === undefined) return undefined
    const profile = traceProfile(trace.spans, verdict.answer)
    this.#profiles.set(key, profile)
    for (const oldest of this.#profiles.keys()) {
      if (this.#profiles.size <= PROFILES_MAX) break
      this.#profiles.delete(oldest)
    }
    return profile
  }
}
