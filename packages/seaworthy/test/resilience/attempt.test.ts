import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type CallContext, constant, rootContext, TimeoutError, UnavailableError, withContext } from 'seaworthy/core'
import { bulkhead, type Policy, retry, timeout } from 'seaworthy/resilience'
import { VirtualClock } from '@seaworthy/testing'
import { assertNothingLeft, errorOf, heldBody, watched } from './calls.ts'

const name = 'inventory'

/** The context that a body gets from a policy. */
async function contextFrom(guarded: Policy, context?: CallContext): Promise<CallContext> {
  return guarded.run(async (call) => call, context)
}

describe('the context of an attempt', () => {
  test('has all that its caller gave, a deadline and a signal, also in a copy', async () => {
    const clock = new VirtualClock()
    const given = rootContext({ correlationId: 'c-1', actor: 'ada', idempotencyKey: 'order-1' })
    const call = await contextFrom(timeout({ attemptMs: 100 }, { name, clock }), given)
    const copy = { ...call, idempotencyKey: 'order-2' }
    assert.equal(copy.correlationId, 'c-1')
    assert.equal(copy.actor, 'ada')
    assert.equal(copy.idempotencyKey, 'order-2')
    assert.equal(copy.deadlineMs, 100)
    assert.equal(copy.signal, call.signal)
    assert.ok(call.signal instanceof AbortSignal)
    assert.deepEqual(Object.keys(call).toSorted(), ['actor', 'correlationId', 'deadlineMs', 'idempotencyKey', 'signal'])
    assert.ok('actor' in call && !('baggage' in call))
    assert.throws(() => Object.assign(call, { actor: 'eve' }), TypeError)
  })

  test('has a correlation id when nobody gave one: the same each time it is looked at, and in each attempt', async () => {
    const clock = new VirtualClock()
    const guarded = retry({ attemptsMax: 3, backoff: constant(0) }, { name, clock })
    const ids: string[] = []
    const run = errorOf(
      guarded.run(async (call) => {
        ids.push(call.correlationId, { ...call }.correlationId)
        throw new UnavailableError('down')
      }),
    )
    await clock.advance(10)
    await run
    assert.equal(ids.length, 6)
    assert.equal(new Set(ids).size, 1)
    assert.match(ids[0]!, /^[0-9a-f-]{36}$/)
    const other = await contextFrom(bulkhead({ concurrencyMax: 1 }, { name }))
    assert.notEqual(other.correlationId, ids[0])
    assert.deepEqual(Object.keys(other), ['correlationId'])
  })

  test('is the current one when none is given', async () => {
    const context = rootContext({ correlationId: 'c-2' })
    const call = await withContext(context, () => contextFrom(bulkhead({ concurrencyMax: 1 }, { name })))
    assert.equal(call, context)
  })

  test('inside another policy has the nearer of the two deadlines, and the outer timeout aborts the inner body', async () => {
    const clock = new VirtualClock()
    const outer = timeout({ attemptMs: 100 }, { name: 'outer', clock })
    const inner = timeout({ attemptMs: 500 }, { name: 'inner', clock })
    const { body, calls } = heldBody()
    const run = watched(outer.run((call) => inner.run(body, call)))
    await clock.advance(0)
    assert.equal(calls[0]!.call.deadlineMs, 100)
    const { signal } = calls[0]!.call
    await clock.advance(100)
    assert.equal(run.settled, 'error')
    assert.equal(signal?.aborted, true)
    assertNothingLeft(clock)
  })
})

describe('one layer alone', () => {
  const declaration = { attemptsMax: 3, backoff: constant(1), idempotent: true }
  const down = () => new UnavailableError('down')

  test('retries: who calls under a policy that repeats is not repeated below', async () => {
    const clock = new VirtualClock()
    const top = retry(declaration, { name: 'top', clock })
    const middle = retry(declaration, { name: 'middle', clock })
    const bottom = retry(declaration, { name: 'bottom', clock })
    let leafCalls = 0
    const leaf = async () => {
      leafCalls++
      throw down()
    }
    const run = errorOf(top.run((a) => middle.run((b) => bottom.run(leaf, b), a)))
    await clock.advance(100)
    await run
    assert.equal(leafCalls, 3)
    assert.equal(bottom.snapshot().retries, 0)
  })

  test('says so in the context, unless it would not repeat what may have been executed', async () => {
    assert.equal((await contextFrom(retry(declaration, { name }))).retriedByCaller, true)
    const careful = retry({ attemptsMax: 3, backoff: constant(1) }, { name })
    assert.ok(!(await contextFrom(careful)).retriedByCaller)
    assert.equal((await contextFrom(careful, rootContext({ idempotencyKey: 'key' }))).retriedByCaller, true)
    assert.equal({ ...(await contextFrom(retry(declaration, { name }))) }.retriedByCaller, true)
    const passedOn = await contextFrom(timeout({ attemptMs: 5 }, { name }), rootContext({ retriedByCaller: true }))
    assert.equal(passedOn.retriedByCaller, true)
  })
})

describe('time limits', () => {
  test('an event loop that stood still does not time out what was answered meanwhile', async () => {
    const clock = new VirtualClock()
    const guarded = timeout({ attemptMs: 100 }, { name, clock })
    const { body, calls } = heldBody()
    const run = watched(guarded.run(body))
    await clock.advance(50)
    clock.stall(300)
    // The timer fires in the next turn of the event loop, and the answer is read in the one after, as from a socket.
    setImmediate(() => setImmediate(() => calls[0]!.succeed('in time')))
    await clock.advance(0)
    await clock.advance(0)
    assert.equal(run.value, 'in time')
    const hung = watched(guarded.run(heldBody().body))
    clock.stall(300)
    await clock.advance(0)
    await clock.advance(0)
    assert.ok(hung.error instanceof TimeoutError)
    assertNothingLeft(clock)
  })

  test('of more than 2^31 ms do not fire at once', async () => {
    const guarded = timeout({ attemptMs: 2 ** 31 + 5 }, { name })
    assert.equal(await guarded.run(() => new Promise((resolve) => setTimeout(resolve, 5, 'slow'))), 'slow')
  })

  test('a deadline that is now, or past, makes no call', async () => {
    const clock = new VirtualClock({ monotonicMs: 1_000 })
    for (const deadlineMs of [1_000, 999, -5]) {
      const error = await errorOf(timeout({ attemptMs: 10 }, { name, clock }).run(() => assert.fail('called'), rootContext({ deadlineMs })))
      assert.ok(error instanceof TimeoutError && error.executed === 'no')
    }
  })

  test('many calls with deadlines in any order each end at their own', async () => {
    const clock = new VirtualClock()
    const guarded = timeout({ totalMs: 10_000 }, { name, clock })
    const ended: number[] = []
    const wanted = Array.from({ length: 200 }, (_, index) => ((index * 7_919) % 997) + 1)
    for (const deadlineMs of wanted) {
      guarded.run(heldBody().body, rootContext({ deadlineMs })).catch(() => ended.push(clock.monotonicMs()))
    }
    assert.equal(clock.pending.length, 1, 'one timer for all')
    await clock.advance(1_000)
    assert.deepEqual(
      ended,
      wanted.toSorted((a, b) => a - b),
    )
    assertNothingLeft(clock)
  })

  test('leave nothing that keeps a process alive', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
    const before = timers()
    const guarded = timeout({ attemptMs: 60_000 }, { name })
    await guarded.run(async () => 1)
    assert.equal(timers(), before)
    const { body, calls } = heldBody()
    const run = guarded.run(body)
    assert.equal(timers(), before + 1)
    calls[0]!.succeed()
    await run
    assert.equal(timers(), before)
  })
})
