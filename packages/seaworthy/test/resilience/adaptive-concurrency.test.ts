import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type CallContext, ConfigurationError, rootContext, TimeoutError, UnavailableError } from 'seaworthy/core'
import { adaptiveConcurrency, OverloadedError, type Priority } from 'seaworthy/resilience'
import { GradientLimit } from '../../src/resilience/gradient-limit.ts'
import { VirtualClock } from '@seaworthy/testing'
import { abortable, assertNothingLeft, errorOf, heldBody, watched } from './calls.ts'

const name = 'orders'
const priorityOf = (context: CallContext) => (context.actor ?? 'normal') as Priority
const as = (priority: Priority) => rootContext({ actor: priority })

/** A limit that knows that calls take 10 ms without load. */
function taught(options: { initial: number; min: number; max: number }): GradientLimit {
  const limit = new GradientLimit(options)
  for (let call = 0; call < options.initial; call++) limit.succeeded(10, 1)
  return limit
}

describe('a gradient limit', () => {
  test('grows while latency stays what it is without load, and shrinks when it grows', () => {
    const limit = taught({ initial: 10, min: 1, max: 100 })
    for (let call = 0; call < 500; call++) limit.succeeded(10, limit.value)
    const grown = limit.value
    assert.ok(grown > 20, `${grown}`)
    for (let call = 0; call < 500; call++) limit.succeeded(40, limit.value)
    assert.ok(limit.value < grown * 0.7, `${limit.value} of ${grown}`)
  })

  test('measures the latency without load anew with half the limit, so that a lasting load does not become what is usual', () => {
    const limit = taught({ initial: 20, min: 1, max: 100 })
    const workers = 20
    const seen: number[] = []
    for (let call = 0; call < 40_000; call++) {
      const { value } = limit
      limit.succeeded(10 * Math.max(1, value / workers), value)
      if (call > 1_000) seen.push(value)
    }
    assert.ok(Math.max(...seen) <= 30, `grew to ${Math.max(...seen)} for ${workers} workers`)
    assert.ok(Math.min(...seen) <= 13, 'was never halved')
    const usual = seen.toSorted((a, b) => a - b)[Math.floor(seen.length / 2)]!
    assert.ok(usual >= 20, `settled at ${usual} for ${workers} workers`)
  })

  test('learns nothing from calls that do not use it, and never leaves its bounds', () => {
    const limit = taught({ initial: 10, min: 4, max: 12 })
    for (let call = 0; call < 100; call++) limit.succeeded(10, 2)
    assert.equal(limit.value, 10)
    for (let call = 0; call < 1_000; call++) limit.succeeded(10, limit.value)
    assert.equal(limit.value, 12)
    for (let call = 0; call < 100; call++) limit.dropped()
    assert.equal(limit.value, 4)
  })
})

describe('adaptive concurrency', () => {
  test('serves the more important first when calls have to wait', async () => {
    const clock = new VirtualClock()
    const guard = adaptiveConcurrency({ initial: 1, max: 1 }, { name, clock, priorityOf })
    const { body, calls } = heldBody()
    const running = guard.run(body)
    const order: string[] = []
    const waiting = (['sheddable', 'normal', 'critical'] as const).map((priority) =>
      guard.run(async () => order.push(priority), as(priority)),
    )
    calls[0]!.succeed()
    await running
    await Promise.all(waiting)
    assert.deepEqual(order, ['critical', 'normal', 'sheddable'])
    assert.equal(guard.snapshot().running, 0)
  })

  test('turns the least important away when the queue is full', async () => {
    const clock = new VirtualClock()
    const guard = adaptiveConcurrency({ initial: 1, max: 1, queueMax: 2 }, { name, clock, priorityOf })
    const { body, calls } = heldBody()
    const running = guard.run(body)
    const [early, late] = [watched(guard.run(body, as('sheddable'))), watched(guard.run(body, as('sheddable')))]
    const error = await errorOf(guard.run(body, as('sheddable')))
    assert.ok(error instanceof OverloadedError && error.executed === 'no')
    const critical = watched(guard.run(body, as('critical')))
    await clock.advance(0)
    assert.ok(late.error instanceof OverloadedError, 'the latest of the least important leaves')
    assert.equal(early.settled, 'no')
    for (let index = 0; index < 3; index++) {
      calls[index]!.succeed()
      await clock.advance(0)
    }
    await running
    assert.deepEqual([critical.settled, early.settled], ['value', 'value'])
    assert.equal(guard.snapshot().rejected, 2)
  })

  test('an abort and the deadline end the wait at once', async () => {
    const clock = new VirtualClock()
    const guard = adaptiveConcurrency({ initial: 1, max: 1 }, { name, clock })
    void guard.run(() => new Promise(() => {}))
    const { context, controller } = abortable()
    const aborted = watched(guard.run(() => assert.fail('called'), context))
    const hurried = watched(guard.run(() => assert.fail('called'), rootContext({ deadlineMs: 50 })))
    controller.abort(new Error('left'))
    await clock.advance(50)
    assert.match(String(aborted.error), /left/)
    assert.ok(hurried.error instanceof TimeoutError && hurried.error.executed === 'no')
    assert.equal(guard.snapshot().queued, 0)
    assertNothingLeft(clock, [controller.signal])
  })

  test('makes no call whose time is over, or whose caller left in the moment of its turn', async () => {
    const clock = new VirtualClock()
    const guard = adaptiveConcurrency({ initial: 1, max: 1 }, { name, clock })
    const late = await errorOf(guard.run(() => assert.fail('called'), rootContext({ deadlineMs: clock.monotonicMs() })))
    assert.ok(late instanceof TimeoutError && late.executed === 'no')
    const held = Promise.withResolvers<void>()
    const first = guard.run(() => held.promise)
    const { context, controller } = abortable()
    const leaver = watched(guard.run(() => assert.fail('called'), context))
    // After the guard has heard of the end of the first, and before the second goes on.
    void held.promise.then(() => controller.abort(new Error('left')))
    held.resolve()
    await first
    await clock.advance(0)
    assert.match(String(leaver.error), /left/)
    assert.equal(guard.snapshot().running, 0)
  })

  test('timeouts and refusals of the receiver shrink the limit, answers of the business do not', async () => {
    const clock = new VirtualClock()
    const guard = adaptiveConcurrency({ initial: 20 }, { name, clock })
    await errorOf(guard.run(() => Promise.reject(new TypeError('bug'))))
    const { limit } = guard.snapshot()
    await errorOf(guard.run(() => Promise.reject(new UnavailableError('full'))))
    await errorOf(guard.run(() => Promise.reject(new TimeoutError('late', 10))))
    assert.equal(guard.snapshot().limit, Math.floor(limit * 0.81))
  })

  test('refuses bounds that are not in order', () => {
    assert.throws(() => adaptiveConcurrency({ initial: 5, min: 6 }, { name }), ConfigurationError)
  })
})
