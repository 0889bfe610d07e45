import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rootContext, TimeoutError, withBudget } from 'seaworthy/core'
import { timeout } from 'seaworthy/resilience'
import { VirtualClock } from '@seaworthy/testing'
import { abortable, assertNothingLeft, errorOf, heldBody, watched } from './calls.ts'

const name = 'inventory'

describe('a timeout', () => {
  test('ends the wait, tells the body, and says that the call may have been executed', async () => {
    const clock = new VirtualClock()
    const { body, calls } = heldBody()
    const run = errorOf(timeout({ attemptMs: 300 }, { name, clock }).run(body))
    assert.equal(calls[0]!.call.signal?.aborted, false)
    await clock.advance(300)
    const error = await run
    assert.ok(error instanceof TimeoutError)
    assert.equal(error.executed, 'maybe')
    assert.equal(error.timeoutMs, 300)
    assert.match(error.message, /inventory.*300 ms \(timeout\.attemptMs\)/)
    assert.equal(calls[0]!.call.signal?.reason, error)
    assertNothingLeft(clock)
  })

  test('leaves no timer behind after a success or a failure', async () => {
    const clock = new VirtualClock()
    const guarded = timeout({ attemptMs: 300, totalMs: 500 }, { name, clock })
    assert.equal(await guarded.run(async () => 'stock'), 'stock')
    const failure = new Error('no')
    assert.equal(await errorOf(guarded.run(() => Promise.reject(failure))), failure)
    assertNothingLeft(clock)
  })

  test('passes on what a body throws before it has a promise', async () => {
    const clock = new VirtualClock()
    const failure = new TypeError('not a function')
    const body = () => {
      throw failure
    }
    assert.equal(await errorOf(timeout({ attemptMs: 300 }, { name, clock }).run(body)), failure)
    assertNothingLeft(clock)
  })

  test("the smaller of the caller's deadline and its own counts, and is handed on", async () => {
    const clock = new VirtualClock({ monotonicMs: 1_000 })
    const { body, calls } = heldBody()
    const guarded = timeout({ attemptMs: 300, totalMs: 800 }, { name, clock })
    const hurried = errorOf(guarded.run(body, withBudget(rootContext(), 100, clock)))
    const patient = errorOf(guarded.run(body, withBudget(rootContext(), 10_000, clock)))
    assert.equal(calls[0]!.call.deadlineMs, 1_100)
    assert.equal(calls[1]!.call.deadlineMs, 1_300)
    await clock.advance(100)
    assert.match(String(await hurried), /100 ms \(the caller's deadline\)/)
    await clock.advance(200)
    assert.match(String(await patient), /300 ms \(timeout\.attemptMs\)/)
  })

  test('does not begin when no time is left', async () => {
    const clock = new VirtualClock({ monotonicMs: 1_000 })
    const guarded = timeout({ attemptMs: 300 }, { name, clock })
    for (const deadlineMs of [1_000, 999, -5]) {
      const error = await errorOf(guarded.run(() => assert.fail('called'), rootContext({ deadlineMs })))
      assert.ok(error instanceof TimeoutError)
      assert.equal(error.executed, 'no')
    }
    assertNothingLeft(clock)
  })

  test('what a body answers after it was given up is dropped, a failure too', async () => {
    const clock = new VirtualClock()
    const { body, calls } = heldBody()
    const runs = [1, 2].map(() => watched(timeout({ attemptMs: 10 }, { name, clock }).run(body)))
    await clock.advance(10)
    calls[0]!.succeed()
    calls[1]!.fail(new Error('late'))
    await clock.advance(0)
    assert.deepEqual(
      runs.map(({ settled, times }) => ({ settled, times })),
      [1, 2].map(() => ({ settled: 'error', times: 1 })),
    )
  })

  test('one call that times out leaves those beside it alone', async () => {
    const clock = new VirtualClock()
    const { body, calls } = heldBody()
    const guarded = timeout({ attemptMs: 100 }, { name, clock })
    const first = errorOf(guarded.run(body))
    await clock.advance(50)
    const second = guarded.run(body)
    await clock.advance(50)
    assert.ok((await first) instanceof TimeoutError)
    assert.equal(calls[1]!.call.signal?.aborted, false)
    calls[1]!.succeed('stock')
    assert.equal(await second, 'stock')
  })

  test("the caller's abort ends the call at once, with the caller's reason", async () => {
    const clock = new VirtualClock()
    const { body, calls } = heldBody()
    const { context, controller } = abortable()
    const run = errorOf(timeout({ attemptMs: 300 }, { name, clock }).run(body, context))
    const reason = new Error('the customer left')
    controller.abort(reason)
    assert.equal(await run, reason)
    assert.equal(calls[0]!.call.signal?.reason, reason)
    assertNothingLeft(clock, [controller.signal])
  })

  test('an abort before the call means that it is not made', async () => {
    const clock = new VirtualClock()
    const { context, controller } = abortable()
    const reason = new Error('the customer left')
    controller.abort(reason)
    assert.equal(await errorOf(timeout({ attemptMs: 300 }, { name, clock }).run(() => assert.fail('called'), context)), reason)
    assertNothingLeft(clock, [controller.signal])
  })

  test('a signal that is asked for only after the end is aborted', async () => {
    const clock = new VirtualClock()
    const { body, calls } = heldBody()
    const run = errorOf(timeout({ attemptMs: 10 }, { name, clock }).run(body))
    await clock.advance(10)
    assert.equal(calls[0]!.call.signal?.reason, await run)
  })
})
