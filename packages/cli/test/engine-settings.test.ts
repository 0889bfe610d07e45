import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseArguments } from '../src/arguments.ts'
import { engineOptions, engineSettings } from '../src/engines/engine-settings.ts'
import { EngineUnreachableError } from '../src/engines/errors.ts'
import { UsageError } from '../src/usage.ts'

const read = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  engineSettings(parseArguments('start', args, { operands: [], options: engineOptions }), env, 'shop')

describe('which engines a system stands on', () => {
  test('is embedded ones, unless some are named', () => {
    assert.deepEqual([...read([], { SEAWORTHY_KAFKA_URL: 'kafka://elsewhere' }).urls], [])
  })

  test('is said by flag or variable, and where they are by flag before variable', () => {
    const env = { SEAWORTHY_POSTGRES_URL: 'postgres://env', SEAWORTHY_KAFKA_URL: 'kafka://env' }
    const { urls, prefix } = read(['--engines', 'postgres,kafka', '--engine-url', 'kafka=kafka://a:1,b:2'], env)
    assert.deepEqual(
      [...urls],
      [
        ['postgres', 'postgres://env'],
        ['kafka', 'kafka://a:1,b:2'],
      ],
    )
    assert.equal(prefix, 'shop')
    assert.deepEqual([...read([], { ...env, SEAWORTHY_ENGINES: 'kafka' }).urls.keys()], ['kafka'])
  })

  test('takes an address for each of several', () => {
    const { urls } = read(['--engines=postgres,rabbitmq', '--engine-url=postgres=postgres://p', '--engine-url=rabbitmq=amqp://r'])
    assert.deepEqual([urls.get('postgres'), urls.get('rabbitmq')], ['postgres://p', 'amqp://r'])
  })

  test('refuses what cannot be meant', () => {
    for (const [args, message] of [
      [['--engines', 'postgers'], /Did you mean postgres/],
      [['--engine-url', 'postgres=postgres://p'], /--engines does not name it/],
      [['--engines', 'kafka', '--engine-url', 'kafka://a'], /must be ENGINE=URL/],
      [['--engines', 'kafka', '--engine-prefix', 'a_b'], /--engine-prefix must be/],
    ] as const)
      assert.throws(
        () => read(args),
        (error) => error instanceof UsageError && message.test(error.message),
      )
  })
})

describe('an engine that cannot be reached', () => {
  test('is named, with its address, without the password, and with what to run', () => {
    const { message } = new EngineUnreachableError('postgres', 'postgres://ada:s3cret@db:5432/shop', new Error('connect ECONNREFUSED'))
    assert.match(
      message,
      /^postgres cannot be used at postgres:\/\/ada:\*\*\*@db:5432\/shop: connect ECONNREFUSED\. .*npm run servers -- up postgres/,
    )
    assert.doesNotMatch(message, /s3cret/)
  })
})
