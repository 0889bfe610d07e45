import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { constant, exponential, seededRandom, TimeoutError, UnavailableError, UnknownOutcomeError } from 'seaworthy/core'
import { BrokenCircuitError, countWindow, policy, type PolicyDeclaration, type ResilienceEvent } from 'seaworthy/resilience'
import { VirtualClock } from '@seaworthy/testing'
import { abortable, assertNothingLeft, errorOf, heldBody, watched } from './calls.ts'

const name = 'inventory'
const down = () => new UnavailableError('down')

describe('a fused policy', () => {
  test('holds no place in the bulkhead while it backs off', async () => {
    const clock = new VirtualClock()
    const guarded = policy({ retry: { attemptsMax: 2, backoff: constant(100) }, bulkhead: { concurrencyMax: 1 } }, { name, clock })
    let attempts = 0
    const backingOff = guarded.run(async () => {
      if (++attempts === 1) throw down()
      return 'second attempt'
    })
    await clock.advance(50)
    assert.equal(await guarded.run(async () => 'in between'), 'in between')
    await clock.advance(50)
    assert.equal(await backingOff, 'second attempt')
  })

  test('a body that returns undefined, and no promise, has succeeded', async () => {
    const guarded = policy({ circuitBreaker: { consecutiveFailures: 1, openMs: 1_000 } }, { name, clock: new VirtualClock() })
    // JavaScript callers may do so, whatever the types say.
    const body = (() => undefined) as unknown as () => Promise<undefined>
    assert.equal(await guarded.run(body), undefined)
    assert.equal(guarded.snapshot().succeeded, 1)
    assert.equal(guarded.snapshot().circuitBreaker?.state, 'closed')
  })

  test('the breaker sees every attempt', async () => {
    const clock = new VirtualClock()
    const guarded = policy(
      { retry: { attemptsMax: 3, backoff: constant(10) }, circuitBreaker: { consecutiveFailures: 3, openMs: 1_000 } },
      { name, clock },
    )
    const run = errorOf(guarded.run(() => Promise.reject(down())))
    await clock.advance(20)
    assert.ok((await run) instanceof UnavailableError)
    assert.equal(guarded.snapshot().circuitBreaker?.state, 'open')
  })

  test('waits out an open circuit if the deadline allows, and fails at once if not', async () => {
    const clock = new VirtualClock()
    const declaration: PolicyDeclaration = {
      retry: { attemptsMax: 3, backoff: constant(10) },
      circuitBreaker: { consecutiveFailures: 1, openMs: 1_000 },
    }
    const patient = policy(declaration, { name, clock })
    let attempts = 0
    const run = patient.run(async () => {
      if (++attempts === 1) throw down()
      return 'after the probe'
    })
    await clock.advance(1_010)
    assert.equal(await run, 'after the probe')

    const hurried = policy({ ...declaration, timeout: { totalMs: 500 } }, { name, clock })
    const failed = watched(hurried.run(() => Promise.reject(down())))
    await clock.advance(10)
    assert.ok(failed.error instanceof BrokenCircuitError)
    assertNothingLeft(clock)
  })

  test('the total time bounds attempts and waits together', async () => {
    const clock = new VirtualClock()
    const guarded = policy(
      { idempotent: true, timeout: { attemptMs: 300, totalMs: 800 }, retry: { attemptsMax: 10, backoff: constant(50) } },
      { name, clock },
    )
    const { body, calls } = heldBody()
    const run = watched(guarded.run(body))
    await clock.advance(799)
    assert.equal(run.settled, 'no')
    assert.equal(calls.length, 3)
    await clock.advance(1)
    assert.ok(run.error instanceof TimeoutError)
    assert.match(run.error.message, /the rest of timeout\.totalMs/)
    assertNothingLeft(clock)
  })

  test('a timeout counts as a failure for the breaker, at the moment of the timeout', async () => {
    const clock = new VirtualClock()
    const guarded = policy({ timeout: { attemptMs: 100 }, circuitBreaker: { consecutiveFailures: 1, openMs: 1_000 } }, { name, clock })
    const { body, calls } = heldBody()
    const run = watched(guarded.run(body))
    await clock.advance(100)
    assert.equal(run.settled, 'error')
    assert.equal(guarded.snapshot().circuitBreaker?.state, 'open')
    calls[0]!.succeed() // Too late to count.
    await clock.advance(0)
    assert.equal(guarded.snapshot().circuitBreaker?.state, 'open')
  })

  test('a full bulkhead says nothing about the receiver: it neither opens the breaker nor uses a probe up', async () => {
    const clock = new VirtualClock()
    const guarded = policy(
      { timeout: { attemptMs: 100 }, circuitBreaker: { consecutiveFailures: 1, openMs: 1_000 }, bulkhead: { concurrencyMax: 1 } },
      { name, clock },
    )
    const { body, calls } = heldBody()
    const first = guarded.run(body)
    await errorOf(guarded.run(body))
    assert.equal(guarded.snapshot().circuitBreaker?.state, 'closed')
    calls[0]!.succeed()
    await first

    const slow = watched(guarded.run(body)) // Times out, opens the breaker, and keeps the only place.
    await clock.advance(1_100)
    assert.equal(slow.settled, 'error')
    await errorOf(guarded.run(body))
    assert.deepEqual(guarded.snapshot().circuitBreaker, {
      state: 'half-open',
      probesRunning: 0,
      probesSucceeded: 0,
      opened: 1,
      rejected: 0,
    })
  })

  test('a call that waited while the circuit opened is turned away, not sent', async () => {
    const clock = new VirtualClock()
    const guarded = policy(
      { circuitBreaker: { consecutiveFailures: 1, openMs: 1_000 }, bulkhead: { concurrencyMax: 1, queueMax: 5 } },
      { name, clock },
    )
    const { body, calls } = heldBody()
    const first = watched(guarded.run(body))
    const waiting = [1, 2, 3].map(() => watched(guarded.run(() => assert.fail('called'))))
    calls[0]!.fail(down())
    await clock.advance(0)
    assert.equal(first.settled, 'error')
    for (const run of waiting) assert.ok(run.error instanceof BrokenCircuitError)
    assert.equal(guarded.snapshot().bulkhead?.running, 0)
  })

  test('is data: the declaration survives JSON', async () => {
    const declaration: PolicyDeclaration = {
      timeout: { attemptMs: 300, totalMs: 800 },
      retry: { attemptsMax: 3, backoff: exponential({ baseMs: 50, maxMs: 1_000, jitter: 'full' }), budget: { ratio: 0.2 } },
      circuitBreaker: { failureRate: 0.5, window: countWindow(50), openMs: 5_000, probesMax: 3 },
      bulkhead: { concurrencyMax: 16, queueMax: 32 },
    }
    const again = policy(JSON.parse(JSON.stringify(declaration)) as PolicyDeclaration, { name })
    assert.deepEqual(again.declaration, declaration)
    assert.equal(await again.run(async () => 7), 7)
  })

  test('keeps count, and tells who listens', async () => {
    const seen: ResilienceEvent['type'][] = []
    const listen = (message: unknown) => seen.push((message as ResilienceEvent).type)
    const clock = new VirtualClock()
    const guarded = policy(
      { timeout: { attemptMs: 10 }, retry: { attemptsMax: 2, backoff: constant(5) }, idempotent: true },
      { name, clock },
    )
    subscribe('seaworthy:resilience', listen)
    try {
      await guarded.run(async () => 1)
      const run = watched(guarded.run(heldBody().body))
      await clock.advance(100)
      assert.equal(run.settled, 'error')
    } finally {
      unsubscribe('seaworthy:resilience', listen)
    }
    assert.deepEqual(seen, ['call-timed-out', 'retry-scheduled', 'call-timed-out'])
    assert.deepEqual(guarded.snapshot(), { name, calls: 2, succeeded: 1, failed: 1, retries: 1, timedOut: 2 })
  })
})

const errors = { down, lost: () => new UnknownOutcomeError('reset'), bug: () => new TypeError('bug') }

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('start' as const), budgetMs: fc.constantFrom(0, 5, 200, undefined), key: fc.boolean() }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('succeed' as const), which: fc.nat(30) }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('fail' as const), which: fc.nat(30), how: fc.constantFrom('down', 'lost', 'bug') }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('abort' as const), which: fc.nat(60) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(1, 10, 40, 200) }) },
)

test('whatever happens to a fused policy: limits hold, every call ends once, nothing unsafe is repeated, nothing is left behind', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 0, max: 3 }),
      fc.integer(),
      async (steps, concurrencyMax, queueMax, seed) => {
        const clock = new VirtualClock()
        const guarded = policy(
          {
            timeout: { attemptMs: 30, totalMs: 120 },
            retry: { attemptsMax: 3, backoff: exponential({ baseMs: 10, maxMs: 50 }), budget: { ratio: 0.5 } },
            circuitBreaker: { consecutiveFailures: 3, openMs: 50, probesMax: 2 },
            bulkhead: { concurrencyMax, queueMax },
          },
          { name, clock, random: seededRandom(seed) },
        )
        const { body, calls, seen } = heldBody()
        const ended = new Set<number>()
        const runs: { run: ReturnType<typeof watched>; controller: AbortController; key: boolean; unsafe: boolean }[] = []
        const owner: number[] = []
        const pick = (which: number) => {
          const open = calls.map((_, index) => index).filter((index) => !ended.has(index))
          const index = open[which % open.length]
          if (index !== undefined) ended.add(index)
          return index
        }
        for (const each of steps) {
          switch (each.kind) {
            case 'start': {
              const number = runs.length
              const { context, controller } = abortable({
                ...(each.budgetMs !== undefined && { deadlineMs: clock.monotonicMs() + each.budgetMs }),
                ...(each.key && { idempotencyKey: `key-${number}` }),
              })
              const entry = { run: undefined as never, controller, key: each.key, unsafe: false }
              const run = guarded.run((call) => {
                assert.ok(!entry.unsafe || entry.key, 'repeated what may have been executed')
                owner.push(number)
                return body(call)
              }, context)
              runs.push(Object.assign(entry, { run: watched(run) }))
              break
            }
            case 'succeed': {
              const index = pick(each.which)
              if (index !== undefined) calls[index]!.succeed()
              break
            }
            case 'fail': {
              const index = pick(each.which)
              if (index === undefined) break
              if (each.how !== 'down') runs[owner[index]!]!.unsafe = true
              calls[index]!.fail(errors[each.how]())
              break
            }
            case 'abort':
              runs[each.which % runs.length]?.controller.abort(new Error('left'))
              break
            case 'advance':
              await clock.advance(each.ms)
          }
          await clock.advance(0)
          const { bulkhead, circuitBreaker } = guarded.snapshot()
          assert.ok(bulkhead!.running <= concurrencyMax && bulkhead!.queued <= queueMax)
          if (circuitBreaker?.state === 'half-open') assert.ok(circuitBreaker.probesRunning + circuitBreaker.probesSucceeded <= 2)
        }
        await clock.advance(10_000)
        for (const { run } of runs) assert.equal(run.times, 1, 'a call did not end within its total time')
        for (let index = 0; index < calls.length; index++) if (!ended.has(index)) calls[index]!.succeed()
        await clock.advance(0)
        assert.ok(seen.runningMax <= concurrencyMax, `${seen.runningMax} ran at once`)
        const { calls: counted, succeeded, failed, bulkhead } = guarded.snapshot()
        assert.equal(counted, succeeded + failed)
        assert.equal(bulkhead?.running, 0)
        assertNothingLeft(
          clock,
          runs.map(({ controller }) => controller.signal),
        )
      },
    ),
    { numRuns: 300 },
  )
})
