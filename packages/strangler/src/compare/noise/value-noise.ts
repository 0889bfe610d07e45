import { type Json, type Scalar, typeOf } from '../json.ts'
import type { AnswerTimes, Objection } from '../knowledge.ts'
import { describeNumberNoise, type NumberNoise, numberNoiseOf, objectionToNumber } from './number-noise.ts'
import type { Pair, Sample } from './samples.ts'
import { misfitOf, type TextPattern, textPatternOf } from './text-pattern.ts'
import { timeOf, type WrittenTime } from './time-format.ts'
import { describeShape, fitsShape, isUnlikelyToRepeat, type TokenShape, tokenShapeOf } from './token-shape.ts'

/** In which way the values of a field differ between answers of the monolith to the same request. */
export type ValueNoise =
  | TimeNoise
  /** One of few. */
  | { readonly kind: 'choice'; readonly values: ReadonlySet<string> }
  | { readonly kind: 'token'; readonly shape: TokenShape }
  | { readonly kind: 'pattern'; readonly pattern: TextPattern }
  | { readonly kind: 'text'; readonly mayBeEmpty: boolean }
  | { readonly kind: 'number'; readonly noise: NumberNoise; readonly isText: boolean }
  /** Values of several types, or of one that has nothing to hold on to: types alone are compared. */
  | { readonly kind: 'any' }

interface TimeNoise {
  readonly kind: 'time'
  /** By format, how many digits behind the seconds: `exact` where they are always as many. */
  readonly formats: ReadonlyMap<string, { readonly fractionDigitsMax: number; readonly isExact: boolean }>
  /** How far before or behind the answer the values lie. */
  readonly fromNowMinMs: number
  readonly fromNowMaxMs: number
  /** How far two answers are apart, beyond the time between them. */
  readonly apartMaxMs: number
}

export interface ValueEvidence {
  readonly samples: readonly Sample[]
  readonly pairs: readonly Pair[]
  readonly risesThroughout: boolean
}

const CHOICES_MAX = 16
const CHOICE_SAMPLES_MIN = 8
const UNSEEN_MAX = 0.1
// Clocks of two machines, and an answer that was long on its way.
const CLOCKS_APART_MS = 5_000
const DAY_MS = 86_400_000

/** Finds the narrowest kind that explains all that was seen. Pure. */
export function valueNoiseOf({ samples, pairs, risesThroughout }: ValueEvidence): ValueNoise {
  const values = samples.map(({ value }) => value).filter((value) => value !== null)
  const types = new Set(values.map(typeOf))
  if (types.size !== 1 || types.has('array') || types.has('object')) return { kind: 'any' }
  const time = timeNoiseOf(samples, pairs)
  if (time !== undefined) return time
  if (types.has('boolean')) return { kind: 'any' }
  if (types.has('number')) {
    const numbers = values.map(Number)
    return { kind: 'number', noise: numberNoiseOf({ pairs: numberPairs(pairs), samples: numbers, risesThroughout }), isText: false }
  }
  return textNoiseOf(values as string[], pairs, risesThroughout)
}

function textNoiseOf(texts: readonly string[], pairs: readonly Pair[], risesThroughout: boolean): ValueNoise {
  if (texts.every((text) => NUMBER_TEXT.test(text)))
    return {
      kind: 'number',
      noise: numberNoiseOf({ pairs: numberPairs(pairs), samples: texts.map(Number), risesThroughout }),
      isText: true,
    }
  if (isChoice(texts)) return { kind: 'choice', values: new Set(texts) }
  const textPairs = pairs.flatMap(({ a, b }) => (typeof a === 'string' && typeof b === 'string' && a !== b ? [[a, b] as const] : []))
  const shape = tokenShapeOf(texts)
  if (shape !== undefined) return { kind: 'token', shape }
  const pattern = textPatternOf(textPairs)
  if (pattern !== undefined) return { kind: 'pattern', pattern }
  return { kind: 'text', mayBeEmpty: texts.includes('') }
}

const NUMBER_TEXT = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?$/

const numberPairs = (pairs: readonly Pair[]): (readonly [number, number])[] =>
  pairs.flatMap(({ a, b }) => (a === null || b === null || a === '' || b === '' ? [] : [[Number(a), Number(b)] as const]))

/**
 * Whether new values are unlikely: the share of what was seen only once estimates the chance that the next one is new
 * (I. J. Good, "The population frequencies of species and the estimation of population parameters", 1953).
 */
function isChoice(texts: readonly string[]): boolean {
  if (texts.length < CHOICE_SAMPLES_MIN) return false
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  if (counts.size > CHOICES_MAX) return false
  const once = [...counts.values()].filter((count) => count === 1).length
  return once / texts.length <= UNSEEN_MAX
}

function timeNoiseOf(samples: readonly Sample[], pairs: readonly Pair[]): TimeNoise | undefined {
  const formats = new Map<string, { fractionDigitsMax: number; isExact: boolean }>()
  let fromNowMinMs = Number.POSITIVE_INFINITY
  let fromNowMaxMs = Number.NEGATIVE_INFINITY
  for (const { value, atMs } of samples) {
    if (value === null) continue
    const time = timeOf(value, atMs)
    if (time === undefined) return undefined
    const { format, fractionDigits } = time
    const known = formats.get(format)
    formats.set(format, {
      fractionDigitsMax: Math.max(fractionDigits, known?.fractionDigitsMax ?? 0),
      isExact: known === undefined || (known.isExact && known.fractionDigitsMax === fractionDigits),
    })
    fromNowMinMs = Math.min(fromNowMinMs, time.atMs - atMs)
    fromNowMaxMs = Math.max(fromNowMaxMs, time.atMs - atMs)
  }
  if (formats.size === 0) return undefined
  const nowMs = samples.at(-1)!.atMs
  const apart = pairs.map(({ a, b }) => {
    const [first, second] = [timeOf(a, nowMs), timeOf(b, nowMs)]
    return first === undefined || second === undefined ? 0 : Math.abs(first.atMs - second.atMs)
  })
  return { kind: 'time', formats, fromNowMinMs, fromNowMaxMs, apartMaxMs: Math.max(0, ...apart) }
}

/** @returns why `actual` is no value of this kind; undefined where it is one */
export function objectionToValue(noise: ValueNoise, expected: Json, actual: Scalar, times: AnswerTimes): Objection | undefined {
  switch (noise.kind) {
    case 'any':
      return undefined
    case 'time':
      return objectionToTime(noise, timeOf(expected, times.expectedAtMs), timeOf(actual, times.actualAtMs), times)
    case 'choice':
      return noise.values.has(String(actual))
        ? undefined
        : { kind: 'range', detail: `the monolith says one of ${noise.values.size}, and this is none` }
    case 'token':
      return fitsShape(String(actual), noise.shape)
        ? undefined
        : { kind: 'format', detail: `the monolith says ${describeShape(noise.shape)}` }
    case 'pattern': {
      if (typeof expected !== 'string') return undefined
      const misfit = misfitOf(noise.pattern, expected, String(actual))
      return misfit === undefined ? undefined : { kind: 'format', detail: misfit }
    }
    case 'text':
      return actual === '' && !noise.mayBeEmpty ? { kind: 'format', detail: 'the monolith never leaves it empty' } : undefined
    case 'number':
      if (noise.isText && !NUMBER_TEXT.test(String(actual))) return { kind: 'format', detail: 'the monolith says a number' }
      return objectionToNumber(noise.noise, expected === null ? undefined : Number(expected), Number(actual))
  }
}

function objectionToTime(
  { formats, fromNowMinMs, fromNowMaxMs, apartMaxMs }: TimeNoise,
  expected: WrittenTime | undefined,
  actual: WrittenTime | undefined,
  { actualAtMs }: AnswerTimes,
): Objection | undefined {
  const format = actual === undefined ? undefined : formats.get(actual.format)
  const isWrittenSo =
    format !== undefined &&
    actual !== undefined &&
    (format.isExact ? actual.fractionDigits === format.fractionDigitsMax : actual.fractionDigits <= format.fractionDigitsMax)
  if (!isWrittenSo || actual === undefined)
    return { kind: 'format', detail: `the monolith writes times as ${[...formats.keys()].join(' or ')}` }
  const slackMs = CLOCKS_APART_MS + granularityMs(actual.format)
  const fromNowMs = actual.atMs - actualAtMs
  // Times that are always so far from now, and times that are given at random, have each their own bounds.
  const wideMs = (fromNowMaxMs - fromNowMinMs) / 4
  if (fromNowMs >= fromNowMinMs - slackMs - wideMs && fromNowMs <= fromNowMaxMs + slackMs + wideMs) return undefined
  if (expected !== undefined && Math.abs(actual.atMs - expected.atMs) <= 2 * apartMaxMs + slackMs) return undefined
  return {
    kind: 'range',
    detail: `${seconds(fromNowMs)} from the answer, the monolith's ${seconds(fromNowMinMs)} to ${seconds(fromNowMaxMs)}`,
  }
}

function granularityMs(format: string): number {
  if (!format.includes('hh') && !format.includes('since') && format !== 'HTTP date') return DAY_MS
  return format.includes('hh:mm') && !format.includes(':ss') ? 60_000 : 1_000
}

const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`

/** Whether each value is new, so that one that comes again tells of a copy. */
export function isFreshEachTime(noise: ValueNoise, samples: readonly Sample[]): boolean {
  if (noise.kind !== 'token' || !isUnlikelyToRepeat(noise.shape)) return false
  return new Set(samples.map(({ value }) => value)).size === samples.length
}

export function describeValueNoise(noise: ValueNoise): string {
  switch (noise.kind) {
    case 'any':
      return 'any value of its types'
    case 'time':
      return `a time, ${[...noise.formats.keys()].join(' or ')}, ${seconds(noise.fromNowMinMs)} to ${seconds(noise.fromNowMaxMs)} from the answer`
    case 'choice':
      return `one of ${noise.values.size} values`
    case 'token':
      return describeShape(noise.shape)
    case 'pattern':
      return 'a text of which a part varies'
    case 'text':
      return 'any text'
    case 'number':
      return describeNumberNoise(noise.noise)
  }
}
