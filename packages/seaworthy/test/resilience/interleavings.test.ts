import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { constant, rootContext, UnavailableError, UnknownOutcomeError } from 'seaworthy/core'
import { policy } from 'seaworthy/resilience'
import { VirtualClock } from '@seaworthy/testing'
import { assertNothingLeft, watched } from './calls.ts'

// SEAWORTHY_PROPERTY_RUNS=100000 looks further.
const numRuns = Number(process.env.SEAWORTHY_PROPERTY_RUNS ?? 300)

const limits = fc.record({
  concurrencyMax: fc.integer({ min: 1, max: 3 }),
  queueMax: fc.integer({ min: 0, max: 3 }),
  probesMax: fc.integer({ min: 1, max: 2 }),
})
const outcome = fc.constantFrom('good' as const, 'good' as const, 'down' as const, 'lost' as const)
const call = fc.record({
  attempts: fc.tuple(outcome, outcome, outcome),
  isAborted: fc.boolean(),
  key: fc.boolean(),
})

/** What the scheduler may do next: end a body, abort a caller, or move the clock, in any order. */
test('in whatever order bodies end, callers abort and time passes: limits hold, every call settles once, nothing is left', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      limits,
      fc.array(call, { minLength: 1, maxLength: 6 }),
      async (scheduler, { concurrencyMax, queueMax, probesMax }, calls) => {
        const clock = new VirtualClock()
        const guarded = policy(
          {
            timeout: { attemptMs: 20, totalMs: 60 },
            retry: { attemptsMax: 3, backoff: constant(5), budget: { ratio: 1 } },
            circuitBreaker: { consecutiveFailures: 2, openMs: 10, probesMax },
            bulkhead: { concurrencyMax, queueMax },
          },
          { name: 'interleaved', clock },
        )
        let running = 0
        const controllers: AbortController[] = []
        const runs = calls.map(({ attempts, isAborted, key }, index) => {
          let attempt = 0
          let mayHaveRun = false
          const body = async () => {
            assert.ok(++running <= concurrencyMax, `${running} run at once`)
            const { circuitBreaker } = guarded.snapshot()
            if (circuitBreaker?.state === 'half-open') assert.ok(circuitBreaker.probesRunning + circuitBreaker.probesSucceeded <= probesMax)
            assert.ok(key || !mayHaveRun, 'what may have been executed is repeated')
            const how = attempts[attempt++]!
            try {
              await scheduler.schedule(Promise.resolve(), `call ${index} ends ${how}`)
            } finally {
              running--
            }
            if (how === 'down') throw new UnavailableError('down')
            if (how === 'lost') {
              mayHaveRun = true
              throw new UnknownOutcomeError('lost')
            }
            return index
          }
          const controller = new AbortController()
          controllers.push(controller)
          if (isAborted)
            void scheduler.schedule(Promise.resolve(), `caller ${index} leaves`).then(() => controller.abort(new Error('left')))
          return watched(guarded.run(body, rootContext({ signal: controller.signal, ...(key && { idempotencyKey: `key-${index}` }) })))
        })
        for (const ms of [5, 5, 10, 20]) void scheduler.schedule(Promise.resolve(), `${ms} ms pass`).then(() => clock.advance(ms))
        await scheduler.waitIdle()
        await clock.advance(1_000)
        await scheduler.waitIdle()
        await clock.advance(1_000)
        for (const run of runs) assert.equal(run.times, 1)
        for (const [index, run] of runs.entries()) if (run.settled === 'value') assert.equal(run.value, index)
        const { bulkhead } = guarded.snapshot()
        assert.deepEqual([running, bulkhead?.running, bulkhead?.queued], [0, 0, 0])
        assertNothingLeft(
          clock,
          controllers.map(({ signal }) => signal),
        )
      },
    ),
    { numRuns },
  )
})
