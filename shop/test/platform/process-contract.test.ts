import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigurationError } from 'seaworthy/core'
import { readProcessContract } from '../../platform/process-contract.ts'
import { readSwitches } from '../../platform/switches.ts'

const env = {
  SEAWORTHY_SERVICE: 'orders',
  SEAWORTHY_INSTANCE: 'orders-1',
  SEAWORTHY_DATA_DIR: '/data/orders',
  SEAWORTHY_LOG_DIR: '/data/log',
  SEAWORTHY_HTTP_PORT: '4001',
  SEAWORTHY_ENDPOINTS: '{"payments":{"http":"http://127.0.0.1:4002","grpc":"127.0.0.1:4003"}}',
}

describe('the process contract', () => {
  test('is read from the environment', () => {
    const contract = readProcessContract(env)
    assert.equal(contract.httpPort, 4001)
    assert.equal(contract.grpcPort, undefined)
    assert.deepEqual(contract.endpoint('payments'), { http: ['http://127.0.0.1:4002'], grpc: ['127.0.0.1:4003'] })
  })

  test('names every variable that is missing or wrong', () => {
    assert.throws(
      () => readProcessContract({ ...env, SEAWORTHY_HTTP_PORT: 'eighty', SEAWORTHY_DATA_DIR: undefined, SEAWORTHY_ENDPOINTS: '{' }),
      (error) => {
        assert.ok(error instanceof ConfigurationError)
        for (const name of ['SEAWORTHY_HTTP_PORT', 'SEAWORTHY_DATA_DIR', 'SEAWORTHY_ENDPOINTS'])
          assert.match(error.message, new RegExp(name))
        return true
      },
    )
  })

  test('a call that the declaration does not allow has no address', () => {
    assert.throws(() => readProcessContract(env).endpoint('shipping'), /orders was not told where shipping is/)
  })
})

describe('the switches of the safety nets', () => {
  test('all nets are there unless named', () => {
    assert.deepEqual(readSwitches({}).missing, [])
    const switches = readSwitches({ SHOP_WITHOUT: 'inbox, unknown-outcome' })
    assert.deepEqual([switches.has('inbox'), switches.has('idempotency-keys'), switches.has('unknown-outcome')], [false, true, false])
  })

  test('a name that is no safety net is refused', () => {
    assert.throws(() => readSwitches({ SHOP_WITHOUT: 'idempotency' }), /The safety nets are: inbox/)
  })
})
