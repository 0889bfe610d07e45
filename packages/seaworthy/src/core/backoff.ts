import type { Random } from './random.ts'
import { systemRandom } from './random.ts'

/**
 * How long to wait before attempt n + 1, as data.
 * - `full` jitter: uniform between 0 and the exponential delay.
 * - `equal`: half of it, plus a uniform part of the other half.
 * - `none`: the delay itself. For tests, and for a single caller: many callers in step come back in step.
 *
 * Full and equal jitter are those of Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export type Backoff =
  | {
      readonly kind: 'exponential'
      readonly baseMs: number
      readonly maxMs: number
      readonly factor: number
      readonly jitter: 'full' | 'equal' | 'none'
    }
  | { readonly kind: 'constant'; readonly delayMs: number }

/** Delays that grow by `factor` (2) from `baseMs` up to `maxMs`, with full jitter unless told otherwise. */
export function exponential(options: { baseMs: number; maxMs: number; factor?: number; jitter?: 'full' | 'equal' | 'none' }): Backoff {
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

/** The delay in milliseconds after failed attempt number `attempt` (1 is the first). */
export function backoffMs(backoff: Backoff, attempt: number, random: Random = systemRandom): number {
  switch (backoff.kind) {
    case 'constant':
      return backoff.delayMs
    case 'exponential': {
      // The power overflows to Infinity, and zero times Infinity is no number.
      const ceiling = backoff.baseMs === 0 ? 0 : Math.min(backoff.maxMs, backoff.baseMs * backoff.factor ** (attempt - 1))
      switch (backoff.jitter) {
        case 'none':
          return ceiling
        case 'full':
          return random.float() * ceiling
        case 'equal':
          return ceiling / 2 + random.float() * (ceiling / 2)
      }
    }
  }
}
