import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigurationError } from 'seaworthy/core'
import { readConfig } from '../src/config.ts'

const env = {
  SEAWORTHY_SERVICE: 'gateway',
  SEAWORTHY_INSTANCE: 'gateway-1',
  SEAWORTHY_HTTP_PORT: '4100',
  SEAWORTHY_GATEWAY_PORT: '8080',
  SEAWORTHY_ROUTES: '[{"path":"/api/orders/:id","service":"orders"}]',
  SEAWORTHY_DATA_DIR: '/data/services/gateway',
  SEAWORTHY_ENDPOINTS: '{"orders":{"http":"http://127.0.0.1:4101","grpc":"127.0.0.1:4102"}}',
}

describe('the configuration', () => {
  test('is read from the environment', () => {
    const config = readConfig(env)
    assert.equal(config.publicPort, 8080)
    assert.equal(config.healthPort, 4100)
    assert.deepEqual(config.routes, [{ path: '/api/orders/:id', service: 'orders' }])
    assert.deepEqual(
      config.upstreams.get('orders')?.map(({ host }) => host),
      ['127.0.0.1:4101'],
    )
    assert.deepEqual(config.hosts, ['local'])
    assert.equal(config.otlpUrl, undefined)
    assert.equal(config.logLevel, 'info')
  })

  test('may name several instances of a service', () => {
    const endpoints = '{"orders":{"http":["http://127.0.0.1:4101","http://127.0.0.1:4103"]}}'
    const { upstreams } = readConfig({ ...env, SEAWORTHY_ENDPOINTS: endpoints })
    assert.deepEqual(
      upstreams.get('orders')?.map(({ port }) => port),
      ['4101', '4103'],
    )
  })

  for (const [name, value, why] of [
    ['SEAWORTHY_ENDPOINTS', '{"orders":{"http":[]}}', /has no URL at orders.http/],
    ['SEAWORTHY_GATEWAY_PORT', undefined, /SEAWORTHY_GATEWAY_PORT is not set/],
    ['SEAWORTHY_GATEWAY_PORT', '80a', /is 80a, not a port/],
    ['SEAWORTHY_GATEWAY_PORT', '65536', /is 65536, not a port/],
    ['SEAWORTHY_ROUTES', '{', /SEAWORTHY_ROUTES .*JSON/],
    ['SEAWORTHY_ROUTES', '{}', /no JSON array/],
    ['SEAWORTHY_ROUTES', '[{"path":"/x"}]', /entry 0 without path and service/],
    ['SEAWORTHY_ROUTES', '[{"path":"/x","service":"ghost"}]', /no address of ghost/],
    ['SEAWORTHY_ENDPOINTS', '{"orders":{}}', /no URL at orders\.http/],
    ['SEAWORTHY_ENDPOINTS', '{"orders":{"http":"ftp://x"}}', /expected http:\/\/HOST:PORT/],
    ['SEAWORTHY_GATEWAY_HOSTS', 'shop.example, http://x', /SEAWORTHY_GATEWAY_HOSTS .*http:\/\/x is no host name/],
    ['SEAWORTHY_ROUTES', '[{"path":"/x","service":"orders","to":"ghost"}]', /no address of ghost/],
    ['SEAWORTHY_LOG_LEVEL', 'loud', /is loud, not one of/],
    ['SEAWORTHY_OTLP_URL', 'console', /SEAWORTHY_OTLP_URL/],
  ] as const) {
    test(`${name}=${value ?? '(absent)'} is refused`, () => {
      assert.throws(
        () => readConfig({ ...env, [name]: value }),
        (error: unknown) => error instanceof ConfigurationError && why.test(error.message),
      )
    })
  }

  test('every problem is named at once', () => {
    assert.throws(
      () => readConfig({}),
      /SEAWORTHY_ENDPOINTS is not set; SEAWORTHY_GATEWAY_PORT is not set; SEAWORTHY_HTTP_PORT is not set; SEAWORTHY_ROUTES is not set/,
    )
  })
})
