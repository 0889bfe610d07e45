import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { EventEnvelope } from 'seaworthy/messaging'
import { continueOutboxNumbers, migrate, openSqliteDatabase, outboxNumbers, outboxStoreSchema, sqliteOutboxStore } from 'seaworthy/sqlite'
import { testFolder } from './folder.ts'

let made = 0
function event(key: string): EventEnvelope {
  const id = `event-${++made}`
  const time = '2026-01-01T00:00:00Z'
  return { id, type: 'customer.created', version: 1, source: 'customers', key, sequence: 0, time, correlationId: 'c', data: {} }
}

/** The outbox of one of a topic's owners. */
async function owner(t: TestContext) {
  const database = await openSqliteDatabase({ path: `${testFolder(t)}/owner.db`, durability: 'process-crash' })
  t.after(() => database.close())
  await migrate(database, [outboxStoreSchema])
  const store = sqliteOutboxStore(database)
  const add = (topic: string, ...keys: readonly string[]) => database.transaction((tx) => store.add(tx, topic, keys.map(event)))
  const numbers = (max = 10, after = '') => outboxNumbers(database, { topic: 'customers', after, max })
  const goOn = (from: Awaited<ReturnType<typeof numbers>>) => database.transaction((tx) => continueOutboxNumbers(tx, 'customers', from))
  const unsent = async (topic: string) => (await store.unsent(topic, 100)).map(({ event: { key, sequence } }) => `${key} ${sequence}`)
  return { add, numbers, goOn, unsent }
}

describe('the numbers of a topic that gets another owner', () => {
  test('go on where the owner before stopped, key by key', async (t) => {
    const [before, after] = [await owner(t), await owner(t)]
    await before.add('customers', 'ada', 'bob', 'ada')
    await before.add('orders', 'ada', 'ada', 'ada', 'ada')
    await after.goOn(await before.numbers())
    await after.add('customers', 'ada', 'bob', 'new')
    assert.deepEqual(await after.unsent('customers'), ['ada 3', 'bob 2', 'new 1'])
    await after.add('orders', 'ada')
    assert.deepEqual(await after.unsent('orders'), ['ada 1'], 'another topic is none of its business')
  })

  test('are never lowered, so that handing over twice does no harm', async (t) => {
    const [before, after] = [await owner(t), await owner(t)]
    await before.add('customers', 'ada', 'ada')
    await after.goOn(await before.numbers())
    await after.add('customers', 'ada')
    await after.goOn(await before.numbers())
    assert.deepEqual(await after.numbers(), [{ key: 'ada', last: 3 }])
  })

  test('come a page at a time', async (t) => {
    const { add, numbers } = await owner(t)
    await add('customers', 'c', 'a', 'b', 'a')
    assert.deepEqual(await numbers(2), [
      { key: 'a', last: 2 },
      { key: 'b', last: 1 },
    ])
    assert.deepEqual(await numbers(2, 'b'), [{ key: 'c', last: 1 }])
  })
})
