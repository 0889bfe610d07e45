import { sqliteReadStore } from 'seaworthy/sqlite'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigurationError } from 'seaworthy/core'
import { openReadModelStore } from '../../../platform/read-model-store.ts'
import { readHistoryOptions } from '../../../services/order-history/configuration.ts'
import { openServiceDatabase } from '../../service-database.ts'
import { historySuite } from './history-suite.ts'

historySuite('SQLite', async (t) => {
  const service = await openServiceDatabase()
  t.after(() => service[Symbol.asyncDispose]())
  const store = sqliteReadStore(service.database)
  return { writer: store, reader: store }
})

test('the order history is configured by its environment, which is checked', async () => {
  assert.deepEqual(readHistoryOptions({}), { storeUrl: undefined, role: 'both' })
  const shared = { SHOP_HISTORY_STORE: 'redis://localhost', SHOP_HISTORY_ROLE: 'reader' }
  assert.deepEqual(readHistoryOptions(shared), { storeUrl: 'redis://localhost', role: 'reader' })
  assert.throws(() => readHistoryOptions({ SHOP_HISTORY_ROLE: 'reader' }), ConfigurationError)
  assert.throws(() => readHistoryOptions({ ...shared, SHOP_HISTORY_ROLE: 'auditor' }), ConfigurationError)
  await assert.rejects(
    openReadModelStore({ url: 'mongodb://localhost', variable: 'SHOP_HISTORY_STORE' }, { stores: {} as never, onStop: () => undefined }),
    ConfigurationError,
  )
})
