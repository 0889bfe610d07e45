import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  InvalidInputError,
  LimitExceededError,
  RejectedError,
  SeaworthyError,
  TimeoutError,
  UnavailableError,
  UnknownOutcomeError,
  constant,
  exponential,
  systemRandom,
} from 'seaworthy/core'
import type { Call } from 'seaworthy/saga'
// The pure parts have no public name: they are how an orchestrator thinks.
import { nextMove } from '../../src/saga/frontier.ts'
import { fold, mayHaveRun, progressOf } from '../../src/saga/progress.ts'
import { isJournaled } from '../../src/saga/run.ts'
import { describeError, judgeAction, judgeCompensation } from '../../src/saga/verdict.ts'

const policy = { attemptTimeoutMs: 1_000, backoff: constant(100), giveUpAfterMs: 5_000 }
const run = async () => undefined
const steps = {
  compensatable: { kind: 'compensatable', name: 'a', run, policy, compensate: run, compensationPolicy: policy },
  'no-compensation': { kind: 'no-compensation', name: 'a', run, policy },
  pivot: { kind: 'pivot', name: 'a', run, policy },
  forward: { kind: 'forward', name: 'a', run, policy: { ...policy, giveUpAfterMs: 'never' } },
} as const satisfies Record<Call['kind'], Call>

const rejected = new RejectedError('card-declined', 'No.')
const invalid = new InvalidInputError('No.')
const unavailable = new UnavailableError('Nobody is there.')
const unknown = new UnknownOutcomeError('No answer.')
const finalMaybe = new SeaworthyError('odd', 'Odd.', { executed: 'maybe', final: true })

const EARLY = 100
const LATE = 5_000

function judge(kind: Call['kind'], error: unknown, elapsedMs: number, mayHaveRun: boolean, treatUnknownAsFailed = false) {
  const verdict = judgeAction(steps[kind], { error, attempt: 1, elapsedMs, mayHaveRun }, { random: systemRandom, treatUnknownAsFailed })
  return verdict.kind === 'again' ? 'again' : `${verdict.kind}: ${verdict.reason}`
}

void suite('an attempt that did not succeed is judged:', () => {
  // kind of step, error, when, whether it may have run; the verdict
  const table = [
    ['compensatable', rejected, EARLY, false, 'turn-back: card-declined'],
    ['compensatable', rejected, EARLY, true, 'turn-back: card-declined'],
    ['compensatable', unavailable, EARLY, false, 'again'],
    ['compensatable', unavailable, LATE, false, 'turn-back: unavailable'],
    ['compensatable', unknown, EARLY, true, 'again'],
    ['compensatable', unknown, LATE, true, 'turn-back: unknown-outcome'],
    ['compensatable', new TypeError('a bug'), EARLY, true, 'again'],
    ['compensatable', finalMaybe, EARLY, true, 'turn-back: odd'],
    ['no-compensation', unknown, LATE, true, 'turn-back: unknown-outcome'],
    ['pivot', rejected, EARLY, false, 'turn-back: card-declined'],
    ['pivot', rejected, EARLY, true, 'turn-back: card-declined'],
    ['pivot', invalid, EARLY, false, 'turn-back: invalid-input'],
    ['pivot', invalid, EARLY, true, 'park: invalid-input'],
    ['pivot', unavailable, LATE, false, 'turn-back: unavailable'],
    ['pivot', unavailable, LATE, true, 'again'],
    ['pivot', unknown, LATE, true, 'again'],
    ['pivot', finalMaybe, EARLY, true, 'park: odd'],
    ['forward', unavailable, LATE * 1_000, false, 'again'],
    ['forward', unknown, LATE * 1_000, true, 'again'],
    ['forward', rejected, EARLY, false, 'park: card-declined'],
  ] as const
  for (const [kind, error, elapsedMs, mayRun, expected] of table) {
    test(`${kind}, ${error.name}, ${elapsedMs} ms, ${mayRun ? 'may have run' : 'did not run'}: ${expected}`, () => {
      assert.equal(judge(kind, error, elapsedMs, mayRun), expected)
    })
  }

  test('without the rule for unknown outcomes, each is a failure', () => {
    assert.equal(judge('compensatable', unknown, EARLY, true, true), 'turn-back: unknown-outcome')
    assert.equal(judge('pivot', new TimeoutError('Late.', 1), EARLY, true, true), 'turn-back: timeout')
    assert.equal(judge('compensatable', unavailable, EARLY, false, true), 'again')
    assert.equal(judge('forward', unknown, EARLY, true, true), 'again')
  })

  test('a compensation is tried again until it is refused or its time is up', () => {
    const judged = (error: unknown, elapsedMs: number) => judgeCompensation(policy, { error, attempt: 1, elapsedMs }, systemRandom)
    assert.deepEqual(judged(unknown, EARLY), { kind: 'again', delayMs: 100 })
    assert.deepEqual(judged(rejected, EARLY), { kind: 'park', reason: 'card-declined' })
    assert.deepEqual(judged(unavailable, LATE), { kind: 'park', reason: 'unavailable' })
  })
})

void suite('the wait before the next attempt', () => {
  const delay = (options: { error?: unknown; attempt?: number; elapsedMs?: number; giveUpAfterMs?: number | 'never' }) => {
    const { error = unavailable, attempt = 1, elapsedMs = 0, giveUpAfterMs = 5_000 } = options
    const step = {
      ...steps.compensatable,
      policy: { ...policy, backoff: exponential({ baseMs: 100, maxMs: 2_000, jitter: 'none' }), giveUpAfterMs },
    }
    const failed = { error, attempt, elapsedMs, mayHaveRun: false }
    const verdict = judgeAction(step, failed, { random: systemRandom, treatUnknownAsFailed: false })
    return verdict.kind === 'again' && verdict.delayMs
  }
  test('grows with each, up to its limit', () => {
    assert.deepEqual(
      [1, 2, 3, 5, 50, 5_000].map((attempt) => delay({ attempt })),
      [100, 200, 400, 1_600, 2_000, 2_000],
    )
  })
  test('is at least what the receiver asked for, and at most a minute of that', () => {
    const asked = (retryAfterMs: number) => new LimitExceededError('Too many.', { retryAfterMs })
    assert.equal(delay({ error: asked(1_500) }), 1_500)
    assert.equal(delay({ error: asked(50) }), 100)
    assert.equal(delay({ error: asked(1e12), giveUpAfterMs: 'never' }), 60_000)
  })
  test('ends when the time is up, so that the last attempt is not skipped', () => {
    assert.equal(delay({ attempt: 50, elapsedMs: 4_500 }), 500)
  })
})

void suite('progress', () => {
  const started = (attempt: number) => ({ step: 'a', kind: 'started', attempt, atMs: attempt }) as const
  const failed = (executed: 'no' | 'maybe') => ({ step: 'a', kind: 'failed', executed, error: 'e', atMs: 1 }) as const
  const at = (...lines: Parameters<typeof fold>[1]) => progressOf(fold(new Map(), lines), 'a')

  test('may have run: what began and did not end, and what ended in doubt, until the end of time', () => {
    assert.equal(mayHaveRun(at()), false)
    assert.equal(mayHaveRun(at(started(1))), true)
    assert.equal(mayHaveRun(at(started(1), failed('no'))), false)
    assert.equal(mayHaveRun(at(started(1), failed('maybe'), started(2), failed('no'))), true)
    assert.equal(mayHaveRun(at(started(1), started(2), failed('no'))), true)
    assert.equal(mayHaveRun(at(started(1), started(1), failed('no'))), false)
  })

  test('counts time from the first attempt', () => {
    assert.equal(at(started(1), failed('no'), started(2)).firstStartedAtMs, 1)
  })

  test('undoes in reverse order what is done or in doubt, and nothing twice', () => {
    const chain: Call[] = ['a', 'b', 'c', 'd'].map((name) => ({ ...steps.compensatable, name }))
    chain[1] = { ...steps['no-compensation'], name: 'b' }
    const progress = fold(new Map(), [
      { step: 'a', kind: 'done', result: 1, atMs: 1 },
      { step: 'b', kind: 'done', result: 1, atMs: 1 },
      { step: 'c', kind: 'started', attempt: 1, atMs: 1 },
      { step: 'd', kind: 'started', attempt: 1, atMs: 1 },
      { step: 'd', kind: 'failed', executed: 'no', error: 'e', atMs: 1 },
    ])
    const move = (current: typeof progress) => {
      const next = nextMove(chain, 'compensating', current, { treatUnknownAsFailed: false })
      return next.kind === 'undo' ? next.places.map(({ name }) => name).join() : next.kind
    }
    assert.equal(move(progress), 'c')
    const undone = (step: string) => ({ step, kind: 'compensated', atMs: 1 }) as const
    assert.equal(move(fold(progress, [undone('c')])), 'a')
    assert.equal(move(fold(progress, [undone('c'), undone('a')])), 'settle')
  })
})

test('the journal of a step that is tried for ever grows with the logarithm of its attempts', () => {
  const journaled = Array.from({ length: 100_000 }, (_, index) => index + 1).filter(isJournaled)
  assert.deepEqual(journaled.slice(0, 23), [...Array.from({ length: 20 }, (_, index) => index + 1), 32, 64, 128])
  assert.ok(journaled.length < 40)
})

test('an error in the journal is short, and says its kind', () => {
  assert.equal(describeError(rejected), 'card-declined: No.')
  assert.equal(describeError(new TypeError('a bug')), 'TypeError: a bug')
  assert.equal(describeError('a string'), 'a string')
  assert.ok(describeError(new Error('x'.repeat(1e6))).length < 2_100)
})
