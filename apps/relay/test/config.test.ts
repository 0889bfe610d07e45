import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigurationError } from 'seaworthy/core'
import { readConfig } from '../src/config.ts'
import { openTarget } from '../src/targets.ts'

const enough = {
  SEAWORTHY_RELAY_DATABASE: 'postgres://orders@db/orders',
  SEAWORTHY_RELAY_TO: 'kafka://one:9092,two:9092',
  SEAWORTHY_RELAY_TOPICS: 'orders, returns,',
}

test('what is not said has a default', () => {
  const config = readConfig(enough)
  assert.deepEqual(config.topics, ['orders', 'returns'])
  assert.equal(config.to, 'kafka://one:9092,two:9092')
  assert.deepEqual(
    [config.wake, config.migrate, config.pollMs, config.httpPort, config.httpHost, config.logLevel],
    ['notify', false, 1_000, 0, '127.0.0.1', 'info'],
  )
})

test('everything that is missing or wrong is named at once, without what may have a password in it', () => {
  const wrong = {
    SEAWORTHY_RELAY_TO: 'secret',
    SEAWORTHY_RELAY_WAKE: 'clock',
    SEAWORTHY_RELAY_POLL_MS: '0',
    SEAWORTHY_HTTP_PORT: '70000',
    SEAWORTHY_RELAY_MIGRATE: 'yes',
  }
  assert.throws(
    () => readConfig(wrong),
    (error) => {
      assert.ok(error instanceof ConfigurationError)
      for (const name of [...Object.keys(wrong), 'SEAWORTHY_RELAY_DATABASE', 'SEAWORTHY_RELAY_TOPICS'])
        assert.match(error.message, new RegExp(name))
      assert.doesNotMatch(error.message, /secret/)
      return true
    },
  )
})

test('a target that there is not is refused with those that there are', async () => {
  await assert.rejects(openTarget({ url: 'ftp://host', topics: ['orders'] }), (error: Error) => {
    assert.ok(error instanceof ConfigurationError)
    assert.match(error.message, /file:\/\/ or kafka:\/\/ or amqp:\/\/ or amqps:\/\/.*ftp:/)
    return true
  })
})
