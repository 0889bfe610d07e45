import { loopStretch, verdictAttributes } from 'seaworthy/trace-analysis'
import { SUBJECT_ATTRIBUTES } from './attempts.ts'
import { CORRELATION_ID, LOG_WAIT, OUTBOX_WAIT, REFERENCE_TYPE } from './attribute-names.ts'
import { nanosSinceSecond, secondsOf } from './moment.ts'
import { OUTCOME_ATTRIBUTES } from './outcome.ts'
import { type OtlpAttribute, type OtlpSpan, type Span, failureOf, valueText } from './read-trace.ts'
import { REQUEST_ATTRIBUTES } from './served-request.ts'

/** Attributes that rows, critical path, verdict and the head of a trace look at; all others are asked for with their span. */
const LOOKED_AT: ReadonlySet<string> = new Set([
  ...verdictAttributes,
  loopStretch.ms,
  loopStretch.cpuMs,
  loopStretch.own,
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
  readonly #strings = new Table<string>()
  readonly #processes = new Table<Process>()
  readonly #sets = new SetTable()
  /** Of each key that was met: its string, or -1 where nobody looks at it. */
  readonly #keys = new Map<string, number>()
  #baseSeconds: number | undefined

  /** `processes` has one entry for each span; equal ones are one object. */
  part(spans: readonly OtlpSpan[], processes: readonly Process[]): OutlinePart {
    const baseSeconds = (this.#baseSeconds ??= secondsOf(spans[0]?.startTimeUnixNano ?? ''))
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
    for (let index = 0; index < spans.length; index++) {
      const span = spans[index]!
      const start = nanosSinceSecond(baseSeconds, span.startTimeUnixNano)
      ids.push(span.spanId)
      parents.push(span.parentSpanId ? this.#strings.indexOf(span.parentSpanId) : -1)
      names.push(this.#strings.indexOf(span.name))
      kinds.push(span.kind ?? 0)
      of.push(this.#processes.indexOf(processes[index]!))
      startNs.push(start)
      lengthNs.push(nanosSinceSecond(baseSeconds, span.endTimeUnixNano) - start)
      attributes.push(this.#setOf(span.attributes))
      const failure = failureOf(span)
      if (failure !== undefined) failures.push([index, this.#strings.indexOf(failure)])
      for (const { name, timeUnixNano, attributes } of span.events ?? []) {
        if (name !== loopStretch.event) continue
        const atNs = timeUnixNano === undefined ? start : nanosSinceSecond(baseSeconds, timeUnixNano)
        stretches.push([index, atNs, this.#setOf(attributes)])
      }
    }
    return {
      baseSeconds,
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
      processes: this.#processes
        .takeNew()
        .map(({ service, instance }) => [this.#strings.indexOf(service), instance === undefined ? -1 : this.#strings.indexOf(instance)]),
      strings: this.#strings.takeNew(),
    }
  }

  #setOf(attributes: readonly OtlpAttribute[] | undefined): number {
    const sets = this.#sets
    sets.begin()
    for (const { key, value } of attributes ?? NONE) {
      let keyIndex = this.#keys.get(key)
      if (keyIndex === undefined) this.#keys.set(key, (keyIndex = LOOKED_AT.has(key) ? this.#strings.indexOf(key) : -1))
      if (keyIndex === -1) continue
      sets.push(keyIndex)
      sets.push(this.#strings.indexOf(valueText(value)))
    }
    return sets.end()
  }
}

const NONE: readonly never[] = []

/** What was met, each once, in the order in which it was. */
class Table<Value> {
  readonly #indices = new Map<Value, number>()
  #new: Value[] = []

  indexOf(value: Value): number {
    let index = this.#indices.get(value)
    if (index === undefined) {
      index = this.#indices.size
      this.#indices.set(value, index)
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

/** The same for lists of numbers, which are handed over one number after the other, so that one that is there already costs no list. */
class SetTable {
  readonly #sets: number[][] = []
  readonly #byHash = new Map<number, number[]>()
  readonly #coming: number[] = []
  #hash = 0
  #taken = 0

  begin(): void {
    this.#coming.length = 0
    this.#hash = 0
  }

  push(number: number): void {
    this.#coming.push(number)
    this.#hash = (Math.imul(this.#hash, 31) + number) | 0
  }

  end(): number {
    const alike = this.#byHash.get(this.#hash)
    for (const index of alike ?? NONE) if (isSame(this.#sets[index]!, this.#coming)) return index
    const index = this.#sets.push([...this.#coming]) - 1
    if (alike === undefined) this.#byHash.set(this.#hash, [index])
    else alike.push(index)
    return index
  }

  takeNew(): readonly (readonly number[])[] {
    const taken = this.#sets.slice(this.#taken)
    this.#taken = this.#sets.length
    return taken
  }
}

function isSame(one: readonly number[], other: readonly number[]): boolean {
  if (one.length !== other.length) return false
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false
  return true
}
