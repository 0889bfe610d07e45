import { assertTimeLeft, type CallContext, type Clock, contextOrRoot, remainingMs, systemClock } from 'seaworthy/core'
import { assertSensible, problemsOfKind, type Shape } from './declaration-shape.ts'
import { RateLimitedError, withoutStack } from './errors.ts'
import { publish } from './events.ts'
import type { Guard } from './policy.ts'
import { SlidingWindowLimit } from './sliding-window-limit.ts'
import { TokenBucket } from './token-bucket.ts'
import { type Limit, TurnQueue } from './turn-queue.ts'

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
  assertSensible(`Rate limiter ${name}`, problemsOfRateLimiter('', declaration))

  const turns = new TurnQueue(limitOf(declaration, clock), clock)
  const allowance = allowanceOf(declaration)
  const { waitMaxMs = 0 } = declaration
  const assertMayBegin = (context: CallContext) => {
    context.signal?.throwIfAborted()
    assertTimeLeft(context, `rate limiter ${name}`, clock)
  }
  let admitted = 0
  let rejected = 0

  return {
    name,
    declaration,
    async run<T>(body: (call: CallContext) => Promise<T>, context: CallContext = contextOrRoot()): Promise<T> {
      assertMayBegin(context)
      if (!turns.tryBegin()) {
        const delayMs = turns.delayMs()
        if (delayMs > Math.min(waitMaxMs, remainingMs(context, clock))) {
          rejected++
          publish(() => ({ type: 'call-rejected', policy: name, by: 'rate-limiter' }))
          throw new RateLimitedError(name, allowance, delayMs)
        }
        await turns.begin(context.signal)
        assertMayBegin(context)
      }
      admitted++
      return body(context)
    },
    snapshot: () => ({ name, admitted, rejected }),
  }
}

/** @returns sentences without a full stop, each about a setting whose name `path` precedes */
export function problemsOfRateLimiter(path: string, declaration: object): string[] {
  return problemsOfKind(path, declaration, LIMITS)
}

/** A rate limit for those who lead calls without a promise each, as a proxy does. */
export interface CallLimit {
  /** Begins a call now. @returns why it may not begin */
  tryBegin(): RateLimitedError | undefined
}

/** The same limit as {@link rateLimiter}, whose calls never wait: `waitMaxMs` means nothing here. */
export function callLimit(
  declaration: RateLimiterDeclaration,
  { name, clock = systemClock }: { readonly name: string; readonly clock?: Clock },
): CallLimit {
  assertSensible(`Rate limiter ${name}`, problemsOfRateLimiter('', declaration))
  const limit = limitOf(declaration, clock)
  return {
    tryBegin: () => {
      const nowMs = clock.monotonicMs()
      const delayMs = limit.delayMs(nowMs, 0)
      if (delayMs > 0) return withoutStack(() => new RateLimitedError(name, allowanceOf(declaration), delayMs))
      limit.take(nowMs)
      return undefined
    },
  }
}

const limitOf = (declaration: RateLimiterDeclaration, clock: Clock): Limit =>
  declaration.kind === 'token-bucket'
    ? new TokenBucket(declaration.perSecond, declaration.burst ?? 1, clock.monotonicMs())
    : new SlidingWindowLimit(declaration.callsMax, declaration.windowMs)

const allowanceOf = (declaration: RateLimiterDeclaration): string =>
  declaration.kind === 'token-bucket'
    ? `${declaration.perSecond} calls a second, ${declaration.burst ?? 1} at once`
    : `${declaration.callsMax} calls in ${declaration.windowMs} ms`
