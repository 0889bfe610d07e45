import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigurationError, type Random, UnavailableError } from 'seaworthy/core'
import {
  BrokenCircuitError,
  circuitBreaker,
  type CircuitBreakerDeclaration,
  type CircuitBreakerSnapshot,
  countWindow,
  onResilienceEvent,
  type Policy,
  policy,
  type SavedPolicy,
  timeWindow,
} from 'seaworthy/resilience'
import { VirtualClock } from '@seaworthy/testing'
import { errorOf, heldBody, warningsOf } from './calls.ts'

const name = 'inventory'
const fails = () => Promise.reject(new UnavailableError('down'))
const works = async () => 'stock'
const always = (float: number): Random => ({ float: () => float, fill: (bytes) => bytes })

function breakerOf(guarded: Policy): CircuitBreakerSnapshot {
  const snapshot = guarded.snapshot().circuitBreaker
  assert.ok(snapshot)
  return snapshot
}

const make = (clock: VirtualClock, declaration: CircuitBreakerDeclaration, random?: Random) =>
  circuitBreaker(declaration, { name, clock, ...(random !== undefined && { random }) })

async function failTimes(guarded: Policy, times: number): Promise<void> {
  for (let call = 0; call < times; call++) await errorOf(guarded.run(fails))
}

async function takes(guarded: Policy, clock: VirtualClock, ms: number): Promise<void> {
  const { body, calls } = heldBody()
  const run = guarded.run(body)
  await clock.advance(ms)
  calls[0]!.succeed()
  await run
}

describe('a circuit breaker over a time window', () => {
  const declaration = { failureRate: 0.5, window: timeWindow(3_200), minimumCalls: 4, openMs: 1_000 }

  test('forgets calls when their time is over, each by itself', async () => {
    const clock = new VirtualClock()
    const guarded = make(clock, declaration)
    await failTimes(guarded, 3)
    await clock.advance(1_600)
    await guarded.run(works)
    const counts = () => {
      const snapshot = breakerOf(guarded)
      assert.equal(snapshot.state, 'closed')
      return [snapshot.calls, snapshot.failures]
    }
    await clock.advance(1_500)
    assert.deepEqual(counts(), [4, 3])
    await clock.advance(100)
    assert.deepEqual(counts(), [1, 0])
    await clock.advance(1_600)
    assert.deepEqual(counts(), [0, 0])
  })

  test('after an hour of silence one failure opens nothing', async () => {
    const clock = new VirtualClock()
    const guarded = make(clock, declaration)
    await failTimes(guarded, 3)
    await clock.advance(3_600_000)
    await failTimes(guarded, 3)
    assert.equal(breakerOf(guarded).state, 'closed')
    await failTimes(guarded, 1)
    assert.deepEqual(breakerOf(guarded), {
      state: 'open',
      why: '4 of the last 4 calls failed',
      retryAfterMs: 1_000,
      opened: 1,
      rejected: 0,
    })
  })

  test('a wall clock that jumps changes nothing', async () => {
    const clock = new VirtualClock()
    const guarded = make(clock, declaration)
    await failTimes(guarded, 3)
    clock.jumpWallClock(3_600_000)
    await failTimes(guarded, 1)
    assert.equal(breakerOf(guarded).state, 'open')
  })
})

describe('slow calls', () => {
  const declaration = { failureRate: 1, window: countWindow(10), minimumCalls: 4, slowCalls: { overMs: 100, rate: 0.5 }, openMs: 1_000 }

  test('open the breaker at their rate, although they succeed', async () => {
    const clock = new VirtualClock()
    const guarded = make(clock, declaration)
    for (const ms of [100, 100, 101]) await takes(guarded, clock, ms)
    assert.equal(breakerOf(guarded).state, 'closed')
    await takes(guarded, clock, 150)
    assert.deepEqual(breakerOf(guarded), {
      state: 'open',
      why: '2 of the last 4 calls took more than 100 ms',
      retryAfterMs: 1_000,
      opened: 1,
      rejected: 0,
    })
  })

  test('a slow probe opens it again', async () => {
    const clock = new VirtualClock()
    const guarded = make(clock, declaration)
    for (let call = 0; call < 4; call++) await takes(guarded, clock, 200)
    await clock.advance(1_000)
    await takes(guarded, clock, 101)
    const snapshot = breakerOf(guarded)
    assert.ok(snapshot.state === 'open' && snapshot.why === 'a probe was slow')
    await clock.advance(1_000)
    await takes(guarded, clock, 10)
    assert.equal(breakerOf(guarded).state, 'closed')
  })
})

describe('the time that a breaker stays open', () => {
  test('doubles with each failed probe up to its maximum, and starts over once it closed', async () => {
    const clock = new VirtualClock()
    const guarded = make(clock, { consecutiveFailures: 1, openMs: 100, openMsMax: 350 })
    const openTimes: number[] = []
    for (let probe = 0; probe < 4; probe++) {
      await errorOf(guarded.run(fails))
      const snapshot = breakerOf(guarded)
      assert.ok(snapshot.state === 'open')
      openTimes.push(snapshot.retryAfterMs)
      await clock.advance(snapshot.retryAfterMs)
    }
    assert.deepEqual(openTimes, [100, 200, 350, 350])
    await guarded.run(works)
    await errorOf(guarded.run(fails))
    assert.deepEqual(breakerOf(guarded), { state: 'open', why: '1 calls failed in a row', retryAfterMs: 100, opened: 5, rejected: 0 })
  })

  test('is spread by jitter, so that processes that opened together do not probe together', async () => {
    const clock = new VirtualClock()
    const openTimes = await Promise.all(
      [0, 0.5, 0.999].map(async (float) => {
        const guarded = make(clock, { consecutiveFailures: 1, openMs: 1_000, openJitter: 0.2 }, always(float))
        await errorOf(guarded.run(fails))
        const snapshot = breakerOf(guarded)
        return snapshot.state === 'open' ? Math.round(snapshot.retryAfterMs) : 0
      }),
    )
    assert.deepEqual(openTimes, [1_000, 1_100, 1_200])
  })

  test('ends for a herd of callers with one probe', async () => {
    const clock = new VirtualClock()
    const guarded = make(clock, { consecutiveFailures: 1, openMs: 1_000 })
    await errorOf(guarded.run(fails))
    await clock.advance(1_000)
    const { body, calls } = heldBody()
    const herd = Promise.allSettled(Array.from({ length: 100 }, () => guarded.run(body)))
    await clock.advance(0)
    assert.equal(calls.length, 1)
    calls[0]!.succeed()
    const results = await herd
    assert.equal(results.filter((result) => result.status === 'rejected' && result.reason instanceof BrokenCircuitError).length, 99)
  })
})

describe('a breaker isolated by hand', () => {
  test('lets nothing through until it is released, and then a probe', async () => {
    const clock = new VirtualClock()
    const guarded = make(clock, { consecutiveFailures: 1, openMs: 1_000 })
    guarded.isolate('the database is being moved')
    await clock.advance(3_600_000)
    const error = await errorOf(guarded.run(works))
    assert.ok(error instanceof BrokenCircuitError)
    assert.equal(error.state, 'isolated')
    assert.equal(error.retryAfterMs, undefined)
    assert.match(error.message, /the database is being moved.*until somebody releases it/)
    guarded.release()
    await errorOf(guarded.run(fails))
    assert.equal(breakerOf(guarded).state, 'open')
    guarded.release()
    assert.equal(breakerOf(guarded).state, 'open', 'releasing what is not isolated does nothing')
  })

  test('is not closed by a call that was under way', async () => {
    const clock = new VirtualClock()
    const guarded = make(clock, { consecutiveFailures: 1, openMs: 1_000 })
    const { body, calls } = heldBody()
    const run = guarded.run(body)
    guarded.isolate('by hand')
    calls[0]!.succeed()
    await run
    assert.deepEqual(breakerOf(guarded), { state: 'isolated', why: 'by hand', opened: 0, rejected: 0 })
    assert.throws(() => policy({}, { name }).isolate('why'), ConfigurationError)
  })
})

describe('a saved breaker', () => {
  const declaration = { consecutiveFailures: 1, openMs: 1_000, openMsMax: 8_000 }

  test('stays open in the next process for what is left of its time, and remembers how often it opened', async () => {
    const before = new VirtualClock()
    const guarded = make(before, declaration)
    await errorOf(guarded.run(fails))
    await before.advance(300)
    const saved = JSON.parse(JSON.stringify(guarded.save())) as ReturnType<Policy['save']>
    const clock = new VirtualClock({ nowMs: before.now() + 200, monotonicMs: 7 })
    const restored = circuitBreaker(declaration, { name, clock, saved })
    const error = await errorOf(restored.run(works))
    assert.ok(error instanceof BrokenCircuitError && error.retryAfterMs === 500)
    await clock.advance(500)
    await errorOf(restored.run(fails))
    const snapshot = breakerOf(restored)
    assert.ok(snapshot.state === 'open' && snapshot.retryAfterMs === 2_000)
  })

  test('is not held open by a wall clock that was set back', async () => {
    const before = new VirtualClock()
    const guarded = make(before, declaration)
    await errorOf(guarded.run(fails))
    const clock = new VirtualClock({ nowMs: before.now() - 3_600_000 })
    const restored = circuitBreaker(declaration, { name, clock, saved: guarded.save() })
    await clock.advance(1_000)
    assert.equal(await restored.run(works), 'stock')
  })

  test('stays isolated, or closed', async () => {
    const clock = new VirtualClock()
    const guarded = make(clock, declaration)
    assert.deepEqual(guarded.save(), { circuitBreaker: { state: 'closed' } })
    guarded.isolate('by hand')
    assert.equal(breakerOf(circuitBreaker(declaration, { name, clock, saved: guarded.save() })).state, 'isolated')
  })

  test('stays open no longer than the settings of the next process say', () => {
    const clock = new VirtualClock()
    const saved = { state: 'open', why: 'it failed', leftMs: 3_600_000, savedAtMs: clock.now(), opensInARow: 3 } as const
    const snapshot = breakerOf(circuitBreaker(declaration, { name, clock, saved: { circuitBreaker: saved } }))
    assert.ok(snapshot.state === 'open' && snapshot.retryAfterMs === 8_000)
  })

  test('that cannot be read begins closed, with a warning, and opens as it should', async () => {
    const unreadable = [null, 'open', { state: 'ajar' }, { state: 'isolated' }, { state: 'open', why: 'it failed', leftMs: 100 }]
    const warnings = await warningsOf(async () => {
      for (const circuitBreakerSaved of unreadable) {
        const clock = new VirtualClock()
        const saved = { circuitBreaker: circuitBreakerSaved } as unknown as SavedPolicy
        const guarded = circuitBreaker(declaration, { name, clock, saved })
        await failTimes(guarded, 1)
        const snapshot = breakerOf(guarded)
        assert.ok(snapshot.state === 'open' && snapshot.retryAfterMs === 1_000)
      }
    })
    assert.equal(warnings.filter((message) => message.includes('saved of circuit breaker inventory cannot be read')).length, 5)
  })
})

describe('a policy that is reconfigured while it works', () => {
  test('keeps what its breaker has seen', async () => {
    const clock = new VirtualClock()
    const guarded = policy(
      { circuitBreaker: { failureRate: 0.5, window: countWindow(100), minimumCalls: 50, openMs: 1_000 } },
      { name, clock },
    )
    await failTimes(guarded, 9)
    guarded.reconfigure({ circuitBreaker: { failureRate: 0.5, window: countWindow(20), minimumCalls: 10, openMs: 5_000 } })
    assert.equal(breakerOf(guarded).state, 'closed')
    await failTimes(guarded, 1)
    const snapshot = breakerOf(guarded)
    assert.ok(snapshot.state === 'open' && snapshot.retryAfterMs === 5_000)
    guarded.reconfigure({ circuitBreaker: { consecutiveFailures: 3, openMs: 10 } })
    assert.equal(breakerOf(guarded).state, 'open', 'an open circuit stays open for the time that it was opened for')
  })

  test('lets those who wait in when there is room for more, and stops nobody when there is less', async () => {
    const clock = new VirtualClock()
    const guarded = policy({ bulkhead: { concurrencyMax: 1, queueMax: 5 } }, { name, clock })
    const { body, calls, seen } = heldBody()
    const runs = [1, 2, 3, 4].map(() => guarded.run(body))
    guarded.reconfigure({ bulkhead: { concurrencyMax: 3, queueMax: 5 } })
    await clock.advance(0)
    assert.equal(seen.running, 3)
    guarded.reconfigure({ bulkhead: { concurrencyMax: 1, queueMax: 0 } })
    assert.equal(guarded.snapshot().bulkhead?.queued, 1, 'who was let into the queue stays in it')
    await errorOf(guarded.run(body))
    calls[0]!.succeed()
    calls[1]!.succeed()
    await clock.advance(0)
    assert.equal(seen.running, 1, 'nobody is let in above the new limit')
    calls[2]!.succeed()
    await clock.advance(0)
    calls[3]!.succeed()
    await Promise.all(runs)
    assert.equal(guarded.snapshot().bulkhead?.running, 0)
  })

  test('closes when as many probes have succeeded as are now enough', async () => {
    const clock = new VirtualClock()
    const declaration = { consecutiveFailures: 1, openMs: 1_000, probesMax: 3 }
    const guarded = policy({ circuitBreaker: declaration }, { name, clock })
    await failTimes(guarded, 1)
    await clock.advance(1_000)
    await guarded.run(works)
    await guarded.run(works)
    assert.equal(breakerOf(guarded).state, 'half-open')
    guarded.reconfigure({ circuitBreaker: { ...declaration, probesMax: 2 } })
    assert.equal(breakerOf(guarded).state, 'closed')
    assert.equal(await guarded.run(works), 'stock')
  })

  test('refuses settings that make no sense, and goes on with the old ones', () => {
    const guarded = policy({ bulkhead: { concurrencyMax: 1 } }, { name })
    assert.throws(() => guarded.reconfigure({ bulkhead: { concurrencyMax: 0 } }), ConfigurationError)
    assert.deepEqual(guarded.declaration, { bulkhead: { concurrencyMax: 1 } })
  })
})

test('a listener that isolates a breaker about to probe keeps the probe from being made', async () => {
  const clock = new VirtualClock()
  const guarded = make(clock, { consecutiveFailures: 1, openMs: 1_000 })
  await failTimes(guarded, 1)
  await clock.advance(1_000)
  const stop = onResilienceEvent((event) => {
    if (event.type === 'circuit-half-opened') guarded.isolate('by hand')
  })
  try {
    assert.ok((await errorOf(guarded.run(() => assert.fail('called')))) instanceof BrokenCircuitError)
  } finally {
    stop()
  }
  assert.equal(breakerOf(guarded).state, 'isolated')
})

test('a listener that throws harms neither the call nor the other listeners', async () => {
  const seen: string[] = []
  const stops = [
    onResilienceEvent(() => {
      throw new Error('a dashboard is broken')
    }),
    onResilienceEvent((event) => seen.push(event.type)),
  ]
  const warnings = await warningsOf(async () => {
    const clock = new VirtualClock()
    const guarded = make(clock, { consecutiveFailures: 1, openMs: 1_000 })
    await errorOf(guarded.run(fails))
    await clock.advance(1_000)
    assert.equal(await guarded.run(works), 'stock')
  }).finally(() => {
    for (const stop of stops) stop()
  })
  assert.deepEqual(seen, ['circuit-opened', 'circuit-half-opened', 'circuit-closed'])
  assert.equal(warnings.filter((message) => message.includes('a dashboard is broken')).length, 3)
})
