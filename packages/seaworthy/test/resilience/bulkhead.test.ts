import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { rootContext, TimeoutError } from 'seaworthy/core'
import { bulkhead, BulkheadFullError, policy } from 'seaworthy/resilience'
import { VirtualClock } from '@seaworthy/testing'
import { abortable, assertNothingLeft, errorOf, heldBody, watched } from './calls.ts'

const name = 'images'

describe('a bulkhead', () => {
  test('runs so many, lets so many wait, and turns the rest away', async () => {
    const clock = new VirtualClock()
    const guarded = bulkhead({ concurrencyMax: 2, queueMax: 1 }, { name, clock })
    const { body, calls } = heldBody()
    const runs = [1, 2, 3].map(() => guarded.run(body))
    const error = await errorOf(guarded.run(body))
    assert.ok(error instanceof BulkheadFullError)
    assert.equal(error.executed, 'no')
    assert.match(error.message, /images is full: 2 calls are running.*1 are waiting/)
    assert.equal(calls.length, 2)
    calls[0]!.succeed()
    await clock.advance(0)
    assert.equal(calls.length, 3)
    for (const call of calls.slice(1)) call.succeed()
    await Promise.all(runs)
    assert.deepEqual(guarded.snapshot().bulkhead, { running: 0, queued: 0, concurrencyMax: 2, queueMax: 1, rejected: 1 })
  })

  test('a newcomer does not pass those who wait', async () => {
    const clock = new VirtualClock()
    const guarded = bulkhead({ concurrencyMax: 1, queueMax: 10 }, { name, clock })
    const { body, calls } = heldBody()
    const order: string[] = []
    const start = (label: string) =>
      guarded.run((call) => {
        order.push(label)
        return body(call)
      })
    const runs = [start('first'), start('second')]
    calls[0]!.succeed()
    runs.push(start('newcomer')) // Comes in the moment between the release and the start of the one who waits.
    await clock.advance(0)
    calls[1]!.succeed()
    await clock.advance(0)
    calls[2]!.succeed()
    await Promise.all(runs)
    assert.deepEqual(order, ['first', 'second', 'newcomer'])
  })

  test('an abort frees a place in the queue at once', async () => {
    const clock = new VirtualClock()
    const guarded = bulkhead({ concurrencyMax: 1, queueMax: 1 }, { name, clock })
    const { body, calls } = heldBody()
    const running = guarded.run(body)
    const { context, controller } = abortable()
    const waiting = errorOf(guarded.run(body, context))
    const reason = new Error('left')
    controller.abort(reason)
    assert.equal(guarded.snapshot().bulkhead?.queued, 0)
    assert.equal(await waiting, reason)
    const next = guarded.run(body)
    calls[0]!.succeed()
    await clock.advance(0)
    calls[1]!.succeed()
    await Promise.all([running, next])
    assertNothingLeft(clock, [controller.signal])
  })

  test('an abort in the moment between being let in and starting gives the place to the next', async () => {
    const clock = new VirtualClock()
    const guarded = bulkhead({ concurrencyMax: 1, queueMax: 2 }, { name, clock })
    const { body, calls } = heldBody()
    const { context, controller } = abortable()
    let place: Promise<string> | undefined
    const running = guarded.run((call) => (place = body(call)))
    let called = false
    const aborted = watched(
      guarded.run(async () => {
        called = true
      }, context),
    )
    const next = watched(guarded.run(body))
    // Runs after the bulkhead has heard of the end, and before the one who waited first continues.
    const abortThen = place!.then(() => {
      assert.equal(guarded.snapshot().bulkhead?.queued, 1, 'it was let in')
      return controller.abort(new Error('left'))
    })
    calls[0]!.succeed()
    await Promise.all([running, abortThen])
    await clock.advance(0)
    assert.equal(called, false)
    assert.equal(aborted.settled, 'error')
    calls[1]!.succeed()
    await clock.advance(0)
    assert.equal(next.settled, 'value')
    assert.equal(guarded.snapshot().bulkhead?.running, 0)
  })

  test('the deadline ends the wait, and says that nothing was executed', async () => {
    const clock = new VirtualClock()
    const guarded = bulkhead({ concurrencyMax: 1, queueMax: 1 }, { name, clock })
    const { body } = heldBody()
    void guarded.run(body)
    const waiting = errorOf(guarded.run(body, rootContext({ deadlineMs: 50 })))
    await clock.advance(50)
    const error = await waiting
    assert.ok(error instanceof TimeoutError)
    assert.equal(error.executed, 'no')
    assertNothingLeft(clock)
  })

  test('a call that timed out keeps its place for as long as it runs', async () => {
    const clock = new VirtualClock()
    const guarded = policy({ timeout: { attemptMs: 10 }, bulkhead: { concurrencyMax: 1 } }, { name, clock })
    const { body, calls } = heldBody()
    const run = errorOf(guarded.run(body))
    await clock.advance(10)
    assert.ok((await run) instanceof TimeoutError)
    assert.ok((await errorOf(guarded.run(body))) instanceof BulkheadFullError)
    calls[0]!.succeed()
    await clock.advance(0)
    const next = guarded.run(body)
    calls[1]!.succeed()
    assert.equal(await next, 'done')
  })
})

type Step =
  | { readonly kind: 'start'; readonly deadlineMs: number | undefined }
  | { readonly kind: 'end'; readonly which: number; readonly how: 'success' | 'failure' }
  | { readonly kind: 'abort'; readonly which: number }
  | { readonly kind: 'advance'; readonly ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('start' as const), deadlineMs: fc.option(fc.nat(50), { nil: undefined }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('end' as const), which: fc.nat(30), how: fc.constantFrom('success', 'failure') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('abort' as const), which: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(20) }) },
)

test('a place that comes free after the event loop stood still is not for a call whose deadline has passed', async () => {
  const clock = new VirtualClock()
  const guarded = bulkhead({ concurrencyMax: 1, queueMax: 1 }, { name, clock })
  const { body, calls } = heldBody()
  const first = guarded.run(body)
  const late = watched(guarded.run(() => assert.fail('called'), rootContext({ deadlineMs: clock.monotonicMs() + 50 })))
  clock.stall(300)
  calls[0]!.succeed()
  await first
  await clock.advance(0)
  assert.ok(late.error instanceof TimeoutError && late.error.executed === 'no')
  assert.equal(guarded.snapshot().bulkhead?.running, 0)
})

test('whatever happens: never more than concurrencyMax run, the queue is first come first served, every call ends once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 80 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 4 }),
      async (steps, concurrencyMax, queueMax) => {
        const clock = new VirtualClock()
        const guarded = bulkhead({ concurrencyMax, queueMax }, { name, clock })
        const { body, calls, seen } = heldBody()
        const begun: number[] = []
        const ended = new Set<number>()
        const runs: { run: ReturnType<typeof watched>; controller: AbortController }[] = []
        for (const each of steps) {
          switch (each.kind) {
            case 'start': {
              const number = runs.length
              const deadlineMs = each.deadlineMs === undefined ? undefined : clock.monotonicMs() + each.deadlineMs
              const { context, controller } = abortable({ deadlineMs })
              const run = guarded.run((call) => {
                begun.push(number)
                return body(call)
              }, context)
              runs.push({ run: watched(run), controller })
              break
            }
            case 'end': {
              const open = calls.map((_, index) => index).filter((index) => !ended.has(index))
              const index = open[each.which % open.length]
              if (index === undefined) break
              ended.add(index)
              if (each.how === 'success') calls[index]!.succeed()
              else calls[index]!.fail(new Error('no'))
              break
            }
            case 'abort':
              runs[each.which % runs.length]?.controller.abort(new Error('left'))
              break
            case 'advance':
              await clock.advance(each.ms)
          }
          const { running = 0, queued = 0 } = guarded.snapshot().bulkhead ?? {}
          assert.ok(running <= concurrencyMax && queued <= queueMax)
          assert.ok(queued === 0 || running === concurrencyMax, 'calls wait although a place is free')
        }
        await clock.advance(1_000)
        for (let index = 0; index < calls.length; index++) {
          if (!ended.has(index)) calls[index]!.succeed()
          await clock.advance(0)
        }
        assert.ok(seen.runningMax <= concurrencyMax, `${seen.runningMax} ran at once`)
        assert.deepEqual(
          begun,
          begun.toSorted((left, right) => left - right),
        )
        for (const { run } of runs) assert.equal(run.times, 1)
        assert.equal(guarded.snapshot().bulkhead?.running, 0)
        assertNothingLeft(
          clock,
          runs.map(({ controller }) => controller.signal),
        )
      },
    ),
    { numRuns: 300 },
  )
})
