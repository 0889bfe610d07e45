import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { ConfigurationError, rootContext, TimeoutError } from 'seaworthy/core'
import { RateLimitedError, rateLimiter } from 'seaworthy/resilience'
import { SlidingWindowLimit } from '../../src/resilience/sliding-window-limit.ts'
import { TokenBucket } from '../../src/resilience/token-bucket.ts'
import { VirtualClock } from '@seaworthy/testing'
import { abortable, assertNothingLeft, errorOf, watched } from './calls.ts'

const name = 'mail'
const works = async () => 'sent'

describe('a rate limiter', () => {
  test('of tokens lets a burst through, and then so many a second', async () => {
    const clock = new VirtualClock()
    const limiter = rateLimiter({ kind: 'token-bucket', perSecond: 10, burst: 2 }, { name, clock })
    await limiter.run(works)
    await limiter.run(works)
    const error = await errorOf(limiter.run(works))
    assert.ok(error instanceof RateLimitedError)
    assert.equal(error.executed, 'no')
    assert.equal(error.retryAfterMs, 100)
    await clock.advance(100)
    assert.equal(await limiter.run(works), 'sent')
    assert.ok((await errorOf(limiter.run(works))) instanceof RateLimitedError)
    assert.deepEqual(limiter.snapshot(), { name, admitted: 3, rejected: 2 })
  })

  test('of a sliding window counts back from each call, not from the full second', async () => {
    const clock = new VirtualClock()
    const limiter = rateLimiter({ kind: 'sliding-window', callsMax: 2, windowMs: 1_000 }, { name, clock })
    await clock.advance(900)
    await limiter.run(works)
    await limiter.run(works)
    await clock.advance(500)
    const error = await errorOf(limiter.run(works))
    assert.ok(error instanceof RateLimitedError)
    assert.equal(error.retryAfterMs, 500)
    await clock.advance(500)
    assert.equal(await limiter.run(works), 'sent')
  })

  test('lets calls wait for their turn, in order, as long as it says', async () => {
    const clock = new VirtualClock()
    const limiter = rateLimiter({ kind: 'token-bucket', perSecond: 10, waitMaxMs: 250 }, { name, clock })
    const began: number[] = []
    const runs = [0, 1, 2, 3].map((index) => watched(limiter.run(async () => began.push(index))))
    await clock.advance(0)
    assert.deepEqual(
      runs.map((run) => run.settled),
      ['value', 'no', 'no', 'error'],
    )
    await clock.advance(200)
    assert.deepEqual(began, [0, 1, 2])
    assertNothingLeft(clock)
  })

  test('ends the wait at once when its caller aborts, and does not begin one that the deadline would end', async () => {
    const clock = new VirtualClock()
    const limiter = rateLimiter({ kind: 'token-bucket', perSecond: 1, waitMaxMs: 10_000 }, { name, clock })
    await limiter.run(works)
    const { context, controller } = abortable()
    const run = watched(limiter.run(() => assert.fail('called'), context))
    controller.abort(new Error('left'))
    await clock.advance(0)
    assert.match(String(run.error), /left/)
    assertNothingLeft(clock, [controller.signal])
    const hurried = rootContext({ deadlineMs: clock.monotonicMs() + 100 })
    assert.ok((await errorOf(limiter.run(works, hurried))) instanceof RateLimitedError)
    const late = rootContext({ deadlineMs: clock.monotonicMs() })
    const error = await errorOf(limiter.run(works, late))
    assert.ok(error instanceof TimeoutError && error.executed === 'no')
  })

  test('refuses settings that make no sense', () => {
    assert.throws(() => rateLimiter({ kind: 'token-bucket', perSecond: 0 }, { name }), ConfigurationError)
    assert.throws(() => rateLimiter({ kind: 'sliding-window', callsMax: 1, windowMs: Number.NaN }, { name }), /windowMs is NaN/)
  })
})

const arrivals = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 80 })

test('whenever calls come, no period of the window has more than callsMax beginnings, and turns never go back', () => {
  fc.assert(
    fc.property(arrivals, fc.integer({ min: 1, max: 4 }), fc.constantFrom(0, 500), (gaps, callsMax, waitMaxMs) => {
      const limit = new SlidingWindowLimit(callsMax, 1_000)
      const began: number[] = []
      let nowMs = 0
      for (const gap of gaps) {
        nowMs += gap
        const delayMs = limit.reserve(nowMs, waitMaxMs)
        if (delayMs <= waitMaxMs) began.push(nowMs + delayMs)
      }
      for (const [index, ms] of began.entries()) {
        assert.ok(ms >= (began[index - 1] ?? 0))
        const before = began[index - callsMax]
        if (before !== undefined) assert.ok(ms - before >= 1_000, `${callsMax + 1} calls within ${ms - before} ms`)
      }
    }),
  )
})

test('whenever calls come, a bucket never lets more through than its burst and its rate', () => {
  fc.assert(
    fc.property(arrivals, fc.integer({ min: 1, max: 5 }), (gaps, burst) => {
      const bucket = new TokenBucket(10, burst, 0)
      const began: number[] = []
      let nowMs = 0
      for (const gap of gaps) {
        nowMs += gap
        if (bucket.reserve(nowMs, 0) === 0) began.push(nowMs)
      }
      for (const [first, from] of began.entries()) {
        for (const [last, to] of began.entries()) {
          if (last > first) assert.ok(last - first + 1 <= burst + (to - from) / 100 + 1e-9)
        }
      }
    }),
  )
})
