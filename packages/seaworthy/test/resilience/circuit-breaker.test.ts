import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { InvalidInputError, RejectedError, UnavailableError } from 'seaworthy/core'
import { BrokenCircuitError, circuitBreaker, type CircuitBreakerSnapshot, countWindow, type Policy } from 'seaworthy/resilience'
import { VirtualClock } from '@seaworthy/testing'
import { abortable, errorOf, heldBody, watched } from './calls.ts'

const name = 'inventory'
const down = new UnavailableError('down')
const fails = () => Promise.reject(down)
const works = async () => 'stock'

function breakerOf(guarded: Policy): CircuitBreakerSnapshot {
  const snapshot = guarded.snapshot().circuitBreaker
  assert.ok(snapshot)
  return snapshot
}

function tripped(clock: VirtualClock, probesMax = 1) {
  return circuitBreaker({ consecutiveFailures: 1, openMs: 1_000, probesMax, probeLeaseMs: 5_000 }, { name, clock })
}

/** A breaker that has just become ready for probes. */
async function readyForProbes(clock: VirtualClock, probesMax = 1): Promise<Policy> {
  const guarded = tripped(clock, probesMax)
  await errorOf(guarded.run(fails))
  await clock.advance(1_000)
  return guarded
}

describe('a circuit breaker', () => {
  test('opens after so many failures in a row, and then calls nothing', async () => {
    const clock = new VirtualClock()
    const guarded = circuitBreaker({ consecutiveFailures: 3, openMs: 1_000 }, { name, clock })
    await errorOf(guarded.run(fails))
    await errorOf(guarded.run(fails))
    await guarded.run(works)
    for (let call = 0; call < 3; call++) assert.equal(await errorOf(guarded.run(fails)), down)
    await clock.advance(400)
    const error = await errorOf(guarded.run(() => assert.fail('called')))
    assert.ok(error instanceof BrokenCircuitError)
    assert.equal(error.executed, 'no')
    assert.equal(error.retryAfterMs, 600)
    assert.match(error.message, /inventory is open: 3 calls failed in a row.*600 ms/)
  })

  test('opens at a failure rate over a window of calls, and only from the minimum of calls on', async () => {
    const clock = new VirtualClock()
    const guarded = circuitBreaker({ failureRate: 0.5, window: countWindow(10), minimumCalls: 4, openMs: 1_000 }, { name, clock })
    for (let call = 0; call < 3; call++) await errorOf(guarded.run(fails))
    assert.equal(breakerOf(guarded).state, 'closed')
    await errorOf(guarded.run(fails))
    assert.deepEqual(breakerOf(guarded), {
      state: 'open',
      why: '4 of the last 4 calls failed',
      retryAfterMs: 1_000,
      opened: 1,
      rejected: 0,
    })
  })

  test('calls that it turns away do not dilute the failure rate', async () => {
    const clock = new VirtualClock()
    const guarded = circuitBreaker({ failureRate: 0.5, window: countWindow(4), minimumCalls: 2, openMs: 1_000 }, { name, clock })
    for (let call = 0; call < 2; call++) await errorOf(guarded.run(fails))
    for (let call = 0; call < 100; call++) await errorOf(guarded.run(works))
    await clock.advance(1_000)
    await guarded.run(works)
    for (let call = 0; call < 2; call++) await errorOf(guarded.run(fails))
    assert.equal(breakerOf(guarded).state, 'open')
  })

  test('a half-open breaker lets exactly so many probes through and fails fast beyond', async () => {
    const clock = new VirtualClock()
    const guarded = await readyForProbes(clock, 2)
    const { body, calls } = heldBody()
    const probes = [guarded.run(body), guarded.run(body)]
    const error = await errorOf(guarded.run(body))
    assert.ok(error instanceof BrokenCircuitError)
    assert.equal(error.state, 'half-open')
    assert.equal(error.retryAfterMs, 1_000)
    assert.equal(calls.length, 2)
    for (const call of calls) call.succeed()
    await Promise.all(probes)
    assert.equal(breakerOf(guarded).state, 'closed')
  })

  test('once closed, it starts counting from nothing', async () => {
    const clock = new VirtualClock()
    const guarded = circuitBreaker({ consecutiveFailures: 2, openMs: 1_000 }, { name, clock })
    for (let call = 0; call < 2; call++) await errorOf(guarded.run(fails))
    await clock.advance(1_000)
    await guarded.run(works)
    await errorOf(guarded.run(fails))
    assert.deepEqual(breakerOf(guarded), { state: 'closed', calls: 1, failures: 1, slow: 0, opened: 1, rejected: 0 })
  })

  test('a probe that succeeded counts against the probes too', async () => {
    const clock = new VirtualClock()
    const guarded = await readyForProbes(clock, 2)
    const { body, calls } = heldBody()
    await guarded.run(works)
    const last = guarded.run(body)
    assert.ok((await errorOf(guarded.run(body))) instanceof BrokenCircuitError)
    calls[0]!.succeed()
    await last
    assert.equal(breakerOf(guarded).state, 'closed')
  })

  test('one failed probe opens it again for the whole time', async () => {
    const clock = new VirtualClock()
    const guarded = await readyForProbes(clock, 2)
    await guarded.run(works)
    await errorOf(guarded.run(fails))
    assert.deepEqual(breakerOf(guarded), { state: 'open', why: 'a probe failed', retryAfterMs: 1_000, opened: 2, rejected: 0 })
  })

  test('a late success from before it opened closes nothing', async () => {
    const clock = new VirtualClock()
    const guarded = tripped(clock)
    const { body, calls } = heldBody()
    const late = guarded.run(body)
    await errorOf(guarded.run(fails))
    await clock.advance(1_000)
    const probe = guarded.run(body)
    calls[0]!.succeed()
    await late
    assert.equal(breakerOf(guarded).state, 'half-open')
    calls[1]!.succeed()
    await probe
    assert.equal(breakerOf(guarded).state, 'closed')
  })

  test('a late failure from before opens nothing: not when half-open, not when closed again', async () => {
    const clock = new VirtualClock()
    const guarded = tripped(clock)
    const { body, calls } = heldBody()
    const late = [watched(guarded.run(body)), watched(guarded.run(body))]
    await errorOf(guarded.run(fails))
    await clock.advance(1_000)
    const probe = guarded.run(body)
    calls[0]!.fail(down)
    await clock.advance(0)
    assert.equal(breakerOf(guarded).state, 'half-open')
    calls[2]!.succeed()
    await probe
    calls[1]!.fail(down)
    await clock.advance(0)
    assert.equal(breakerOf(guarded).state, 'closed')
    assert.deepEqual(
      late.map((run) => run.settled),
      ['error', 'error'],
    )
  })

  test('a probe that hangs holds its place only as long as its lease, and its late result counts for nothing', async () => {
    const clock = new VirtualClock()
    const guarded = await readyForProbes(clock)
    const { body, calls } = heldBody()
    const hung = watched(guarded.run(body))
    await clock.advance(4_999)
    assert.ok((await errorOf(guarded.run(works))) instanceof BrokenCircuitError)
    await clock.advance(1)
    const second = guarded.run(body)
    calls[0]!.fail(down)
    await clock.advance(0)
    assert.equal(hung.settled, 'error')
    assert.equal(breakerOf(guarded).state, 'half-open')
    calls[1]!.succeed()
    await second
    assert.equal(breakerOf(guarded).state, 'closed')
  })

  test("a caller's abort is no failure, and gives a probe's place back", async () => {
    const clock = new VirtualClock()
    const guarded = tripped(clock)
    const { body } = heldBody()
    const first = abortable()
    const run = watched(guarded.run(body, first.context))
    first.controller.abort(new Error('left'))
    await clock.advance(0)
    assert.equal(run.settled, 'error')
    assert.equal(breakerOf(guarded).state, 'closed')

    await errorOf(guarded.run(fails))
    await clock.advance(1_000)
    const second = abortable()
    const probe = watched(guarded.run(body, second.context))
    second.controller.abort(new Error('left'))
    await clock.advance(0)
    assert.equal(probe.settled, 'error')
    assert.equal(breakerOf(guarded).state, 'half-open')
    assert.equal(await guarded.run(works), 'stock')
    assert.equal(breakerOf(guarded).state, 'closed')
  })

  test('a business rejection shows that the receiver lives', async () => {
    const clock = new VirtualClock()
    const guarded = await readyForProbes(clock)
    const refused = new RejectedError('out-of-stock', 'gone')
    assert.equal(await errorOf(guarded.run(() => Promise.reject(refused))), refused)
    assert.equal(breakerOf(guarded).state, 'closed')
    for (let call = 0; call < 5; call++) await errorOf(guarded.run(() => Promise.reject(refused)))
    assert.equal(breakerOf(guarded).state, 'closed')
  })

  test("a mistake in the caller's code closes nothing", async () => {
    const clock = new VirtualClock()
    const guarded = await readyForProbes(clock)
    await errorOf(guarded.run(() => Promise.reject(new InvalidInputError('sku is missing'))))
    assert.equal(breakerOf(guarded).state, 'half-open')
    await errorOf(guarded.run(() => Promise.reject(new TypeError('not a function'))))
    assert.equal(breakerOf(guarded).state, 'open')
  })

  test('a wall clock set back by an hour does not keep it open', async () => {
    const clock = new VirtualClock()
    const guarded = tripped(clock)
    await errorOf(guarded.run(fails))
    clock.jumpWallClock(-3_600_000)
    await clock.advance(1_000)
    assert.equal(await guarded.run(works), 'stock')
  })

  test('holds no timer, open or half-open', async () => {
    const clock = new VirtualClock()
    const guarded = tripped(clock)
    await errorOf(guarded.run(fails))
    assert.deepEqual(clock.pending, [])
    await clock.advance(1_000)
    void guarded.run(heldBody().body)
    assert.deepEqual(clock.pending, [])
  })

  test('tells of each change of state', async () => {
    const seen: unknown[] = []
    const listen = (message: unknown) => seen.push((message as { type: string }).type)
    subscribe('seaworthy:resilience', listen)
    try {
      const clock = new VirtualClock()
      const guarded = await readyForProbes(clock)
      await guarded.run(works)
    } finally {
      unsubscribe('seaworthy:resilience', listen)
    }
    assert.deepEqual(seen, ['circuit-opened', 'circuit-half-opened', 'circuit-closed'])
  })
})

type Step =
  | { readonly kind: 'start' }
  | { readonly kind: 'end'; readonly which: number; readonly how: 'success' | 'failure' | 'rejection' }
  | { readonly kind: 'abort'; readonly which: number }
  | { readonly kind: 'advance'; readonly ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>({ kind: 'start' }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('end' as const), which: fc.nat(30), how: fc.constantFrom('success', 'failure', 'rejection') }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('abort' as const), which: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(1, 50, 100, 500) }) },
)

test('whatever happens: never more probes than probesMax, only results of the present change the state, every call ends once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), async (steps, probesMax) => {
      const clock = new VirtualClock()
      // A lease longer than the whole run, so that every probe that runs holds a place.
      const guarded = circuitBreaker({ consecutiveFailures: 2, openMs: 100, probesMax, probeLeaseMs: 1e9 }, { name, clock })
      const { body, calls } = heldBody()
      let era = 0
      let state: string = 'closed'
      const look = () => {
        const now = breakerOf(guarded)
        if (now.state !== state) {
          state = now.state
          era++
        }
        if (now.state === 'half-open') assert.ok(now.probesRunning + now.probesSucceeded <= probesMax)
        return now
      }
      const open: { era: number; index: number; controller: AbortController }[] = []
      const runs: ReturnType<typeof watched>[] = []
      for (const each of steps) {
        switch (each.kind) {
          case 'start': {
            const { context, controller } = abortable()
            const before = calls.length
            runs.push(watched(guarded.run(body, context)))
            await clock.advance(0)
            look()
            if (calls.length > before) open.push({ era, index: before, controller })
            if (state === 'open') assert.equal(calls.length, before, 'called through an open circuit')
            break
          }
          case 'end':
          case 'abort': {
            const [chosen] = open.length === 0 ? [] : open.splice(each.which % open.length, 1)
            if (chosen === undefined) break
            const before = look()
            if (each.kind === 'abort') chosen.controller.abort(new Error('left'))
            else if (each.how === 'success') calls[chosen.index]!.succeed()
            else calls[chosen.index]!.fail(each.how === 'failure' ? down : new RejectedError('no', 'no'))
            await clock.advance(0)
            if (chosen.era !== era) assert.deepEqual(look(), before, 'a result of the past changed something')
            else if (each.kind === 'abort') assert.equal(look().state, before.state, 'an abort changed the state')
            look()
            break
          }
          case 'advance':
            await clock.advance(each.ms)
        }
      }
      for (const { index } of open) calls[index]!.succeed()
      await clock.advance(0)
      for (const run of runs) assert.equal(run.times, 1)
      assert.deepEqual(clock.pending, [])
    }),
    { numRuns: 300 },
  )
})
