import type { Random } from './random.ts'
import { systemRandom } from './random.ts'

/**
 * How long to wait before attempt n + 1, as data.
 * - `full` jitter: uniform between 0 and the exponential delay.
 * - `equal`: half of it, plus a uniform part of the other half.
 * - `decorrelated`: uniform between the base and three times the delay before, so that it does not count attempts.
 * - `none`: the delay itself. For tests, and for a single caller: many callers in step come back in step.
 *
 * Full, equal and decorrelated jitter are those of Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export type Backoff =
  | {
      readonly kind: 'exponential'
      readonly baseMs: number
      readonly maxMs: number
      readonly factor: number
      readonly jitter: Jitter
    }
  | { readonly kind: 'constant'; readonly delayMs: number }

export type Jitter = 'full' | 'equal' | 'decorrelated' | 'none'

/** Delays that grow by `factor` (2) from `baseMs` up to `maxMs`, with full jitter unless told otherwise. */
export function exponential(options: { baseMs: number; maxMs: number; factor?: number; jitter?: Jitter }): Backoff {
  return {
    kind: 'exponential',
    baseMs: options.baseMs,
    maxMs: options.maxMs,
    factor: options.factor ?? 2,
    jitter: options.jitter ?? 'full',
  }
}

/** The same delay each time. */
export function constant(delayMs: number): Backoff {
  return { kind: 'constant', delayMs }
}

/**
 * The delay in milliseconds after failed attempt number `attempt` (1 is the first). `previousMs` is the delay before it, which
 * decorrelated jitter alone looks at.
 */
export function backoffMs(backoff: Backoff, attempt: number, random: Random = systemRandom, previousMs = 0): number {
  switch (backoff.kind) {
    case 'constant':
      return backoff.delayMs
    case 'exponential': {
      const { baseMs, maxMs, factor } = backoff
      // The power overflows to Infinity, and zero times Infinity is no number.
      const ceiling = baseMs === 0 ? 0 : Math.min(maxMs, baseMs * factor ** (attempt - 1))
      switch (backoff.jitter) {
        case 'none':
          return ceiling
        case 'full':
          return random.float() * ceiling
        case 'equal':
          // The halves of a subnormal number are rounded, and two of them may exceed the whole.
          return Math.min(ceiling, ceiling / 2 + random.float() * (ceiling / 2))
        case 'decorrelated':
          return Math.min(maxMs, baseMs + random.float() * Math.max(0, 3 * Math.max(baseMs, previousMs) - baseMs))
      }
    }
  }
}
