import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigurationError, LimitExceededError, UnavailableError } from 'seaworthy/core'
import { keyed, policy } from 'seaworthy/resilience'
import { VirtualClock } from '@seaworthy/testing'
import { errorOf, heldBody } from './calls.ts'

const declaration = { circuitBreaker: { consecutiveFailures: 1, openMs: 1_000 }, bulkhead: { concurrencyMax: 1 } }
const fails = () => Promise.reject(new UnavailableError('down'))
const works = async () => 'done'

function hosts(keysMax: number) {
  const clock = new VirtualClock()
  const made: string[] = []
  const policies = keyed(
    (name) => {
      made.push(name)
      return policy(declaration, { name, clock })
    },
    { keysMax },
  )
  return { policies, made }
}

describe('keyed policies', () => {
  test('one bad key opens its own circuit only', async () => {
    const { policies, made } = hosts(10)
    await errorOf(policies.run('a', fails))
    assert.equal(await policies.run('b', works), 'done')
    assert.equal(policies.of('a').snapshot().circuitBreaker?.state, 'open')
    assert.deepEqual(made, ['a', 'b'])
    assert.deepEqual([...policies.snapshot().keys()], ['a', 'b'])
  })

  test('forget a key that nobody used lately', async () => {
    const { policies, made } = hosts(2)
    await policies.run('a', works)
    await policies.run('b', works)
    await policies.run('a', works)
    await policies.run('c', works)
    assert.equal(policies.size, 2)
    assert.deepEqual([...policies.snapshot().keys()].toSorted(), ['a', 'c'])
    await policies.run('b', works)
    assert.deepEqual(made, ['a', 'b', 'c', 'b'])
  })

  test('forget an open circuit only when there is no closed one', async () => {
    const { policies } = hosts(2)
    await errorOf(policies.run('bad', fails))
    await policies.run('good', works)
    await policies.run('new', works)
    assert.deepEqual([...policies.snapshot().keys()].toSorted(), ['bad', 'new'])
    await errorOf(policies.run('new', fails))
    await policies.run('newer', works)
    assert.equal(policies.size, 2)
  })

  test('never forget a key with calls under way, and refuse a new one instead', async () => {
    const { policies } = hosts(2)
    const { body, calls } = heldBody()
    const running = [policies.run('a', body), policies.run('b', body)]
    const error = await errorOf(policies.run('c', body))
    assert.ok(error instanceof LimitExceededError)
    assert.match(error.message, /2 keys \(keysMax\)/)
    for (const call of calls) call.succeed()
    await Promise.all(running)
    assert.equal(await policies.run('c', works), 'done')
  })

  test('never forget what was isolated by hand', async () => {
    const { policies } = hosts(2)
    policies.of('moved').isolate('its shard is being moved')
    for (const key of ['a', 'b', 'c']) await errorOf(policies.run(key, fails))
    assert.deepEqual([...policies.snapshot().keys()].toSorted(), ['c', 'moved'])
    policies.of('c').isolate('and this one')
    assert.ok((await errorOf(policies.run('d', works))) instanceof LimitExceededError)
  })

  test('must be told how many keys they may remember', () => {
    assert.throws(() => keyed((name) => policy({}, { name }), { keysMax: 0 }), ConfigurationError)
  })
})
