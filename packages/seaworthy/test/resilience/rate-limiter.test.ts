import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { ConfigurationError, rootContext, TimeoutError } from 'seaworthy/core'
import { RateLimitedError, rateLimiter } from 'seaworthy/resilience'
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

  test('gives the turn of a caller that left to the next', async () => {
    const clock = new VirtualClock()
    const limiter = rateLimiter({ kind: 'sliding-window', callsMax: 1, windowMs: 1_000, waitMaxMs: 10_000 }, { name, clock })
    await limiter.run(works)
    const { context, controller } = abortable()
    const leaver = watched(limiter.run(() => assert.fail('called'), context))
    const next = watched(limiter.run(works))
    controller.abort(new Error('left'))
    await clock.advance(1_000)
    assert.deepEqual([leaver.settled, next.settled], ['error', 'value'])
  })

  test('after an event loop that stood still goes on at its rate', async () => {
    const clock = new VirtualClock()
    const limiter = rateLimiter({ kind: 'sliding-window', callsMax: 1, windowMs: 100, waitMaxMs: 10_000 }, { name, clock })
    const began: number[] = []
    const runs = [0, 1, 2, 3].map(() => limiter.run(async () => began.push(clock.monotonicMs())))
    clock.stall(250)
    await clock.advance(1_000)
    await Promise.all(runs)
    assert.deepEqual(began, [0, 250, 350, 450])
  })

  test('refuses settings that make no sense', () => {
    assert.throws(() => rateLimiter({ kind: 'token-bucket', perSecond: 0 }, { name }), ConfigurationError)
    assert.throws(() => rateLimiter({ kind: 'sliding-window', callsMax: 1, windowMs: Number.NaN }, { name }), /windowMs is NaN/)
  })
})

const declarations = fc.oneof(
  fc.record({ kind: fc.constant('sliding-window' as const), callsMax: fc.integer({ min: 1, max: 4 }), windowMs: fc.constant(1_000) }),
  fc.record({ kind: fc.constant('token-bucket' as const), perSecond: fc.constant(10), burst: fc.integer({ min: 1, max: 5 }) }),
)
const arrival = fc.record({ gapMs: fc.integer({ min: 0, max: 300 }), stallMs: fc.constantFrom(0, 0, 0, 700, 2_500), aborts: fc.boolean() })

test('whenever calls come, callers leave and the event loop stands still: the limit holds, turns are in order, nothing is left', async () => {
  await fc.assert(
    fc.asyncProperty(
      declarations,
      fc.constantFrom(0, 500, 5_000),
      fc.array(arrival, { maxLength: 60 }),
      async (declared, waitMaxMs, arrivals) => {
        const clock = new VirtualClock()
        const limiter = rateLimiter({ ...declared, waitMaxMs }, { name, clock })
        const began: { readonly call: number; readonly atMs: number }[] = []
        const signals: AbortSignal[] = []
        let leaving: AbortController | undefined
        const runs: ReturnType<typeof watched>[] = []
        for (const [call, { gapMs, stallMs, aborts }] of arrivals.entries()) {
          clock.stall(stallMs)
          await clock.advance(gapMs)
          leaving?.abort(new Error('left'))
          const { context, controller } = abortable()
          leaving = aborts ? controller : undefined
          signals.push(controller.signal)
          runs.push(watched(limiter.run(async () => began.push({ call, atMs: clock.monotonicMs() }), context)))
        }
        await clock.advance(10_000)
        for (const run of runs) assert.equal(run.times, 1)
        assertNothingLeft(clock, signals)
        for (const [first, { call, atMs }] of began.entries()) {
          assert.ok(call > (began[first - 1]?.call ?? -1), 'a call overtook another')
          for (const [last, { atMs: untilMs }] of began.entries()) {
            if (last <= first) continue
            const calls = last - first + 1
            if (declared.kind === 'token-bucket') assert.ok(calls <= declared.burst + (untilMs - atMs) / 100 + 1e-9)
            else if (untilMs - atMs < declared.windowMs) assert.ok(calls <= declared.callsMax, `${calls} calls within ${untilMs - atMs} ms`)
          }
        }
      },
    ),
  )
})
