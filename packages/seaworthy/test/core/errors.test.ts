import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  ConfigurationError,
  ConflictError,
  executedOf,
  InvalidInputError,
  isFinal,
  LimitExceededError,
  NotFoundError,
  RejectedError,
  type SeaworthyError,
  TimeoutError,
  UnavailableError,
  UnknownOutcomeError,
} from 'seaworthy/core'

describe('errors', () => {
  test('say what is known about the effect, and whether asking again can help', () => {
    const known: readonly [SeaworthyError, string, string, boolean][] = [
      [new RejectedError('out-of-stock', 'gone'), 'rejected', 'no', true],
      [new InvalidInputError('bad'), 'invalid-input', 'no', true],
      [new NotFoundError('none'), 'not-found', 'no', true],
      [new ConflictError('busy'), 'conflict', 'no', false],
      [new UnavailableError('down'), 'unavailable', 'no', false],
      [new UnknownOutcomeError('reset'), 'unknown-outcome', 'maybe', false],
      [new LimitExceededError('full'), 'limit-exceeded', 'no', false],
      [new LimitExceededError('too large', { final: true }), 'limit-exceeded', 'no', true],
      [new TimeoutError('slow', 5), 'timeout', 'maybe', false],
      [new TimeoutError('too late', 0, { executed: 'no' }), 'timeout', 'no', false],
      [new ConfigurationError('senseless'), 'configuration', 'no', true],
    ]
    for (const [error, code, executed, final] of known) {
      assert.deepEqual([error.code, error.executed, error.final], [code, executed, final], error.name)
      assert.deepEqual([executedOf(error), isFinal(error)], [executed, final])
      assert.equal(error.name, error.constructor.name)
    }
  })

  test('that do not say may have had an effect', () => {
    for (const error of [new Error('?'), new TypeError('bug'), 'text', undefined, null]) {
      assert.equal(executedOf(error), 'maybe')
      assert.equal(isFinal(error), false)
    }
  })

  test('keep their cause and the time to wait', () => {
    const cause = new Error('ECONNREFUSED')
    const error = new UnavailableError('inventory is down', { cause, retryAfterMs: 250 })
    assert.equal(error.cause, cause)
    assert.equal(error.retryAfterMs, 250)
    assert.ok(!('cause' in new UnavailableError('down')))
  })
})
