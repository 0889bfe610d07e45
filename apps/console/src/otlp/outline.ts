import { loopStretch } from 'seaworthy/trace-analysis'
import { nanosSinceSecond } from './moment.ts'
import { OUTLINE_ATTRIBUTES } from './outline-attributes.ts'
import { type OtlpAttribute, type OtlpSpan, type Span, failureOf, valueText } from './read-trace.ts'

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

/** Some thousand spans of a trace as they are stored, in columns. What is JSON already is passed on as it is. */
export interface OutlineColumns {
  /** As {@link OutlinePart} has it; the same for all parts. */
  readonly baseSeconds: number
  /** JSON, as are `kinds`, `startNs` and `lengthNs`, of the same names in {@link OutlinePart}. */
  readonly ids: string
  readonly kinds: string
  readonly startNs: string
  readonly lengthNs: string
  readonly parents: readonly (string | null)[]
  readonly names: readonly string[]
  /** Equal ones are one object. */
  readonly processes: readonly Process[]
  /** Of each span {@link OUTLINE_ATTRIBUTES}, as JSON with commas between. */
  readonly attributes: readonly string[]
  /** By their places those spans that say more than columns hold: that they failed, stretches of the event loop, all of their attributes. */
  readonly whole: readonly (readonly [span: number, said: OtlpSpan])[]
}

/** Makes the parts of one outline. */
export class OutlineWriter {
  readonly #strings = new Table<string>()
  readonly #processes = new Table<Process>()
  readonly #sets = new SetTable()
  /** Of what was met as JSON, its set. */
  readonly #setsByJson = new Map<string, number>()
  /** Of each key that was met: its string, or -1 where nobody looks at it. */
  readonly #keys = new Map<string, number>()

  /** An {@link OutlinePart} as JSON. */
  part(columns: OutlineColumns): string {
    const { baseSeconds, ids, kinds, startNs, lengthNs } = columns
    const parents = columns.parents.map((parent) => (parent === null ? -1 : this.#strings.indexOf(parent)))
    const names = columns.names.map((name) => this.#strings.indexOf(name))
    const of = columns.processes.map((process) => this.#processes.indexOf(process))
    const attributes = columns.attributes.map((json) => this.#setOfJson(json))
    const failures: [number, number][] = []
    const stretches: [number, number, number][] = []
    for (const [index, said] of columns.whole) {
      attributes[index] = this.#setOf(said.attributes)
      const failure = failureOf(said)
      if (failure !== undefined) failures.push([index, this.#strings.indexOf(failure)])
      for (const { name, timeUnixNano = said.startTimeUnixNano, attributes } of said.events ?? []) {
        if (name === loopStretch.event) stretches.push([index, nanosSinceSecond(baseSeconds, timeUnixNano), this.#setOf(attributes)])
      }
    }
    const attributeSets = this.#sets.takeNew()
    const processes = this.#processes
      .takeNew()
      .map(({ service, instance }) => [this.#strings.indexOf(service), instance === undefined ? -1 : this.#strings.indexOf(instance)])
    const tables = { parents, names, of, attributes, failures, stretches, attributeSets, processes, strings: this.#strings.takeNew() }
    const columnsOfStore = `"baseSeconds":${baseSeconds},"ids":${ids},"kinds":${kinds},"startNs":${startNs},"lengthNs":${lengthNs}`
    return `{${columnsOfStore},${JSON.stringify(tables).slice(1)}`
  }

  #setOfJson(json: string): number {
    let set = this.#setsByJson.get(json)
    if (set === undefined) this.#setsByJson.set(json, (set = this.#setOf(JSON.parse(`[${json}]`) as OtlpAttribute[])))
    return set
  }

  #setOf(attributes: readonly OtlpAttribute[] | undefined): number {
    const sets = this.#sets
    sets.begin()
    for (const { key, value } of attributes ?? NONE) {
      let keyIndex = this.#keys.get(key)
      if (keyIndex === undefined) this.#keys.set(key, (keyIndex = OUTLINE_ATTRIBUTES.has(key) ? this.#strings.indexOf(key) : -1))
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
