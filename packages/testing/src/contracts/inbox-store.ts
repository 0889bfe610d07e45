import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Clock, Database } from 'seaworthy/core'
import type { InboxMessage, InboxStore, InboxVerdict } from 'seaworthy/outbox'
import { VirtualClock } from '../virtual-clock.ts'
import { withFresh } from './with-fresh.ts'

/** A fresh inbox and the database it lives in. */
export interface InboxStoreUnderTest {
  readonly database: Database
  readonly store: InboxStore
  /** Ends it and opens it anew on what was stored, as a restart does. Absent where nothing survives a restart. */
  readonly reopen?: () => Promise<InboxStoreUnderTest>
  dispose(): Promise<void>
}

const NEW: InboxVerdict = { kind: 'new' }
const SEEN: InboxVerdict = { kind: 'duplicate', by: 'id' }
const STALE: InboxVerdict = { kind: 'duplicate', by: 'sequence' }

/** What every InboxStore owes. `open` is called once for each test. */
export function inboxStoreContract(name: string, open: (options: { clock: Clock }) => Promise<InboxStoreUnderTest>): void {
  type Admit = (message: Partial<InboxMessage>) => Promise<InboxVerdict>
  const withStore = (body: (under: InboxStoreUnderTest, admit: Admit, clock: VirtualClock) => Promise<void>) => {
    const clock = new VirtualClock()
    return withFresh(
      () => open({ clock }),
      (under) => body(under, (fields) => under.database.transaction((tx) => under.store.admit(tx, message(fields))), clock),
    )
  }

  void suite(`inbox store contract: ${name}`, () => {
    test('a message is new once, and then a duplicate by its id', () =>
      withStore(async (_, admit) => {
        assert.deepEqual(await admit({ messageId: 'm1', sequence: 1 }), NEW)
        assert.deepEqual(await admit({ messageId: 'm1', sequence: 1 }), SEEN)
        assert.deepEqual(await admit({ messageId: 'm1', sequence: 2 }), SEEN)
        assert.deepEqual(await admit({ messageId: 'm2', sequence: 2 }), NEW)
      }))

    test('a message whose transaction rolled back is new again', () =>
      withStore(async ({ database, store }, admit) => {
        const rolledBack = database.transaction(async (tx) => {
          assert.deepEqual(await store.admit(tx, message({ messageId: 'm1', sequence: 1 })), NEW)
          throw new Error('the handler failed')
        })
        await assert.rejects(rolledBack, /the handler failed/)
        assert.deepEqual(await admit({ messageId: 'm1', sequence: 1 }), NEW)
      }))

    test('a message admitted twice in one transaction is a duplicate the second time', () =>
      withStore(async ({ database, store }) => {
        await database.transaction(async (tx) => {
          assert.deepEqual(await store.admit(tx, message({ messageId: 'm1', sequence: 1 })), NEW)
          assert.deepEqual(await store.admit(tx, message({ messageId: 'm1', sequence: 1 })), SEEN)
          assert.deepEqual(await store.admit(tx, message({ messageId: 'm2', sequence: 1 })), STALE)
        })
      }))

    test('of many concurrent deliveries of a message one is new', () =>
      withStore(async (_, admit) => {
        const verdicts = await Promise.all(Array.from({ length: 40 }, () => admit({ messageId: 'm1', sequence: 1 })))
        assert.equal(verdicts.filter(({ kind }) => kind === 'new').length, 1)
        assert.equal(verdicts.filter(({ kind }) => kind === 'duplicate').length, 39)
      }))

    test('a number at or below the last of its key is a duplicate whatever its id, and changes nothing', () =>
      withStore(async (_, admit) => {
        for (const sequence of [1, 2, 3]) assert.deepEqual(await admit({ messageId: `m${sequence}`, sequence }), NEW)
        assert.deepEqual(await admit({ messageId: 'x', sequence: 3 }), STALE)
        assert.deepEqual(await admit({ messageId: 'x', sequence: 1 }), STALE)
        // Not remembered by its id either: with the right number it is new.
        assert.deepEqual(await admit({ messageId: 'x', sequence: 4 }), NEW)
      }))

    test('a number that skips some is a gap that says which is missing; the next one is not', () =>
      withStore(async (_, admit) => {
        assert.deepEqual(await admit({ messageId: 'm1', sequence: 1 }), NEW)
        assert.deepEqual(await admit({ messageId: 'm4', sequence: 4 }), { kind: 'gap', expected: 2 })
        assert.deepEqual(await admit({ messageId: 'm5', sequence: 5 }), NEW)
        assert.deepEqual(await admit({ messageId: 'm2', sequence: 2 }), STALE)
      }))

    test('a key that begins above 1 begins with a gap', () =>
      withStore(async (_, admit) => {
        assert.deepEqual(await admit({ messageId: 'm3', sequence: 3 }), { kind: 'gap', expected: 1 })
        assert.deepEqual(await admit({ messageId: 'm4', sequence: 4 }), NEW)
      }))

    test('a message without a number is known by its id, and moves no number', () =>
      withStore(async (_, admit) => {
        assert.deepEqual(await admit({ messageId: 'm1', sequence: 1 }), NEW)
        assert.deepEqual(await admit({ messageId: 'n', sequence: 0 }), NEW)
        assert.deepEqual(await admit({ messageId: 'n', sequence: 0 }), SEEN)
        assert.deepEqual(await admit({ messageId: 'm2', sequence: 2 }), NEW)
      }))

    test('consumers and generations know nothing of each other', () =>
      withStore(async (_, admit) => {
        assert.deepEqual(await admit({ messageId: 'm1', sequence: 1 }), NEW)
        assert.deepEqual(await admit({ messageId: 'm1', sequence: 1, consumer: 'another' }), NEW)
        assert.deepEqual(await admit({ messageId: 'm1', sequence: 1, generation: 2 }), NEW)
        assert.deepEqual(await admit({ messageId: 'm1', sequence: 1, generation: 2 }), SEEN)
      }))

    test('keys and topics count for themselves, also those that look alike', () =>
      withStore(async (_, admit) => {
        const places = [
          { topic: 'orders', key: 'a' },
          { topic: 'orders', key: 'A' },
          { topic: 'orders', key: 'a\u0000' },
          { topic: 'orders', key: '1' },
          { topic: 'orders', key: '01' },
          { topic: 'returns', key: 'a' },
        ]
        for (const [index, place] of places.entries()) {
          assert.deepEqual(await admit({ ...place, messageId: `first-${index}`, sequence: 1 }), NEW)
          assert.deepEqual(await admit({ ...place, messageId: `second-${index}`, sequence: 2 }), NEW)
        }
      }))

    test('ids are forgotten by their age, and the number still catches a redelivery', () =>
      withStore(async ({ store }, admit, clock) => {
        await admit({ messageId: 'm1', sequence: 1 })
        await admit({ messageId: 'n1', sequence: 0 })
        await clock.advance(1_000)
        const cut = clock.now()
        await admit({ messageId: 'm2', sequence: 2 })
        await admit({ messageId: 'n2', sequence: 0 })
        assert.equal(await store.forget(cut), 2)
        assert.equal(await store.forget(cut), 0)
        assert.deepEqual(await admit({ messageId: 'm1', sequence: 1 }), STALE)
        assert.deepEqual(await admit({ messageId: 'n1', sequence: 0 }), NEW)
        assert.deepEqual(await admit({ messageId: 'm2', sequence: 2 }), SEEN)
        assert.deepEqual(await admit({ messageId: 'n2', sequence: 0 }), SEEN)
      }))

    test('thousands of ids are forgotten in one call, of all consumers', () =>
      withStore(async ({ database, store }, admit, clock) => {
        await database.transaction(async (tx) => {
          for (let index = 0; index < 2_500; index++) {
            await store.admit(tx, message({ messageId: `m${index}`, sequence: 0, consumer: index % 2 === 0 ? 'one' : 'two' }))
          }
        })
        await clock.advance(1)
        assert.equal(await store.forget(clock.now()), 2_500)
        assert.deepEqual(await admit({ messageId: 'm0', sequence: 0, consumer: 'one' }), NEW)
      }))

    test('after a restart ids and numbers are known', async (t) => {
      let under = await open({ clock: new VirtualClock() })
      const admit = (fields: Partial<InboxMessage>) => under.database.transaction((tx) => under.store.admit(tx, message(fields)))
      try {
        if (under.reopen === undefined) {
          t.diagnostic(`${name} does not survive a restart`)
          return
        }
        await admit({ messageId: 'm1', sequence: 1 })
        under = await under.reopen()
        assert.deepEqual(await admit({ messageId: 'm1', sequence: 1 }), SEEN)
        assert.deepEqual(await admit({ messageId: 'x', sequence: 1 }), STALE)
        assert.deepEqual(await admit({ messageId: 'm2', sequence: 2 }), NEW)
      } finally {
        await under.dispose()
      }
    })
  })
}

function message(fields: Partial<InboxMessage>): InboxMessage {
  return { consumer: 'history', generation: 1, messageId: 'm', topic: 'orders', key: 'k', sequence: 0, ...fields }
}
