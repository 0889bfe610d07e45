import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigurationError } from 'seaworthy/core'
import { tableProjection } from 'seaworthy/projections'
import {
  eventStoreSchema,
  migrate,
  openSqliteDatabase,
  projectionStoreSchema,
  sqliteEventStore,
  sqliteProjectionStore,
} from 'seaworthy/sqlite'
import { tableProjectionContract } from '@seaworthy/testing'
import { temporaryFolder } from '../sqlite/folder.ts'

tableProjectionContract('SQLite', async () => {
  const folder = temporaryFolder()
  const database = await openSqliteDatabase({ path: join(folder.path, 'tables.db'), durability: 'process-crash' })
  await migrate(database, [eventStoreSchema, projectionStoreSchema])
  return {
    source: sqliteEventStore(database),
    events: database,
    database,
    store: sqliteProjectionStore(database),
    dispose: async () => {
      await database.close()
      folder.remove()
    },
  }
})

test('names of tables that SQL would have to quote are refused', () => {
  for (const name of ['Balances', 'a b', '1st', '', 't'.repeat(42)]) {
    const tables = { [name]: { columns: 'key TEXT', key: 'key' } }
    assert.throws(() => tableProjection({ name: 'p', version: 1, tables, on: {} }), ConfigurationError)
  }
})
