import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { inMemoryDatabase, inMemoryOutboxStore } from '@seaworthy/testing'
import { ConfigurationError, InvalidInputError, UnsupportedError } from 'seaworthy/core'
import { type OutboxStore, outbox } from 'seaworthy/outbox'
import { counted } from '../messaging/events.ts'

void suite('the outbox', () => {
  test('puts each event under the topic of its declaration', async () => {
    const database = inMemoryDatabase()
    const store = inMemoryOutboxStore()
    const box = outbox({ store })
    await database.transaction((tx) =>
      box.add(tx, counted({ key: 'a', n: 1 }), { ...counted({ key: 'a', n: 2 }), source: 'others' }, counted({ key: 'a', n: 3 })),
    )
    const read = async (topic: string) => (await store.unsent(topic, 10)).map(({ event: { data, sequence } }) => [data, sequence])
    assert.deepEqual(await read('things'), [
      [{ key: 'a', n: 1 }, 1],
      [{ key: 'a', n: 3 }, 2],
    ])
    assert.deepEqual(await read('others'), [[{ key: 'a', n: 2 }, 1]])
  })

  test('takes the locks of several topics in one order, whatever the order of the events', async () => {
    const database = inMemoryDatabase()
    const order: string[] = []
    const store = { add: async (_tx: unknown, topic: string) => void order.push(topic) } as unknown as OutboxStore
    const box = outbox({ store })
    const of = (source: string) => ({ ...counted({ key: 'a', n: 1 }), source })
    await database.transaction((tx) => box.add(tx, of('b'), of('a'), of('c')))
    await database.transaction((tx) => box.add(tx, of('c'), of('b'), of('a')))
    assert.deepEqual(order, ['a', 'b', 'c', 'a', 'b', 'c'])
  })

  test('refuses an event of another service’s topic, and adds none of the others with it', async () => {
    const database = inMemoryDatabase()
    const store = inMemoryOutboxStore()
    const box = outbox({ store, topics: ['things'] })
    const foreign = { ...counted({ key: 'a', n: 2 }), source: 'payments' }
    await database.transaction(async (tx) => {
      await assert.rejects(box.add(tx, counted({ key: 'a', n: 1 }), foreign), ConfigurationError)
    })
    assert.equal((await store.backlog()).messages, 0)
  })

  test('commits statements only where its store runs SQL, and checks the events before', async () => {
    const commits: unknown[] = []
    const store = { commit: async (...args: readonly unknown[]) => void commits.push(args) } as unknown as OutboxStore
    const box = outbox({ store, topics: ['things'] })
    const event = counted({ key: 'a', n: 1 })
    await box.commit([{ sql: 'UPDATE' }], event)
    assert.deepEqual(commits, [[[{ sql: 'UPDATE' }], [['things', [event]]]]])
    await assert.rejects(box.commit([], { ...event, source: 'payments' }), ConfigurationError)
    await assert.rejects(outbox({ store: inMemoryOutboxStore() }).commit([], event), UnsupportedError)
    assert.equal(commits.length, 1)
  })

  test('refuses an event that was published before', async () => {
    const database = inMemoryDatabase()
    const box = outbox({ store: inMemoryOutboxStore() })
    const received = { ...counted({ key: 'a', n: 1 }), sequence: 4 }
    await database.transaction((tx) => assert.rejects(box.add(tx, received), /published before, as number 4/))
  })

  test('refuses an event that is no JSON', async () => {
    const database = inMemoryDatabase()
    const box = outbox({ store: inMemoryOutboxStore() })
    await database.transaction((tx) => assert.rejects(box.add(tx, { ...counted({ key: 'a', n: 1 }), data: 1n }), InvalidInputError))
  })
})
