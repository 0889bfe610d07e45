import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  ConflictError,
  constant,
  exponential,
  RejectedError,
  rootContext,
  seededRandom,
  SeaworthyError,
  TimeoutError,
  UnavailableError,
  UnknownOutcomeError,
} from 'seaworthy/core'
import { retry } from 'seaworthy/resilience'
import { VirtualClock } from '@seaworthy/testing'
import { abortable, assertNothingLeft, errorOf, watched } from './calls.ts'

const name = 'payments'
const backoff = constant(100)

function failing(...errors: readonly unknown[]) {
  let attempts = 0
  return {
    attempts: () => attempts,
    body: async () => {
      const error = errors[attempts++]
      if (error !== undefined) throw error
      return 'paid'
    },
  }
}

describe('a retry', () => {
  test('repeats what was surely not executed, and backs off between attempts', async () => {
    const clock = new VirtualClock()
    const { body, attempts } = failing(new UnavailableError('down'), new ConflictError('busy'))
    const run = retry({ attemptsMax: 3, backoff }, { name, clock }).run(body)
    await clock.advance(99)
    assert.equal(attempts(), 1)
    await clock.advance(101)
    assert.equal(attempts(), 3)
    assert.equal(await run, 'paid')
    assertNothingLeft(clock)
  })

  test('gives up after attemptsMax with the last error', async () => {
    const clock = new VirtualClock()
    const errors = [1, 2, 3].map((attempt) => new UnavailableError(`down ${attempt}`))
    const { body, attempts } = failing(...errors)
    const run = errorOf(retry({ attemptsMax: 3, backoff }, { name, clock }).run(body))
    await clock.advance(1_000)
    assert.equal(await run, errors[2])
    assert.equal(attempts(), 3)
  })

  test('never repeats what may have been executed', async () => {
    const clock = new VirtualClock()
    const executed = new SeaworthyError('audit-failed', 'charged, but not audited', { executed: 'yes' })
    for (const error of [new UnknownOutcomeError('reset'), new TimeoutError('slow', 10), new Error('unknown'), executed]) {
      const { body, attempts } = failing(error)
      assert.equal(await errorOf(retry({ attemptsMax: 3, backoff }, { name, clock }).run(body)), error)
      assert.equal(attempts(), 1)
    }
    assertNothingLeft(clock)
  })

  test('repeats an unknown outcome under an idempotency key, or if the calls are declared idempotent', async () => {
    const clock = new VirtualClock()
    const lost = () => failing(new UnknownOutcomeError('reset'))
    const keyed = retry({ attemptsMax: 2, backoff }, { name, clock }).run(lost().body, rootContext({ idempotencyKey: 'order-1' }))
    const idempotent = retry({ attemptsMax: 2, backoff, idempotent: true }, { name, clock }).run(lost().body)
    await clock.advance(100)
    assert.deepEqual(await Promise.all([keyed, idempotent]), ['paid', 'paid'])
  })

  test('after an attempt that may have been executed, no later error says that the call was not', async () => {
    const clock = new VirtualClock()
    const lost = new UnknownOutcomeError('reset')
    const context = rootContext({ idempotencyKey: 'order-1' })
    const guarded = retry({ attemptsMax: 2, backoff }, { name, clock })
    for (const last of [new UnavailableError('down'), new ConflictError('the first is still in flight')]) {
      const run = errorOf(guarded.run(failing(lost, last).body, context))
      await clock.advance(100)
      const error = await run
      assert.ok(error instanceof UnknownOutcomeError)
      assert.equal(error.cause, last)
    }
    const declined = new RejectedError('card-declined', 'declined')
    const run = errorOf(guarded.run(failing(lost, declined).body, context))
    await clock.advance(100)
    assert.equal(await run, declined, 'the receiver has decided about the key')
  })

  test('never repeats what is final, key or not', async () => {
    const clock = new VirtualClock()
    const declined = new RejectedError('card-declined', 'declined')
    const { body, attempts } = failing(declined)
    const guarded = retry({ attemptsMax: 3, backoff, idempotent: true }, { name, clock })
    assert.equal(await errorOf(guarded.run(body, rootContext({ idempotencyKey: 'order-1' }))), declined)
    assert.equal(attempts(), 1)
  })

  test('waits as long as the receiver asks', async () => {
    const clock = new VirtualClock()
    const { body, attempts } = failing(new UnavailableError('draining', { retryAfterMs: 2_000 }))
    const run = retry({ attemptsMax: 2, backoff }, { name, clock }).run(body)
    await clock.advance(1_999)
    assert.equal(attempts(), 1)
    await clock.advance(1)
    assert.equal(await run, 'paid')
  })

  test('gives up at once when the receiver asks for a wait beyond the deadline or the limit', async () => {
    const clock = new VirtualClock()
    const later = new UnavailableError('draining', { retryAfterMs: 2_000 })
    const guarded = retry({ attemptsMax: 2, backoff }, { name, clock })
    assert.equal(await errorOf(guarded.run(failing(later).body, rootContext({ deadlineMs: 2_000 }))), later)
    const brief = retry({ attemptsMax: 2, backoff, waitMaxMs: 1_999 }, { name, clock })
    assert.equal(await errorOf(brief.run(failing(later).body)), later)
    assertNothingLeft(clock)
  })

  test('an abort ends the back-off at once, with the reason', async () => {
    const clock = new VirtualClock()
    const { context, controller } = abortable()
    const run = watched(
      retry({ attemptsMax: 2, backoff: constant(60_000) }, { name, clock }).run(failing(new UnavailableError('down')).body, context),
    )
    await clock.advance(10)
    assert.equal(run.settled, 'no')
    const reason = new Error('the customer left')
    controller.abort(reason)
    await clock.advance(0)
    assert.equal(run.error, reason)
    assertNothingLeft(clock, [controller.signal])
  })

  test("an abort from elsewhere in the caller's code is not repeated", async () => {
    const clock = new VirtualClock()
    const aborted = AbortSignal.abort().reason as Error
    const { body, attempts } = failing(aborted)
    assert.equal(await errorOf(retry({ attemptsMax: 3, backoff, idempotent: true }, { name, clock }).run(body)), aborted)
    assert.equal(attempts(), 1)
  })

  test('repeated runs with one seed wait the same', async () => {
    const waits = async () => {
      const clock = new VirtualClock()
      const errors = Array.from({ length: 5 }, () => new UnavailableError('down'))
      const run = retry(
        { attemptsMax: 5, backoff: exponential({ baseMs: 50, maxMs: 1_000 }) },
        { name, clock, random: seededRandom(7) },
      ).run(failing(...errors).body)
      const seen: number[] = []
      const done = watched(run)
      while (done.settled === 'no') seen.push(await clock.advanceToNext())
      return seen
    }
    assert.deepEqual(await waits(), await waits())
  })
})

describe('a retry budget', () => {
  test('bounds the retries of many calls to the share, once the initial tokens are spent', async () => {
    const clock = new VirtualClock()
    const guarded = retry({ attemptsMax: 4, backoff: constant(0), budget: { ratio: 0.2, minPerSecond: 0, tokensMax: 10 } }, { name, clock })
    const dead = () => Promise.reject(new UnavailableError('down'))
    const spend = async (calls: number) => {
      for (let call = 0; call < calls; call++) {
        const run = watched(guarded.run(dead))
        while (run.settled === 'no') await clock.advance(0)
      }
    }
    await spend(20)
    const before = guarded.snapshot().retries
    await spend(200)
    const added = guarded.snapshot().retries - before
    assert.ok(added >= 38 && added <= 41, `${added} retries for 200 calls`)
  })

  test('lets a trickle through however few calls there are', async () => {
    const clock = new VirtualClock()
    const guarded = retry({ attemptsMax: 2, backoff: constant(0), budget: { ratio: 0, minPerSecond: 2, tokensMax: 1 } }, { name, clock })
    const tries = async () => {
      const { body, attempts } = failing(new UnavailableError('down'), new UnavailableError('down'))
      const run = watched(guarded.run(body))
      while (run.settled === 'no') await clock.advance(0)
      return attempts()
    }
    assert.equal(await tries(), 2)
    assert.equal(await tries(), 1)
    await clock.advance(499)
    assert.equal(await tries(), 1)
    await clock.advance(1)
    assert.equal(await tries(), 2)
    await clock.advance(499)
    assert.equal(await tries(), 1)
    assert.equal(guarded.snapshot().retryBudget?.denied, 3)
  })

  test('a wall clock that jumps fills nothing', async () => {
    const clock = new VirtualClock()
    const guarded = retry({ attemptsMax: 2, backoff: constant(0), budget: { ratio: 0, tokensMax: 1 } }, { name, clock })
    const run = watched(guarded.run(failing(new UnavailableError('down')).body))
    while (run.settled === 'no') await clock.advance(0)
    clock.jumpWallClock(3_600_000)
    assert.equal(guarded.snapshot().retryBudget?.tokens, 0)
  })

  test('grows by calls that are made, not by those that come too late to be', async () => {
    const clock = new VirtualClock()
    const guarded = retry({ attemptsMax: 2, backoff: constant(0), budget: { ratio: 1, minPerSecond: 0, tokensMax: 1 } }, { name, clock })
    const run = watched(guarded.run(failing(new UnavailableError('down')).body))
    while (run.settled === 'no') await clock.advance(0)
    await errorOf(guarded.run(async () => 'stock', rootContext({ deadlineMs: clock.monotonicMs() })))
    assert.equal(guarded.snapshot().retryBudget?.tokens, 0)
    await guarded.run(async () => 'stock')
    assert.equal(guarded.snapshot().retryBudget?.tokens, 1)
  })
})
