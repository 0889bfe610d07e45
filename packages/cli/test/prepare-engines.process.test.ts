import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { openPostgresDatabase, provisionDatabase } from '@seaworthy/postgres'
import { ConfigurationError } from 'seaworthy/core'
import { defineService, defineSystem, type Service } from 'seaworthy/system'
import { type PostgresServer, startPostgres } from '../../../test/servers/embedded-postgres.ts'
import type { Engine } from '../src/engines/engine-settings.ts'
import { EngineUnreachableError } from '../src/engines/errors.ts'
import { prepareEngines } from '../src/engines/prepare-engines.ts'

const service = (name: string, more: Partial<Pick<Service, 'role' | 'owns'>> = {}) =>
  defineService({
    name,
    context: 'test',
    purpose: 'Stands for others.',
    owns: [name],
    publishes: [],
    consumes: [],
    calls: [],
    main: new URL(import.meta.url),
    serves: ['http'],
    ...more,
  })
const [orders, history, prices, front] = [
  service('orders'),
  service('order-history'),
  service('prices', { owns: [] }),
  service('front', { role: 'console' }),
]
const system = defineSystem({ name: 'test', services: [orders, history, prices, front], routes: [] })

let server: PostgresServer
before(async () => {
  server = await startPostgres()
})
after(() => server.stop())

const prepare = (urls: readonly (readonly [Engine, string | undefined])[], env: NodeJS.ProcessEnv = {}) =>
  prepareEngines(system, { urls: new Map(urls), prefix: 'my-shop' }, env)

suite('the engines of a system', () => {
  test('each service that owns data has a database of its own, as its own role; who owns none, and the platform, have none', async () => {
    const tell = await prepare([['postgres', server.url('postgres')]])
    for (const [owner, name] of [
      [orders, 'my_shop_orders'],
      [history, 'my_shop_order_history'],
    ] as const) {
      const { SEAWORTHY_POSTGRES_URL: url = '', SEAWORTHY_ENGINE_PREFIX: prefix } = tell(owner)
      assert.equal(prefix, 'my-shop')
      const database = await openPostgresDatabase({ connection: url })
      const rows = await database.query({ sql: 'SELECT current_database() AS database, current_user AS role' })
      await database.close()
      assert.deepEqual(rows, [{ database: name, role: name }])
    }
    assert.deepEqual(tell(prices), { SEAWORTHY_ENGINE_PREFIX: 'my-shop' })
    assert.deepEqual(tell(front), {})
  })

  test('a database that was made for a service is used as it is, and without one no roles are made on servers elsewhere', async () => {
    const own = await provisionDatabase({ administrator: server.url('postgres'), name: 'made_by_hand', password: 'secret' })
    const elsewhere = [['postgres', 'postgres://admin:secret@db.example/postgres']] as const
    const tell = await prepare(elsewhere, { SEAWORTHY_POSTGRES_URL_ORDERS: own, SEAWORTHY_POSTGRES_URL_ORDER_HISTORY: own })
    assert.equal(tell(orders)['SEAWORTHY_POSTGRES_URL'], own)
    await assert.rejects(
      prepare(elsewhere, { SEAWORTHY_POSTGRES_URL_ORDERS: own }),
      (error) => error instanceof ConfigurationError && error.message.includes('SEAWORTHY_POSTGRES_URL_ORDER_HISTORY'),
    )
  })

  test('one that nobody has started, or has said where it is, is named', async () => {
    await assert.rejects(prepare([['postgres', undefined]]), /Nobody said where postgres is.*npm run servers -- up postgres/)
    for (const [engine, url] of [
      ['postgres', 'postgres://ada:secret@127.0.0.1:1/x'],
      ['kafka', 'kafka://127.0.0.1:1'],
      ['rabbitmq', 'amqp://ada:secret@127.0.0.1:1'],
    ] as const)
      await assert.rejects(prepare([[engine, url]]), (error) => {
        assert.ok(error instanceof EngineUnreachableError, String(error))
        assert.match(error.message, new RegExp(`^${engine} cannot be used at .*127\\.0\\.0\\.1:1.*npm run servers -- up ${engine}`))
        assert.doesNotMatch(error.message, /secret/)
        return true
      })
  })
})
