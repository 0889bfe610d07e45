import type { Objection } from '../knowledge.ts'

/** How the numbers of a field differ between answers to the same request. */
export type NumberNoise =
  /** Rises with each request, whatever it asks for: how many were served, how long it runs. Each side has its own. */
  | { readonly kind: 'own-counter'; readonly form: NumberForm }
  /** Off by little: rounding, a rate that moves, views that are counted on both sides. */
  | { readonly kind: 'near'; readonly absolute: number; readonly relative: number; readonly isCounter: boolean; readonly form: NumberForm }
  /** Off by a large part of itself: how long it took. */
  | { readonly kind: 'measurement'; readonly min: number; readonly max: number; readonly form: NumberForm }

/** What all numbers of a field have in common. */
export interface NumberForm {
  /** Digits behind the point, at most; undefined while too few were seen. */
  readonly decimalsMax: number | undefined
  readonly mayBeNegative: boolean
}

// From this part of itself on, how far a number is off says nothing.
const LOOSE = 0.2
// A measurement in another unit is off by a thousand.
const MAGNITUDES = 100
const TELLING_SAMPLES = 8
// A measurement rises so often by chance once in 256 times.
const COUNTING_PAIRS = 8

export interface NumberEvidence {
  readonly pairs: readonly (readonly [number, number])[]
  readonly samples: readonly number[]
  /** From one request to the next, whatever it asks for, the values only ever rose. */
  readonly risesThroughout: boolean
}

export function numberNoiseOf({ pairs, samples, risesThroughout }: NumberEvidence): NumberNoise {
  const form = formOf(samples)
  const isCounter = pairs.length >= COUNTING_PAIRS && pairs.every(([a, b]) => b >= a)
  if (isCounter && risesThroughout) return { kind: 'own-counter', form }
  let absolute = 0
  let relative = 0
  for (const [a, b] of pairs) {
    const distance = Math.abs(a - b)
    absolute = Math.max(absolute, distance)
    if (distance > 0) relative = Math.max(relative, distance / Math.max(Math.abs(a), Math.abs(b)))
  }
  if (relative < LOOSE || isCounter) {
    // The largest of few is less than the largest of many.
    const margin = 2 + 8 / Math.max(1, pairs.length)
    return { kind: 'near', absolute: margin * absolute, relative: margin * relative, isCounter, form }
  }
  return { kind: 'measurement', min: Math.min(...samples), max: Math.max(...samples), form }
}

export function objectionToNumber(noise: NumberNoise, expected: number | undefined, actual: number): Objection | undefined {
  const { decimalsMax, mayBeNegative } = noise.form
  if (decimalsMax !== undefined && decimalsOf(actual) > decimalsMax)
    return {
      kind: 'format',
      detail: decimalsMax === 0 ? 'the monolith says whole numbers' : `the monolith has at most ${decimalsMax} decimals`,
    }
  if (actual < 0 && !mayBeNegative) return { kind: 'range', detail: 'the monolith says no negative numbers' }
  switch (noise.kind) {
    case 'own-counter':
      return undefined
    case 'near': {
      if (expected === undefined) return undefined
      const relative = noise.relative * Math.max(Math.abs(expected), Math.abs(actual))
      const allowed = noise.isCounter ? noise.absolute : Math.min(noise.absolute, relative)
      if (Math.abs(actual - expected) <= allowed * (1 + 1e-9)) return undefined
      return {
        kind: 'range',
        detail: `off by ${short(Math.abs(actual - expected))}, the monolith from itself by at most ${short(allowed)} (with a margin)`,
      }
    }
    case 'measurement': {
      const max = Math.max(Math.abs(noise.min), Math.abs(noise.max))
      if (Math.abs(actual) <= max * MAGNITUDES) return undefined
      return { kind: 'range', detail: `the monolith says ${short(noise.min)} to ${short(noise.max)}` }
    }
  }
}

export function describeNumberNoise(noise: NumberNoise): string {
  switch (noise.kind) {
    case 'own-counter':
      return 'a counter that each side has for itself'
    case 'near':
      return noise.isCounter
        ? `a counter, off by at most ${short(noise.absolute)}`
        : `off by at most ${short(noise.absolute)} and ${short(noise.relative * 100)} %`
    case 'measurement':
      return `a measurement, ${short(noise.min)} to ${short(noise.max)} so far`
  }
}

function formOf(samples: readonly number[]): NumberForm {
  const decimals = Math.max(0, ...samples.map(decimalsOf))
  return {
    // Numbers with many digits were computed, and end anywhere.
    decimalsMax: samples.length >= TELLING_SAMPLES && decimals <= 6 ? decimals : undefined,
    mayBeNegative: samples.length < TELLING_SAMPLES || samples.some((value) => value < 0),
  }
}

function decimalsOf(value: number): number {
  if (Number.isInteger(value)) return 0
  const text = String(value)
  const exponent = text.indexOf('e-')
  if (exponent !== -1) return Number(text.slice(exponent + 2)) + (text.slice(0, exponent).split('.')[1]?.length ?? 0)
  return text.length - text.indexOf('.') - 1
}

const short = (value: number): string => String(Number(value.toPrecision(3)))
