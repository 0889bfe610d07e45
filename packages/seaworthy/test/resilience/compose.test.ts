import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rootContext, TimeoutError, UnavailableError, withContext } from 'seaworthy/core'
import {
  BulkheadFullError,
  bulkhead,
  outcomeOf,
  RateLimitedError,
  circuitBreaker,
  compose,
  fallback,
  type Guard,
  type Policy,
  policy,
  rateLimiter,
  timeout,
} from 'seaworthy/resilience'
import { VirtualClock } from '@seaworthy/testing'
import { abortable, errorOf, watched } from './calls.ts'

const traced = (name: string, trace: string[]): Guard => ({
  async run(body, context = rootContext()) {
    trace.push(`${name} in`)
    try {
      return await body({ ...context, baggage: `${context.baggage ?? ''}${name}` })
    } finally {
      trace.push(`${name} out`)
    }
  },
})

describe('composed guards', () => {
  test('run one inside the other, the first outermost, and hand the context on', async () => {
    const trace: string[] = []
    const guard = compose(traced('a', trace), traced('b', trace))
    assert.equal(await guard.run(async (call) => call.baggage), 'ab')
    assert.deepEqual(trace, ['a in', 'b in', 'b out', 'a out'])
  })

  test('of none just make the call', async () => {
    const context = rootContext()
    assert.equal(await compose().run(async (call) => call.correlationId, context), context.correlationId)
  })

  test('of none reject with what the body throws at once', async () => {
    const body = (): Promise<string> => {
      throw new TypeError('bug')
    }
    assert.match(String(await errorOf(compose().run(body))), /bug/)
  })

  test('make every attempt of an outer retry pass the inner guards', async () => {
    const trace: string[] = []
    const retrying = policy({ retry: { attemptsMax: 2, backoff: { kind: 'constant', delayMs: 0 } } }, { name: 'stock' })
    await errorOf(compose(retrying, traced('a', trace)).run(() => Promise.reject(new UnavailableError('down'))))
    assert.deepEqual(trace, ['a in', 'a out', 'a in', 'a out'])
  })
})

describe('a circuit breaker of its own', () => {
  const breaker = () => circuitBreaker({ consecutiveFailures: 1, openMs: 60_000 }, { name: 'stock', clock })
  const clock = new VirtualClock()
  const stateOf = (guarded: Policy) => guarded.snapshot().circuitBreaker?.state

  test('sees a receiver that hangs until a time limit further out, or the signal of a caller, runs out', async () => {
    const limited = breaker()
    const outer = watched(compose(timeout({ totalMs: 100 }, { name: 'stock', clock }), limited).run(() => new Promise(() => {})))
    await clock.advance(100)
    assert.ok(outer.error instanceof TimeoutError)
    assert.equal(stateOf(limited), 'open')
    const signalled = breaker()
    const { context, controller } = abortable()
    const run = errorOf(signalled.run(() => new Promise(() => {}), context))
    // As AbortSignal.timeout does.
    controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
    await run
    assert.equal(stateOf(signalled), 'open')
  })

  test('learns nothing of its receiver from what guards further in turn away', async () => {
    const inner = [
      rateLimiter({ kind: 'sliding-window', callsMax: 1, windowMs: 60_000 }, { name: 'stock', clock }),
      bulkhead({ concurrencyMax: 1 }, { name: 'stock', clock }),
    ]
    for (const guard of inner) {
      const outer = breaker()
      const { promise, resolve } = Promise.withResolvers<void>()
      const first = guard.run(() => promise)
      const refused = await errorOf(compose(outer, guard).run(() => assert.fail('called')))
      assert.ok(refused instanceof RateLimitedError || refused instanceof BulkheadFullError)
      assert.equal(stateOf(outer), 'closed')
      resolve()
      await first
    }
    assert.equal(outcomeOf(new TimeoutError('nothing was sent', 0, { executed: 'no' })), 'ignored')
    assert.equal(outcomeOf(new TimeoutError('no answer', 100)), 'failure')
  })
})

describe('a fallback', () => {
  test('answers with something else, and may look at the error', async () => {
    const price = await fallback((error) => `unknown: ${(error as Error).message}`).run(async () => Promise.reject(new Error('down')))
    assert.equal(price, 'unknown: down')
    assert.equal(await fallback(() => 0).run(async () => 7), 7)
  })

  test('falls back from what a guard turned away', async () => {
    const clock = new VirtualClock()
    const guard = policy({ bulkhead: { concurrencyMax: 1 } }, { name: 'reviews', clock })
    void guard.run(() => new Promise(() => {}))
    assert.deepEqual(await fallback(() => [], { guard }).run(async () => ['a review']), [])
  })

  test('does not hide errors that it does not handle, nor the abort of its caller', async () => {
    const bug = new TypeError('bug')
    const only = fallback(() => 0, { handles: (error) => error instanceof UnavailableError })
    assert.equal(await errorOf(only.run(() => Promise.reject(bug))), bug)
    const { context, controller } = abortable()
    controller.abort(new Error('left'))
    assert.equal(await errorOf(fallback(() => 0).run(() => Promise.reject(bug), context)), bug)
    const current = withContext(context, () => fallback(() => 0).run(() => Promise.reject(bug)))
    assert.equal(await errorOf(current), bug)
  })
})
