import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rootContext, UnavailableError, withContext } from 'seaworthy/core'
import { compose, fallback, type Guard, policy } from 'seaworthy/resilience'
import { VirtualClock } from '@seaworthy/testing'
import { abortable, errorOf } from './calls.ts'

const traced = (name: string, trace: string[]): Guard => ({
  async run(body, context = rootContext()) {
    trace.push(`${name} in`)
    try {
      return await body({ ...context, baggage: `${context.baggage ?? ''}${name}` })
    } finally {
      trace.push(`${name} out`)
    }
  },
})

describe('composed guards', () => {
  test('run one inside the other, the first outermost, and hand the context on', async () => {
    const trace: string[] = []
    const guard = compose(traced('a', trace), traced('b', trace))
    assert.equal(await guard.run(async (call) => call.baggage), 'ab')
    assert.deepEqual(trace, ['a in', 'b in', 'b out', 'a out'])
  })

  test('of none just make the call', async () => {
    const context = rootContext()
    assert.equal(await compose().run(async (call) => call.correlationId, context), context.correlationId)
  })

  test('of none reject with what the body throws at once', async () => {
    const body = (): Promise<string> => {
      throw new TypeError('bug')
    }
    assert.match(String(await errorOf(compose().run(body))), /bug/)
  })

  test('make every attempt of an outer retry pass the inner guards', async () => {
    const trace: string[] = []
    const retrying = policy({ retry: { attemptsMax: 2, backoff: { kind: 'constant', delayMs: 0 } } }, { name: 'stock' })
    await errorOf(compose(retrying, traced('a', trace)).run(() => Promise.reject(new UnavailableError('down'))))
    assert.deepEqual(trace, ['a in', 'a out', 'a in', 'a out'])
  })
})

describe('a fallback', () => {
  test('answers with something else, and may look at the error', async () => {
    const price = await fallback((error) => `unknown: ${(error as Error).message}`).run(async () => Promise.reject(new Error('down')))
    assert.equal(price, 'unknown: down')
    assert.equal(await fallback(() => 0).run(async () => 7), 7)
  })

  test('falls back from what a guard turned away', async () => {
    const clock = new VirtualClock()
    const guard = policy({ bulkhead: { concurrencyMax: 1 } }, { name: 'reviews', clock })
    void guard.run(() => new Promise(() => {}))
    assert.deepEqual(await fallback(() => [], { guard }).run(async () => ['a review']), [])
  })

  test('does not hide errors that it does not handle, nor the abort of its caller', async () => {
    const bug = new TypeError('bug')
    const only = fallback(() => 0, { handles: (error) => error instanceof UnavailableError })
    assert.equal(await errorOf(only.run(() => Promise.reject(bug))), bug)
    const { context, controller } = abortable()
    controller.abort(new Error('left'))
    assert.equal(await errorOf(fallback(() => 0).run(() => Promise.reject(bug), context)), bug)
    const current = withContext(context, () => fallback(() => 0).run(() => Promise.reject(bug)))
    assert.equal(await errorOf(current), bug)
  })
})
