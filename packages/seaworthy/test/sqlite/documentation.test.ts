import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { OutboxStore } from 'seaworthy/outbox'
import { testFolder } from './folder.ts'

test('the example of addSync in docs/4-data/outbox-adapters.md commits its order and the event about it', async (t) => {
  const page = readFileSync(new URL('../../../../docs/4-data/outbox-adapters.md', import.meta.url), 'utf8')
  const [, code] = /^## Synchronous SQLite\n.*?^```ts\n(.*?)^```/ms.exec(page)!
  const path = join(testFolder(t), 'orders.sqlite')
  const before = new DatabaseSync(path)
  before.exec('CREATE TABLE orders (id TEXT PRIMARY KEY, total_cents INTEGER NOT NULL) STRICT')
  before.close()
  const asUrl = (text: string) => `data:text/javascript;base64,${Buffer.from(text).toString('base64')}`
  const orders = asUrl(`
    export const path = ${JSON.stringify(path)}
    export const orderPlaced = (data) => ({ id: 'e', type: 'order.placed', version: 1, source: 'orders', key: data.orderId, sequence: 0,
      time: '2026-01-01T00:00:00Z', correlationId: 'c', data })`)
  const example = stripTypeScriptTypes(code!).replaceAll(
    /from '([^']+)'/g,
    (_, name: string) => `from '${name === './orders.ts' ? orders : import.meta.resolve(name)}'`,
  )
  const { store, db } = (await import(asUrl(`${example}\nexport { db }`))) as { store: OutboxStore; db: DatabaseSync }
  t.after(() => db.close())
  const [entry] = await store.unsent('orders', 10)
  assert.deepEqual(entry?.event.data, { orderId: 'sqlite-1', totalCents: 1200 })
  assert.equal(db.prepare('SELECT count(*) AS orders FROM orders').get()!['orders'], 1)
})
