import { isArray, isScalar, type Json, type JsonType, type Scalar, typeOf } from '../json.ts'
import type { Difference, DifferenceKind } from '../difference.ts'
import type { AnswerTimes, Objection, Tolerance } from '../knowledge.ts'
import { type Pair, type Sample, Samples } from './samples.ts'
import { describeValueNoise, isFreshEachTime, objectionToValue, type ValueNoise, valueNoiseOf } from './value-noise.ts'

/** What of a field differs: its value, whether it is there, the order of a list, its length. */
type Aspect = 'value' | 'presence' | 'order' | 'length'

function aspectOf(kind: DifferenceKind): Aspect {
  switch (kind) {
    case 'missing':
    case 'added':
      return 'presence'
    case 'order':
      return 'order'
    case 'length':
      return 'length'
    default:
      return 'value'
  }
}

// Once may have been two writes within seconds.
const TELLING_EVENTS = 2
// What was noise and has stood still so long is not looked away from any longer.
const FORGOTTEN_AFTER_SERIES = 200
const SAMPLES_MAX = 64
// So many may come before what they have in common is looked for anew: of those there are, and at most.
const NEW_SAMPLES_SHARE = 1 / 8
const NEW_SAMPLES_MAX = 128
// Answers overtake each other now and then.
const FALLS_SHARE_MAX = 0.05

// What is kept of a text, and looked at.
const CHARACTERS_MAX = 1_000

const clipped = (value: Scalar): Scalar => (typeof value === 'string' ? value.slice(0, CHARACTERS_MAX) : value)

/** What answers of the monolith to the same request, and to others, have shown of one field that differs. */
export class FieldEvidence implements Tolerance {
  readonly #events = new Map<Aspect, { count: number; lastSeries: number }>()
  readonly #pairs = new Samples<Pair>(SAMPLES_MAX)
  readonly #samples = new Samples<Sample>(SAMPLES_MAX)
  readonly #types = new Set<JsonType>()
  #lengths: { min: number; max: number } | undefined
  #lastAtMs = Number.NEGATIVE_INFINITY
  #lastNumber: number | undefined
  #lastTarget = ''
  /** From one request to another one, not while one is asked again. */
  #rises = 0
  #falls = 0
  #noise: ValueNoise | undefined
  /** How many samples there were when it was found. */
  #noiseAt = 0
  #series = 0

  /** The field changed twice or more while one request was asked again and again: not by a write. */
  noteEvent(differences: readonly Difference[], series: number): void {
    this.#series = series
    for (const aspect of new Set(differences.map(({ kind }) => aspectOf(kind)))) {
      const event = this.#events.get(aspect) ?? { count: 0, lastSeries: 0 }
      if (event.lastSeries === series) continue
      this.#events.set(aspect, { count: event.count + 1, lastSeries: series })
    }
    for (const { kind, expected, actual } of differences) {
      if (kind === 'length') {
        for (const length of [Number(expected), Number(actual)])
          this.#lengths = { min: Math.min(length, this.#lengths?.min ?? length), max: Math.max(length, this.#lengths?.max ?? length) }
      } else if (expected !== undefined && actual !== undefined && kind !== 'order') {
        this.#types.add(typeOf(expected)).add(typeOf(actual))
        if (isScalar(expected) && isScalar(actual)) this.#pairs.add({ a: clipped(expected), b: clipped(actual) })
      }
    }
    this.#noise = undefined
  }

  /** A value of the monolith, in an answer to whatever request. */
  noteSample(value: Json, atMs: number, target: string): void {
    this.#types.add(typeOf(value))
    if (isArray(value) && this.#lengths !== undefined)
      this.#lengths = { min: Math.min(this.#lengths.min, value.length), max: Math.max(this.#lengths.max, value.length) }
    if (!isScalar(value)) return
    this.#noteRise(value, atMs, target)
    this.#samples.add({ value: clipped(value), atMs })
  }

  noteSeries(series: number): void {
    this.#series = series
  }

  get isNoise(): boolean {
    return this.#is('value') || this.#is('presence') || this.#is('order') || this.#is('length')
  }

  get isAbsentAtTimes(): boolean {
    return this.#is('presence')
  }

  get isReordered(): boolean {
    return this.#is('order')
  }

  get lengths(): { readonly min: number; readonly max: number } | undefined {
    return this.#is('length') ? this.#lengths : undefined
  }

  objectionTo(expected: Json, actual: Json, times: AnswerTimes): Objection | undefined {
    const type = typeOf(actual)
    if (!this.#is('value'))
      return type === typeOf(expected)
        ? { kind: 'value', detail: 'the field is not always there, but where it is, it is the same' }
        : { kind: 'type', detail: `the monolith says ${typeOf(expected)}` }
    if (!this.#types.has(type)) return { kind: 'type', detail: `the monolith says ${[...this.#types].toSorted().join(' or ')}` }
    if (!isScalar(actual) || actual === null) return undefined
    const objection = () => objectionToValue(this.#valueNoise, isScalar(expected) ? clipped(expected) : expected, clipped(actual), times)
    const found = objection()
    if (found === undefined || this.#newSamples === 0) return found
    // Not before what came last was taken into account.
    this.#noise = undefined
    return objection()
  }

  /** Whether the monolith's value is a new one each time. */
  get isFreshEachTime(): boolean {
    return this.#is('value') && isFreshEachTime(this.#valueNoise, this.#samples.all)
  }

  /** For people. */
  describe(): string {
    const parts: string[] = []
    if (this.#is('value')) {
      const isAlsoNull = this.#types.has('null') && this.#types.size > 1
      parts.push(`${describeValueNoise(this.#valueNoise)}${isAlsoNull ? ', or null' : ''}`)
    }
    if (this.#is('presence')) parts.push('not always there')
    if (this.#is('order')) parts.push('in any order')
    if (this.#is('length')) parts.push(`${this.#lengths?.min} to ${this.#lengths?.max} elements`)
    return parts.join('; ')
  }

  /** Of samples that are a little old, once there are many: to find the narrowest kind took a third of a comparison's time. */
  get #valueNoise(): ValueNoise {
    const { count } = this.#samples
    if (this.#newSamples > (count > SAMPLES_MAX ? Math.min(count * NEW_SAMPLES_SHARE, NEW_SAMPLES_MAX) : 0)) this.#noise = undefined
    if (this.#noise !== undefined) return this.#noise
    this.#noiseAt = count
    // In doubt it is: a counter whose other values nobody has seen yet may be anything.
    const risesThroughout = this.#falls <= FALLS_SHARE_MAX * this.#rises
    return (this.#noise = valueNoiseOf({ samples: this.#samples.all, pairs: this.#pairs.all, risesThroughout }))
  }

  get #newSamples(): number {
    return this.#samples.count - this.#noiseAt
  }

  #is(aspect: Aspect): boolean {
    const event = this.#events.get(aspect)
    return event !== undefined && event.count >= TELLING_EVENTS && this.#series - event.lastSeries <= FORGOTTEN_AFTER_SERIES
  }

  #noteRise(value: Json, atMs: number, target: string): void {
    const number = typeof value === 'string' ? Number(value) : value
    // Answers that overtake each other say nothing.
    if (typeof number !== 'number' || atMs <= this.#lastAtMs) return
    if (this.#lastNumber !== undefined && target !== this.#lastTarget) {
      if (number < this.#lastNumber) this.#falls++
      else this.#rises++
    }
    this.#lastNumber = number
    this.#lastAtMs = atMs
    this.#lastTarget = target
  }
}
