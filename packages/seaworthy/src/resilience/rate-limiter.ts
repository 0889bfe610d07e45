import { type CallContext, type Clock, contextOrRoot, sleep, systemClock, TimeoutError } from 'seaworthy/core'
import { assertSensible, problemsOfKind, type Shape } from './declaration-shape.ts'
import { RateLimitedError } from './errors.ts'
import { publish } from './events.ts'
import type { Guard } from './policy.ts'
import { SlidingWindowLimit } from './sliding-window-limit.ts'
import { TokenBucket } from './token-bucket.ts'

/** How often calls may begin, as data. */
export type RateLimiterDeclaration = (
  | {
      readonly kind: 'token-bucket'
      /** On average, in the long run. */
      readonly perSecond: number
      /** As many may begin at once after a pause. Default 1. */
      readonly burst?: number
    }
  | {
      readonly kind: 'sliding-window'
      /** In any period of `windowMs`, wherever it begins. */
      readonly callsMax: number
      readonly windowMs: number
    }
) & {
  /** Calls wait up to this long for their turn, in order of arrival, rather than being turned away. Default 0. */
  readonly waitMaxMs?: number
}

const LIMITS: Readonly<Record<string, Shape>> = {
  'token-bucket': { perSecond: 'a positive number', burst: 'a positive integer?', waitMaxMs: 'a number from 0?' },
  'sliding-window': { callsMax: 'an integer from 1 to 1,000,000', windowMs: 'a positive number', waitMaxMs: 'a number from 0?' },
}

/** Reserves the moment at which the next call may begin. */
export interface Limit {
  /** @returns how long to wait; more than `waitMaxMs`: nothing is reserved */
  reserve(nowMs: number, waitMaxMs: number): number
}

export interface RateLimiterSnapshot {
  readonly name: string
  readonly admitted: number
  readonly rejected: number
}

export interface RateLimiter extends Guard {
  readonly name: string
  readonly declaration: RateLimiterDeclaration
  snapshot(): RateLimiterSnapshot
}

/**
 * Begins calls no faster than a receiver allows. It holds for this process: several processes that share a quota each get
 * their part of it.
 * @throws ConfigurationError
 */
export function rateLimiter(declaration: RateLimiterDeclaration, options: { readonly name: string; readonly clock?: Clock }): RateLimiter {
  const { name, clock = systemClock } = options
  assertSensible(`Rate limiter ${name}`, problemsOfKind('', declaration, LIMITS))

  const limit: Limit =
    declaration.kind === 'token-bucket'
      ? new TokenBucket(declaration.perSecond, declaration.burst ?? 1, clock.monotonicMs())
      : new SlidingWindowLimit(declaration.callsMax, declaration.windowMs)
  const allowance =
    declaration.kind === 'token-bucket'
      ? `${declaration.perSecond} calls a second, ${declaration.burst ?? 1} at once`
      : `${declaration.callsMax} calls in ${declaration.windowMs} ms`
  const { waitMaxMs = 0 } = declaration
  let admitted = 0
  let rejected = 0

  return {
    name,
    declaration,
    async run<T>(body: (call: CallContext) => Promise<T>, context: CallContext = contextOrRoot()): Promise<T> {
      context.signal?.throwIfAborted()
      const nowMs = clock.monotonicMs()
      const leftMs = context.deadlineMs === undefined ? Number.POSITIVE_INFINITY : context.deadlineMs - nowMs
      if (leftMs <= 0) {
        throw new TimeoutError(`The deadline passed before rate limiter ${name} was asked. Nothing was sent.`, 0, { executed: 'no' })
      }
      const delayMs = limit.reserve(nowMs, Math.min(waitMaxMs, leftMs))
      if (delayMs > Math.min(waitMaxMs, leftMs)) {
        rejected++
        publish(() => ({ type: 'call-rejected', policy: name, by: 'rate-limiter' }))
        throw new RateLimitedError(name, allowance, delayMs)
      }
      // A turn that was reserved and then given up is not given to another: others may hold later ones already.
      if (delayMs > 0) await sleep(clock, delayMs, context.signal)
      admitted++
      return body(context)
    },
    snapshot: () => ({ name, admitted, rejected }),
  }
}
