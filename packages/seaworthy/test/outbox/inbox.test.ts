import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { suite, test } from 'node:test'
import { VirtualClock, inMemoryDatabase, inMemoryInboxStore } from '@seaworthy/testing'
import type { Transaction } from 'seaworthy/core'
import type { Attempt, EventEnvelope } from 'seaworthy/messaging'
import { type InboxGap, type InboxOptions, type StaleMessage, inbox } from 'seaworthy/outbox'
import { published } from '../messaging/events.ts'

const attempt: Attempt = { topic: 'things', attempt: 1, timeoutMs: 1_000, signal: new AbortController().signal, outOfOrder: false }

function stage(options: Partial<InboxOptions> = {}) {
  const clock = new VirtualClock()
  const database = inMemoryDatabase({ clock })
  const store = inMemoryInboxStore({ clock })
  const handled: EventEnvelope[] = []
  const gaps: InboxGap[] = []
  const stale: StaleMessage[] = []
  const box = inbox({
    store,
    database,
    consumer: 'history',
    onGap: (gap) => gaps.push(gap),
    onStale: (message) => stale.push(message),
    clock,
    ...options,
  })
  const handle = box.handle(async (event) => void handled.push(event))
  return { clock, database, store, box, handle, handled, gaps, stale, ids: () => handled.map(({ id }) => id) }
}

void suite('the inbox', () => {
  test('handles a message once, however often it comes', async () => {
    const { handle, ids, gaps, stale } = stage()
    for (const n of [1, 1, 2, 1, 2, 3]) await handle(published('a', n), attempt)
    assert.deepEqual(ids(), ['a-1', 'a-2', 'a-3'])
    assert.deepEqual([gaps, stale], [[], []])
  })

  test('a handler that fails leaves the message unhandled, and its error is passed on', async () => {
    const { box, store, database } = stage()
    const failure = new Error('no stock')
    let runs = 0
    const handle = box.handle(async () => {
      if (++runs === 1) throw failure
    })
    await assert.rejects(handle(published('a', 1), attempt), (error) => error === failure)
    await handle(published('a', 1), attempt)
    assert.equal(runs, 2)
    const message = { consumer: 'history', generation: 1, messageId: 'a-1', topic: 'things', key: 'a', sequence: 1 }
    assert.deepEqual(await database.transaction((tx) => store.admit(tx, message)), { kind: 'duplicate', by: 'id' })
  })

  test('the handler gets the transaction in which the message is recorded', async () => {
    const { box, database, store } = stage()
    let seen: Transaction | undefined
    const handle = box.handle(async (event, tx, { attempt: number }) => {
      seen = tx
      assert.equal(number, 1)
      const message = { consumer: 'history', generation: 1, messageId: event.id, topic: 'things', key: 'a', sequence: 1 }
      assert.deepEqual(await store.admit(tx, message), { kind: 'duplicate', by: 'id' })
    })
    await handle(published('a', 1), attempt)
    assert.ok(seen !== undefined && database.dialect === 'sqlite')
  })

  test('a handler that outlives its time is rolled back, and the message can be handled again', async () => {
    const { box, clock, handle, ids } = stage()
    const hanging = box.handle(() => new Promise(() => undefined))
    const result = assert.rejects(hanging(published('a', 1), attempt), /1000 ms/)
    await clock.advance(1_000)
    await result
    await handle(published('a', 1), attempt)
    assert.deepEqual(ids(), ['a-1'])
  })

  test('a gap is an alarm, on the channel and to the logger, and the message is handled', async (t) => {
    const { handle, ids, gaps } = stage()
    const heard: unknown[] = []
    const listen = (gap: unknown) => heard.push(gap)
    channel('seaworthy:inbox.gap').subscribe(listen)
    t.after(() => channel('seaworthy:inbox.gap').unsubscribe(listen))
    await handle(published('a', 1), attempt)
    await handle(published('a', 4), attempt)
    const gap = { consumer: 'history', topic: 'things', key: 'a', messageId: 'a-4', expected: 2, received: 4 }
    assert.deepEqual(ids(), ['a-1', 'a-4'])
    assert.deepEqual(gaps, [gap])
    assert.deepEqual(heard, [gap])
  })

  test('a gap whose handler fails and is tried again raises one alarm', async () => {
    const { box, gaps } = stage()
    let runs = 0
    const handle = box.handle(async () => {
      if (++runs < 3) throw new Error('not yet')
    })
    for (let attempts = 0; attempts < 2; attempts++) await assert.rejects(handle(published('a', 2), attempt))
    await handle(published('a', 2), attempt)
    assert.equal(gaps.length, 1)
  })

  test('where the group joined late, the first number of a key is no gap, and later gaps are', async () => {
    const { handle, gaps } = stage({ joinedLate: true })
    await handle(published('a', 7), attempt)
    assert.deepEqual(gaps, [])
    await handle(published('a', 9), attempt)
    assert.equal(gaps.length, 1)
  })

  test('a message nobody saw that is dropped by its number is told of: a publisher may count from 1 again', async () => {
    const { handle, ids, stale } = stage()
    for (const n of [1, 2]) await handle(published('a', n), attempt)
    await handle({ ...published('a', 1), id: 'after the restore' }, attempt)
    assert.deepEqual(ids(), ['a-1', 'a-2'])
    assert.deepEqual(stale, [{ consumer: 'history', topic: 'things', key: 'a', messageId: 'after the restore', received: 1 }])
  })

  test('a higher generation handles all again, once', async () => {
    const { handle, handled, store, database, clock } = stage()
    await handle(published('a', 1), attempt)
    const again = inbox({ store, database, consumer: 'history', generation: 2, clock }).handle(async (event) => void handled.push(event))
    for (const n of [1, 1, 2]) await again(published('a', n), attempt)
    assert.deepEqual(
      handled.map(({ id }) => id),
      ['a-1', 'a-1', 'a-2'],
    )
  })

  test('a message handled after its successors is known by its id alone', async () => {
    const { handle, ids, stale } = stage()
    for (const n of [1, 3]) await handle(published('a', n), attempt)
    for (let times = 0; times < 2; times++) await handle(published('a', 2), { ...attempt, outOfOrder: true })
    await handle(published('a', 4), attempt)
    assert.deepEqual(ids(), ['a-1', 'a-3', 'a-2', 'a-4'])
    assert.deepEqual(stale, [])
  })

  test('ids past the window are removed now and then, and their redelivery is still caught', async () => {
    const { handle, ids, clock, store, database } = stage({ windowMs: 10_000, cleanUpEveryMs: 1_000 })
    await handle(published('a', 1), attempt)
    await clock.advance(10_001)
    await handle(published('a', 2), attempt)
    const forgotten = { consumer: 'history', generation: 1, messageId: 'a-1', topic: 'things', key: 'a', sequence: 1 }
    const verdict = await database.transaction((tx) => store.admit(tx, forgotten))
    assert.deepEqual(verdict, { kind: 'duplicate', by: 'sequence' })
    await handle(published('a', 1), attempt)
    assert.deepEqual(ids(), ['a-1', 'a-2'])
  })

  test('a clean-up that fails fails no message, and is told of', async (t) => {
    const { handle, ids, clock, store } = stage({ cleanUpEveryMs: 1_000 })
    const heard: unknown[] = []
    const listen = (failure: unknown) => heard.push(failure)
    channel('seaworthy:inbox.clean-up-failed').subscribe(listen)
    t.after(() => channel('seaworthy:inbox.clean-up-failed').unsubscribe(listen))
    store.forget = () => Promise.reject(new Error('disk is full'))
    await clock.advance(1_000)
    await handle(published('a', 1), attempt)
    assert.deepEqual(ids(), ['a-1'])
    assert.equal(heard.length, 1)
  })
})
