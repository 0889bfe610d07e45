import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ConfigurationError } from 'seaworthy/core'
import { type StoredEvent, UnknownEventError, commandHandler, eventTypes } from 'seaworthy/event-sourcing'
import { inMemoryDatabase, inMemoryEventStore } from '@seaworthy/testing'
import { account, accountEvents } from './account.ts'

type Event = { readonly type: 'priced'; readonly cents: number; readonly currency: string } | { readonly type: 'dropped' }

const types = eventTypes<Event>({
  priced: {
    version: 3,
    upcast: { 1: ({ price }) => ({ cents: Math.round(Number(price) * 100) }), 2: (data) => ({ ...data, currency: 'EUR' }) },
  },
  dropped: { version: 1 },
})

function stored(type: string, schemaVersion: number, data: unknown): StoredEvent {
  return { id: 'e', type, schemaVersion, data, stream: 's', version: 4, position: 17, recordedAtMs: 1, context: { correlationId: 'c' } }
}

void suite('stored events', () => {
  test('are brought up to date step by step when they are read', () => {
    assert.deepEqual(types.read(stored('priced', 1, { price: '19.99' })), { type: 'priced', cents: 1999, currency: 'EUR' })
    assert.deepEqual(types.read(stored('priced', 2, { cents: 5 })), { type: 'priced', cents: 5, currency: 'EUR' })
    assert.deepEqual(types.read(stored('priced', 3, { cents: 5, currency: 'USD' })), { type: 'priced', cents: 5, currency: 'USD' })
    const { schemaVersion, data, position } = types.upToDate(stored('priced', 1, { price: '1' }))
    assert.deepEqual({ schemaVersion, data, position }, { schemaVersion: 3, data: { cents: 100, currency: 'EUR' }, position: 17 })
  })

  test('are written in the shape of today', () => {
    assert.deepEqual(types.write({ type: 'priced', cents: 5, currency: 'USD' }), {
      type: 'priced',
      schemaVersion: 3,
      data: { cents: 5, currency: 'USD' },
    })
    assert.throws(() => types.write({ type: 'unheard-of' } as never), ConfigurationError)
  })

  test('that nobody knows are refused, naming event, stream and position', () => {
    for (const event of [stored('unheard-of', 1, {}), stored('priced', 4, {}), stored('constructor', 1, {})]) {
      assert.throws(
        () => types.read(event),
        (error) => {
          assert.ok(error instanceof UnknownEventError)
          assert.deepEqual([error.stream, error.position, error.eventType], ['s', 17, event.type])
          assert.match(error.message, new RegExp(`${event.type} .*version 4 of stream s, position 17`))
          return error.executed === 'no' && !error.final
        },
      )
    }
  })

  test('without an upcaster for each older shape are refused when they are declared', () => {
    const missing = { priced: { version: 3, upcast: { 1: () => ({}) } }, dropped: { version: 1 } }
    assert.throws(() => eventTypes<Event>(missing), /priced is at shape 3, but has no upcaster from 2 to 3/)
    assert.throws(() => eventTypes<Event>({ priced: { version: 0 }, dropped: { version: 1 } }), ConfigurationError)
  })

  test('that nobody knows keep their stream from loading, and from being written on', async () => {
    const database = inMemoryDatabase()
    const store = inMemoryEventStore()
    const accounts = commandHandler({ decider: account, events: accountEvents, store, database, schemaVersion: 1 })
    await accounts.execute('a', { type: 'open', owner: 'ada' })
    const newer = { id: 'n', type: 'frozen', schemaVersion: 1, data: {}, context: { correlationId: 'c' } }
    await database.transaction((tx) => store.append(tx, 'a', [newer], 'any'))
    await assert.rejects(accounts.execute('a', { type: 'deposit', amountCents: 5 }), UnknownEventError)
    await assert.rejects(accounts.load('a'), UnknownEventError)
    assert.equal((await store.read('a')).length, 2)
  })
})
