import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { ConfigurationError, constant, exponential } from 'seaworthy/core'
import {
  adaptiveConcurrency,
  countWindow,
  hedge,
  loadShedder,
  policy,
  type PolicyDeclaration,
  rateLimiter,
  type RateLimiterDeclaration,
  timeWindow,
} from 'seaworthy/resilience'

const name = 'inventory'
/** What a JSON file or plain JavaScript may hold, whatever the types say. */
const declared = (declaration: unknown) => () => policy(declaration as PolicyDeclaration, { name })

const whole: PolicyDeclaration = {
  idempotent: true,
  timeout: { attemptMs: 300, totalMs: 800 },
  retry: { attemptsMax: 3, backoff: exponential({ baseMs: 1, maxMs: 10 }), budget: { ratio: 0.2 }, waitMaxMs: 100 },
  circuitBreaker: {
    failureRate: 0.5,
    window: timeWindow(1_000),
    minimumCalls: 4,
    slowCalls: { overMs: 100, rate: 0.5 },
    openMs: 1_000,
    openMsMax: 5_000,
    openJitter: 0.1,
    probesMax: 2,
    probeLeaseMs: 1_000,
  },
  bulkhead: { concurrencyMax: 16, queueMax: 32 },
}

describe('a policy', () => {
  test('refuses settings that make no sense, and names each', () => {
    const error = refusal({
      retry: { attemptsMax: 0, backoff: constant(-1) },
      timeout: { totalMs: Number.NaN },
      bulkhead: { concurrencyMax: 1.5 },
    })
    for (const setting of [
      'retry.attemptsMax is 0',
      'retry.backoff.delayMs is -1',
      'timeout.totalMs is NaN',
      'bulkhead.concurrencyMax is 1.5',
    ])
      assert.ok(error.message.includes(setting), error.message)
    const senseless = fc.oneof(...[0, -1, Number.NaN, Number.POSITIVE_INFINITY, '300', null, {}].map((value) => fc.constant(value)))
    fc.assert(
      fc.property(senseless, (value) => {
        for (const setting of ['attemptMs', 'totalMs']) assert.throws(declared({ timeout: { [setting]: value } }), new RegExp(setting))
        assert.throws(declared({ circuitBreaker: { consecutiveFailures: value, openMs: 1 } }), /consecutiveFailures/)
        assert.throws(declared({ circuitBreaker: { consecutiveFailures: 1, openMs: value } }), /openMs/)
        assert.throws(declared({ bulkhead: { concurrencyMax: value } }), /concurrencyMax/)
      }),
    )
  })

  test('takes a whole declaration, from JSON too', () => {
    assert.doesNotThrow(declared(JSON.parse(JSON.stringify(whole))))
  })

  test('refuses one that lacks what has no default, or has a name misspelt: it would be no limit', () => {
    for (const [declaration, complaint] of [
      [{ bulkhead: {} }, /bulkhead\.concurrencyMax is undefined/],
      [
        { bulkhead: { concurrencymax: 3, concurrencyMax: 3 } },
        /bulkhead\.concurrencymax is no setting here: there are concurrencyMax, queueMax/,
      ],
      [{ timeouts: { attemptMs: 300 } }, /timeouts is no setting/],
      [{ timeout: { attemptsMs: 300 } }, /timeout\.attemptsMs is no setting here: there are attemptMs, totalMs/],
      [{ retry: null }, /retry is null, but must be an object/],
      [{ retry: { attemptsMax: 3 } }, /retry\.backoff is undefined/],
      [{ retry: { attemptsMax: 3, backoff: { kind: 'linear' } } }, /retry\.backoff\.kind is "linear", but must be exponential or constant/],
      [{ retry: { attemptsMax: 3, backoff: { ...exponential({ baseMs: 1, maxMs: 2 }), jitter: 'half' } } }, /jitter is "half"/],
      [{ retry: { attemptsMax: 3, backoff: constant(1), budget: { ratio: 0.1, tokensMax: 0.5 } } }, /tokensMax is 0\.5/],
      [{ circuitBreaker: { consecutiveFailures: 3 } }, /circuitBreaker\.openMs is undefined/],
      [{ circuitBreaker: { failureRate: 0.5, openMs: 1 } }, /circuitBreaker\.window is undefined/],
      [{ circuitBreaker: { failureRate: 0.5, openMs: 1, window: { kind: 'tiem', durationMs: 1 } } }, /window\.kind is "tiem"/],
      [{ circuitBreaker: { consecutiveFailures: 3, openMs: 1, slowCalls: { overMs: 1, rate: 1 } } }, /slowCalls is no setting here/],
      [{ circuitBreaker: { failureRate: 0.5, openMs: 1, window: countWindow(2 ** 40) } }, /window\.callsMax is 1099511627776/],
    ] as const)
      assert.match(refusal(declaration).message, complaint)
  })

  test('asks for its name', () => {
    const nameless = policy as unknown as (declaration: PolicyDeclaration) => void
    assert.throws(() => nameless({}), /it has no name.*options\.name/)
  })
})

test('the other guards refuse what they do not know, too', () => {
  assert.throws(() => rateLimiter({ kind: 'leaky-bucket' } as unknown as RateLimiterDeclaration, { name }), /kind is "leaky-bucket"/)
  assert.throws(() => rateLimiter({ kind: 'sliding-window', callsMax: 2 ** 40, windowMs: 1 }, { name }), /callsMax is 1099511627776/)
  assert.throws(() => hedge({ quantile: 1 }, { name }), /quantile is 1, but must be above 0 and below 1/)
  assert.throws(() => adaptiveConcurrency({ initial: 2_000 }, { name }), /min \(1\), initial \(2000\) and max \(1000\) are not in order/)
  const misspelt = { eventLoopDelayMs: 100 } as unknown as Parameters<typeof loadShedder>[0]
  assert.throws(() => loadShedder(misspelt, { name }), /eventLoopDelayMs is no setting.*eventLoopDelayMaxMs is undefined/)
})

function refusal(declaration: unknown): Error {
  try {
    declared(declaration)()
  } catch (error) {
    assert.ok(error instanceof ConfigurationError)
    return error
  }
  assert.fail('was taken')
}
