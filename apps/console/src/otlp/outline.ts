import { loopStretch, verdictAttributes } from 'seaworthy/trace-analysis'
import { SUBJECT_ATTRIBUTES } from './attempts.ts'
import { CORRELATION_ID, LOG_WAIT, OUTBOX_WAIT, REFERENCE_TYPE } from './attribute-names.ts'
import { type Moment, momentOf, nanosSince } from './moment.ts'
import { OUTCOME_ATTRIBUTES } from './outcome.ts'
import { type OtlpAttribute, type OtlpSpan, type Span, failureOf, valueText } from './read-trace.ts'
import { REQUEST_ATTRIBUTES } from './served-request.ts'

/** Attributes that rows, critical path, verdict and the head of a trace look at; all others are asked for with their span. */
const LOOKED_AT: ReadonlySet<string> = new Set([
  ...verdictAttributes,
  ...OUTCOME_ATTRIBUTES,
  ...REQUEST_ATTRIBUTES,
  ...SUBJECT_ATTRIBUTES,
  REFERENCE_TYPE,
  OUTBOX_WAIT,
  LOG_WAIT,
  CORRELATION_ID,
])

/**
 * Some thousand spans of a trace, without what no row shows and no analysis looks at: a tenth of the trace. Columns of numbers, of which each has one entry for
 * each span; texts, sets of attributes and processes stand in tables, are sent once, and are meant by their index, which goes on from part to part.
 */
export interface OutlinePart {
  /** Seconds since the epoch that the times of all parts count from. */
  readonly baseSeconds: number
  readonly strings: readonly string[]
  /** Of each set: key and value by turns, as strings. */
  readonly attributeSets: readonly (readonly number[])[]
  /** Of each process: its service, and its instance or -1. */
  readonly processes: readonly (readonly [service: number, instance: number])[]
  readonly ids: readonly string[]
  /** Strings, or -1. */
  readonly parents: readonly number[]
  readonly names: readonly number[]
  readonly kinds: readonly number[]
  readonly of: readonly number[]
  readonly startNs: readonly number[]
  /** Below zero where the end is before the start. */
  readonly lengthNs: readonly number[]
  readonly attributes: readonly number[]
  /** By the span's place in this part: those that say that they failed, and why. */
  readonly failures: readonly (readonly [span: number, message: number])[]
  /** Stretches of the event loop, the only events that a verdict looks at. */
  readonly stretches: readonly (readonly [span: number, startNs: number, attributes: number])[]
}

type Process = Pick<Span, 'service' | 'instance'>

/** Makes the parts of one outline. */
export class OutlineWriter {
  readonly #strings = new Table<string, string>((text) => text)
  readonly #sets = new Table<readonly number[], string>((set) => set.join())
  readonly #processes = new Table<readonly [number, number], string>((process) => process.join())
  #base: Moment | undefined

  /** `processes` has one entry for each span. */
  part(spans: readonly OtlpSpan[], processes: readonly Process[]): OutlinePart {
    this.#base ??= { seconds: momentOf(spans[0]?.startTimeUnixNano ?? '0').seconds, nanos: 0 }
    const base = this.#base
    const ids: string[] = []
    const parents: number[] = []
    const names: number[] = []
    const kinds: number[] = []
    const of: number[] = []
    const startNs: number[] = []
    const lengthNs: number[] = []
    const attributes: number[] = []
    const failures: [number, number][] = []
    const stretches: [number, number, number][] = []
    for (const [index, span] of spans.entries()) {
      const start = nanosSince(base, momentOf(span.startTimeUnixNano))
      ids.push(span.spanId)
      parents.push(span.parentSpanId ? this.#strings.indexOf(span.parentSpanId) : -1)
      names.push(this.#strings.indexOf(span.name))
      kinds.push(span.kind ?? 0)
      of.push(this.#processOf(processes[index]!))
      startNs.push(start)
      lengthNs.push(nanosSince(base, momentOf(span.endTimeUnixNano)) - start)
      attributes.push(this.#setOf(span.attributes, isLookedAt))
      const failure = failureOf(span)
      if (failure !== undefined) failures.push([index, this.#strings.indexOf(failure)])
      for (const { name, timeUnixNano, attributes } of span.events ?? []) {
        if (name !== loopStretch.event) continue
        const atNs = timeUnixNano === undefined ? start : nanosSince(base, momentOf(timeUnixNano))
        stretches.push([index, atNs, this.#setOf(attributes, () => true)])
      }
    }
    return {
      baseSeconds: base.seconds,
      ids,
      parents,
      names,
      kinds,
      of,
      startNs,
      lengthNs,
      attributes,
      failures,
      stretches,
      attributeSets: this.#sets.takeNew(),
      processes: this.#processes.takeNew(),
      strings: this.#strings.takeNew(),
    }
  }

  #processOf({ service, instance }: Process): number {
    return this.#processes.indexOf([this.#strings.indexOf(service), instance === undefined ? -1 : this.#strings.indexOf(instance)])
  }

  #setOf(attributes: readonly OtlpAttribute[] | undefined, isKept: (key: string) => boolean): number {
    const set: number[] = []
    for (const { key, value } of attributes ?? []) {
      if (isKept(key)) set.push(this.#strings.indexOf(key), this.#strings.indexOf(valueText(value)))
    }
    return this.#sets.indexOf(set)
  }
}

const isLookedAt = (key: string): boolean => LOOKED_AT.has(key)

/** What was met, each once, in the order in which it was. */
class Table<Value, Key> {
  readonly #keyOf: (value: Value) => Key
  readonly #indices = new Map<Key, number>()
  #new: Value[] = []

  constructor(keyOf: (value: Value) => Key) {
    this.#keyOf = keyOf
  }

  indexOf(value: Value): number {
    const key = this.#keyOf(value)
    let index = this.#indices.get(key)
    if (index === undefined) {
      index = this.#indices.size
      this.#indices.set(key, index)
      this.#new.push(value)
    }
    return index
  }

  /** What came since the last call. */
  takeNew(): readonly Value[] {
    const taken = this.#new
    this.#new = []
    return taken
  }
}
