import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Clock, type Database, type Statement, type Transaction, LimitExceededError, seededRandom } from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'
import type { OutboxEntry, OutboxStore } from 'seaworthy/outbox'
import { VirtualClock } from '../virtual-clock.ts'
import { withFresh } from './with-fresh.ts'

/** A fresh outbox and the database it lives in. */
export interface OutboxStoreUnderTest {
  readonly database: Database
  readonly store: OutboxStore
  /** Ends it and opens it anew on what was stored, as a restart does. Absent where nothing survives a restart. */
  readonly reopen?: () => Promise<OutboxStoreUnderTest>
  dispose(): Promise<void>
}

const ALL = 1_000_000
const EVENT_BYTES_MAX = 20_000

/** What every OutboxStore owes. `open` is called once for each test, and gives a store whose `eventBytesMax` is as asked for. */
export function outboxStoreContract(
  name: string,
  open: (options: { clock: Clock; eventBytesMax: number }) => Promise<OutboxStoreUnderTest>,
): void {
  const withStore = (body: (under: OutboxStoreUnderTest, clock: VirtualClock) => Promise<void>) => {
    const clock = new VirtualClock()
    return withFresh(
      () => open({ clock, eventBytesMax: EVENT_BYTES_MAX }),
      (under) => body(under, clock),
    )
  }

  void suite(`outbox store contract: ${name}`, () => {
    test('numbers of a key begin at 1 and leave none out, in one call and over several', () =>
      withStore(async ({ database, store }) => {
        await database.transaction(async (tx) => {
          await store.add(tx, 'orders', [event('a'), event('b'), event('a')])
          await store.add(tx, 'orders', [event('a')])
        })
        await database.transaction((tx) => store.add(tx, 'orders', [event('b'), event('a')]))
        const entries = await store.unsent('orders', ALL)
        assert.deepEqual(numbers(entries), { a: [1, 2, 3, 4], b: [1, 2] })
        assertGrowing(entries)
      }))

    test('a key counts on each topic for itself', () =>
      withStore(async ({ database, store }) => {
        await database.transaction(async (tx) => {
          await store.add(tx, 'orders', [event('a')])
          await store.add(tx, 'returns', [event('a')])
        })
        assert.deepEqual(numbers(await store.unsent('orders', ALL)), { a: [1] })
        assert.deepEqual(numbers(await store.unsent('returns', ALL)), { a: [1] })
      }))

    test('what rolls back leaves neither a message nor a missing number', () =>
      withStore(async ({ database, store }) => {
        await database.transaction((tx) => store.add(tx, 'orders', [event('a')]))
        const rolledBack = database.transaction(async (tx) => {
          await store.add(tx, 'orders', [event('a'), event('new')])
          throw new Error('changed my mind')
        })
        await assert.rejects(rolledBack, /changed my mind/)
        await database.transaction((tx) => store.add(tx, 'orders', [event('a'), event('new')]))
        assert.deepEqual(numbers(await store.unsent('orders', ALL)), { a: [1, 2], new: [1] })
      }))

    test('among concurrent transactions, some of which roll back, the order of numbers is the order of positions, without gaps', () =>
      withStore(async ({ database, store }) => {
        const random = seededRandom(7)
        const keys = ['a', 'b', 'c']
        let committed = 0
        const writers = Array.from({ length: 120 }, async () => {
          const events = Array.from({ length: 1 + Math.floor(random.float() * 3) }, () => event(keys[Math.floor(random.float() * 3)]!))
          const fails = random.float() < 0.3
          const pauses = Math.floor(random.float() * 3)
          const body = async (tx: Transaction) => {
            for (const one of events) {
              await store.add(tx, 'orders', [one])
              for (let pause = 0; pause < pauses; pause++) await Promise.resolve()
            }
            if (fails) throw new Error('rolled back')
          }
          await database.transaction(body).then(
            () => (committed += events.length),
            () => undefined,
          )
        })
        await Promise.all(writers)
        const entries = await store.unsent('orders', ALL)
        assert.equal(entries.length, committed)
        assert.ok(committed > 0 && committed < 240)
        for (const list of Object.values(numbers(entries))) {
          assert.deepEqual(
            list,
            list.map((_, index) => index + 1),
          )
        }
      }))

    test('nobody sees a message before its transaction commits', () =>
      withStore(async ({ database, store }) => {
        await database.transaction(async (tx) => {
          await store.add(tx, 'orders', [event('a')])
          assert.deepEqual(await store.unsent('orders', ALL), [])
          assert.deepEqual(await store.topics(), [])
          assert.equal((await store.backlog()).messages, 0)
        })
        assert.equal((await store.unsent('orders', ALL)).length, 1)
      }))

    test('unsent messages come oldest first, of the topic asked for, no more than asked for', () =>
      withStore(async ({ database, store }) => {
        const events = Array.from({ length: 10 }, (_, index) => event(`key-${index % 3}`))
        for (const one of events) {
          await database.transaction(async (tx) => {
            await store.add(tx, 'orders', [one])
            await store.add(tx, 'other', [event('x')])
          })
        }
        const entries = await store.unsent('orders', 4)
        assert.deepEqual(idsOf(entries), idsOf(events.slice(0, 4).map((one) => ({ event: one }))))
        assert.deepEqual(new Set(entries.map(({ topic }) => topic)), new Set(['orders']))
        assert.deepEqual(await store.unsent('nobody-publishes-here', 4), [])
      }))

    test('an event comes back as it was added, with its number', () =>
      withStore(async ({ database, store }) => {
        const added: EventEnvelope = {
          ...event('käse 🧀 "quoted" \u0000 nul'),
          traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
          actor: "o'neill; DROP TABLE",
          data: { text: 'line\nbreak', list: [1, null, { deep: [true] }], empty: {}, big: Number.MAX_SAFE_INTEGER, cents: -0.5 },
        }
        await database.transaction((tx) => store.add(tx, 'orders', [added]))
        const [entry] = await store.unsent('orders', ALL)
        assert.deepEqual(entry!.event, { ...added, sequence: 1 })
      }))

    test('keys that look alike are different keys', () =>
      withStore(async ({ database, store }) => {
        const keys = ['1', '01', '1.0', 'a', 'A', 'a ', 'a\u0000', 'a\u0000b', 'e\u0301', '\u00e9', 'x'.repeat(500)]
        await database.transaction((tx) =>
          store.add(
            tx,
            'orders',
            keys.map((key) => event(key)),
          ),
        )
        const entries = await store.unsent('orders', ALL)
        assert.deepEqual(
          entries.map(({ event: { key, sequence } }) => [key, sequence]),
          keys.map((key) => [key, 1]),
        )
      }))

    test('marking a batch again, after an answer that was lost, takes no newer message with it', () =>
      withStore(async ({ database, store }) => {
        await database.transaction((tx) => store.add(tx, 'orders', [event('a'), event('b')]))
        const sent = (await store.unsent('orders', ALL)).map(({ position }) => position)
        await store.markSent(sent)
        assert.deepEqual(await store.unsent('orders', ALL), [])
        await database.transaction((tx) => store.add(tx, 'orders', [event('a'), event('b')]))
        await store.markSent(sent)
        assert.deepEqual(numbers(await store.unsent('orders', ALL)), { a: [2], b: [2] })
      }))

    test('marking part of a batch leaves the rest; marking nothing, or what is not there, changes nothing', () =>
      withStore(async ({ database, store }) => {
        await database.transaction((tx) => store.add(tx, 'orders', [event('a'), event('a'), event('a')]))
        const [first, second, third] = await store.unsent('orders', ALL)
        await store.markSent([])
        await store.markSent([third!.position + 1_000])
        await store.markSent([second!.position])
        assert.deepEqual(await store.unsent('orders', ALL), [first, third])
      }))

    test('a batch of thousands is marked at once', () =>
      withStore(async ({ database, store }) => {
        const events = Array.from({ length: 3_000 }, (_, index) => event(`key-${index % 7}`))
        await database.transaction((tx) => store.add(tx, 'orders', events))
        const entries = await store.unsent('orders', 2_900)
        await store.markSent(entries.map(({ position }) => position))
        assert.deepEqual(idsOf(await store.unsent('orders', ALL)), idsOf(events.slice(2_900).map((one) => ({ event: one }))))
      }))

    test('topics are those that wait', () =>
      withStore(async ({ database, store }) => {
        for (const topic of ['orders', 'returns', 'orders', 'a']) {
          await database.transaction((tx) => store.add(tx, topic, [event('k'), event('l')]))
        }
        assert.deepEqual([...(await store.topics())].toSorted(), ['a', 'orders', 'returns'])
        await store.markSent((await store.unsent('returns', ALL)).map(({ position }) => position))
        assert.deepEqual([...(await store.topics())].toSorted(), ['a', 'orders'])
      }))

    test('the backlog tells how many wait and since when', () =>
      withStore(async ({ database, store }, clock) => {
        assert.deepEqual(await store.backlog(), { messages: 0, oldestAtMs: undefined })
        const firstAtMs = clock.now()
        await database.transaction((tx) => store.add(tx, 'orders', [event('a')]))
        await clock.advance(5_000)
        await database.transaction((tx) => store.add(tx, 'orders', [event('a'), event('b')]))
        assert.deepEqual(await store.backlog(), { messages: 3, oldestAtMs: firstAtMs })
        const [oldest, next] = await store.unsent('orders', ALL)
        assert.deepEqual([oldest!.addedAtMs, next!.addedAtMs], [firstAtMs, firstAtMs + 5_000])
        await store.markSent([oldest!.position])
        assert.deepEqual(await store.backlog(), { messages: 2, oldestAtMs: firstAtMs + 5_000 })
      }))

    test('a listener is told of a topic after its commit, when the message can be read; never of what rolled back', () =>
      withStore(async ({ database, store }) => {
        const told: string[] = []
        const readable: Promise<readonly OutboxEntry[]>[] = []
        const stop = store.onAdded((topic) => {
          told.push(topic)
          readable.push(store.unsent(topic, ALL))
        })
        await database.transaction(async (tx) => {
          await store.add(tx, 'orders', [event('a')])
          assert.deepEqual(told, [])
        })
        assert.deepEqual(told, ['orders'])
        assert.equal((await readable[0]!).length, 1)
        const rolledBack = database.transaction(async (tx) => {
          await store.add(tx, 'returns', [event('a')])
          throw new Error('no')
        })
        await assert.rejects(rolledBack)
        stop()
        await database.transaction((tx) => store.add(tx, 'orders', [event('a')]))
        assert.deepEqual(told, ['orders'])
      }))

    test('statements and events are committed together, numbered with those of other transactions, and told of once', (t) =>
      withStore(async ({ database, store }) => {
        if (store.commit === undefined) return t.diagnostic(`${name} runs no SQL`)
        await database.atomically([{ sql: 'CREATE TABLE state (id integer PRIMARY KEY)' }])
        await database.transaction((tx) => store.add(tx, 'orders', [event('a')]))
        const told: string[] = []
        store.onAdded((topic) => told.push(topic))
        const insert = (ids: string): Statement => ({ sql: `INSERT INTO state (id) VALUES ${ids}` })
        const rowCounts = await store.commit(
          [insert('(1), (2)'), { sql: 'UPDATE state SET id = 3 WHERE id = 9' }],
          [
            ['orders', [event('a'), event('b'), event('a')]],
            ['returns', [event('a')]],
          ],
        )
        assert.deepEqual(rowCounts, [{ rowCount: 2 }, { rowCount: 0 }])
        assert.deepEqual(told, ['orders', 'returns'])
        await Promise.all([
          store.commit([insert('(4)')], [['orders', [event('b')]]]),
          store.commit([insert('(5)')], [['orders', [event('b')]]]),
          database.transaction((tx) => store.add(tx, 'orders', [event('b')])),
        ])
        assert.deepEqual(numbers(await store.unsent('orders', ALL)), { a: [1, 2, 3], b: [1, 2, 3, 4] })
        assert.deepEqual(numbers(await store.unsent('returns', ALL)), { a: [1] })
      }))

    test('a statement that fails, or an event that is refused, leaves neither rows, messages nor missing numbers', (t) =>
      withStore(async ({ database, store }) => {
        if (store.commit === undefined) return t.diagnostic(`${name} runs no SQL`)
        await database.atomically([{ sql: 'CREATE TABLE state (id integer PRIMARY KEY)' }])
        const insert = { sql: 'INSERT INTO state (id) VALUES (1)' }
        const large = { ...event('a'), data: 'ü'.repeat(EVENT_BYTES_MAX / 2) }
        let told = 0
        store.onAdded(() => told++)
        await assert.rejects(store.commit([insert, insert], [['orders', [event('a')]]]), { code: 'constraint' })
        await assert.rejects(store.commit([insert], [['orders', [event('a'), large]]]), LimitExceededError)
        assert.equal(told, 0)
        assert.deepEqual(await store.topics(), [])
        assert.deepEqual(await store.commit([insert], [['orders', [event('a')]]]), [{ rowCount: 1 }])
        assert.deepEqual(numbers(await store.unsent('orders', ALL)), { a: [1] })
      }))

    test('an event that no broker would take is refused, and takes no number even if the caller commits all the same', () =>
      withStore(async ({ database, store }) => {
        const large = { ...event('a'), data: 'ü'.repeat(EVENT_BYTES_MAX / 2) }
        const fits = { ...event('a'), data: 'u'.repeat(EVENT_BYTES_MAX / 2) }
        await database.transaction(async (tx) => {
          await assert.rejects(store.add(tx, 'orders', [event('a'), large]), LimitExceededError)
          await store.add(tx, 'orders', [fits])
        })
        assert.deepEqual(numbers(await store.unsent('orders', ALL)), { a: [1] })
      }))

    test('adding nothing does nothing', () =>
      withStore(async ({ database, store }) => {
        let told = 0
        store.onAdded(() => told++)
        await database.transaction((tx) => store.add(tx, 'orders', []))
        assert.equal(told, 0)
        assert.deepEqual(await store.topics(), [])
      }))

    test('after a restart the unsent messages are there, and numbers and positions go on', async (t) => {
      const clock = new VirtualClock()
      let under = await open({ clock, eventBytesMax: EVENT_BYTES_MAX })
      try {
        if (under.reopen === undefined) {
          t.diagnostic(`${name} does not survive a restart`)
          return
        }
        await under.database.transaction((tx) => under.store.add(tx, 'orders', [event('a'), event('a')]))
        const before = await under.store.unsent('orders', ALL)
        await under.store.markSent([before[1]!.position])
        under = await under.reopen()
        assert.deepEqual(await under.store.unsent('orders', ALL), [before[0]])
        await under.database.transaction((tx) => under.store.add(tx, 'orders', [event('a')]))
        const after = await under.store.unsent('orders', ALL)
        assert.deepEqual(numbers(after), { a: [1, 3] })
        assert.ok(after[1]!.position > before[1]!.position)
      } finally {
        await under.dispose()
      }
    })
  })
}

let made = 0

function event(key: string): EventEnvelope {
  const id = `event-${++made}`
  return {
    id,
    type: 'thing.happened',
    version: 1,
    source: 'orders',
    key,
    sequence: 0,
    time: '2026-01-01T00:00:00Z',
    correlationId: 'c',
    data: { made },
  }
}

function idsOf(entries: readonly { readonly event: EventEnvelope }[]): readonly string[] {
  return entries.map(({ event: { id } }) => id)
}

function numbers(entries: readonly OutboxEntry[]): Record<string, number[]> {
  const byKey: Record<string, number[]> = {}
  for (const { event: one } of entries) (byKey[one.key] ??= []).push(one.sequence)
  return byKey
}

function assertGrowing(entries: readonly OutboxEntry[]): void {
  for (const [index, entry] of entries.entries()) assert.ok(index === 0 || entry.position > entries[index - 1]!.position)
}
