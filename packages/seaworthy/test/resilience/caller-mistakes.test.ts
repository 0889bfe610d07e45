import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { constant, rootContext, TimeoutError, UnavailableError } from 'seaworthy/core'
import { bulkhead, onResilienceEvent, type Outcome, policy, type PolicyDeclaration, retry, timeout } from 'seaworthy/resilience'
import { VirtualClock } from '@seaworthy/testing'
import { assertNothingLeft, errorOf, warningsOf, watched } from './calls.ts'

const name = 'inventory'

describe('an outcomeOf that throws', () => {
  const outcomeOf = (): Outcome => {
    throw new TypeError('it read a field of undefined')
  }
  const circuitBreaker = { consecutiveFailures: 2, openMs: 1_000 }
  const declarations: PolicyDeclaration[] = [
    { circuitBreaker, bulkhead: { concurrencyMax: 1 } },
    { circuitBreaker, bulkhead: { concurrencyMax: 1 }, timeout: { attemptMs: 100 } },
  ]

  test('is a warning; the call ends with its own error, which counts as a failure', async () => {
    for (const declaration of declarations) {
      const clock = new VirtualClock()
      const guarded = policy(declaration, { name, clock, outcomeOf })
      const warnings = await warningsOf(async () => {
        for (let call = 0; call < 2; call++)
          assert.match(String(await errorOf(guarded.run(() => Promise.reject(new Error('reset'))))), /reset/)
      })
      assert.equal(warnings.filter((message) => message.startsWith('outcomeOf of policy inventory failed')).length, 2)
      assert.equal(guarded.snapshot().bulkhead?.running, 0)
      assert.equal(guarded.snapshot().circuitBreaker?.state, 'open')
      assertNothingLeft(clock)
    }
  })

  test('does not keep calls that time out together from being told', async () => {
    const clock = new VirtualClock()
    const guarded = policy({ circuitBreaker, timeout: { attemptMs: 100 } }, { name, clock, outcomeOf })
    await warningsOf(async () => {
      const runs = [1, 2, 3].map(() => watched(guarded.run(() => new Promise(() => {}))))
      await clock.advance(100)
      for (const run of runs) assert.ok(run.error instanceof TimeoutError)
    })
  })
})

describe('a deadline that is not a number', () => {
  const context = rootContext({ deadlineMs: Number.NaN })

  test('has no time left, and says what to mend', async () => {
    const guards = [timeout({ attemptMs: 100 }, { name }), retry({ attemptsMax: 3, backoff: constant(1) }, { name }), policy({}, { name })]
    for (const guard of guards) {
      const error = await errorOf(guard.run(() => assert.fail('called'), context))
      assert.ok(error instanceof TimeoutError && error.executed === 'no')
      assert.match(error.message, /not a number.*deadlineMs/)
    }
  })

  test('does not keep the deadlines of other calls from being seen', async () => {
    const clock = new VirtualClock()
    const guarded = timeout({ attemptMs: 100 }, { name, clock })
    await errorOf(guarded.run(async () => 'stock', context))
    const run = watched(guarded.run(() => new Promise(() => {})))
    await clock.advance(100)
    assert.ok(run.error instanceof TimeoutError)
    assertNothingLeft(clock)
  })
})

test('a retryAfterMs that is not a number is no reason against another attempt', async () => {
  const clock = new VirtualClock()
  const guarded = retry({ attemptsMax: 3, backoff: constant(10) }, { name, clock })
  let attempts = 0
  const run = errorOf(
    guarded.run(() => {
      attempts++
      return Promise.reject(new UnavailableError('down', { retryAfterMs: Number('soon') }))
    }),
  )
  await clock.advance(20)
  assert.ok((await run) instanceof UnavailableError)
  assert.equal(attempts, 3)
})

test('an asynchronous listener that rejects is a warning', async () => {
  const listener: () => unknown = async () => Promise.reject(new Error('a dashboard is broken'))
  const stop = onResilienceEvent(listener)
  const warnings = await warningsOf(async () => {
    const guarded = bulkhead({ concurrencyMax: 1 }, { name })
    const { promise, resolve } = Promise.withResolvers<void>()
    const first = guarded.run(() => promise)
    await errorOf(guarded.run(async () => 'second'))
    resolve()
    await first
  })
  stop()
  assert.equal(warnings.filter((message) => message.includes('a dashboard is broken')).length, 1)
})

test('a timeout names the limit that ran out, whatever the clock says', async () => {
  for (const monotonicMs of [0, 0.1, 1_234.567, 98_765_432.109]) {
    const clock = new VirtualClock({ monotonicMs })
    const guarded = policy({ timeout: { attemptMs: 300.3, totalMs: 1_000 } }, { name, clock })
    const run = watched(guarded.run(() => new Promise(() => {})))
    await clock.advance(301)
    assert.ok(run.error instanceof TimeoutError)
    assert.equal(run.error.timeoutMs, 300.3)
    assert.match(run.error.message, /timeout\.attemptMs/)
  }
})
