import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Database } from 'seaworthy/core'
import type { JournalEntry, SagaRecord, SagaStatus, SagaStore } from 'seaworthy/saga'
import { withFresh } from './with-fresh.ts'

/** A saga store of the engine under test, empty, and the database it lives in. */
export interface SagaStoreUnderTest {
  readonly store: SagaStore
  readonly database: Database
  readonly dispose: () => Promise<void>
}

/**
 * What every `SagaStore` must do, as tests of node:test.
 * @param open makes a fresh store for each test
 */
export function sagaStoreContract(name: string, open: () => Promise<SagaStoreUnderTest>): void {
  const check = (sentence: string, body: (under: SagaStoreUnderTest) => Promise<void>): void => {
    void test(sentence, () => withFresh(open, body))
  }
  const start = ({ database, store }: SagaStoreUnderTest, started: SagaRecord) => database.transaction((tx) => store.start(tx, started))

  void suite(`saga store contract: ${name}`, () => {
    check('a saga comes back as it was stored, with an empty journal', async (under) => {
      const stored = record('s1', { input: { text: 'a "b" ✓', list: [1, null] }, reason: undefined })
      assert.equal(await start(under, stored), true)
      assert.deepEqual(await under.store.load('s1'), { record: stored, journal: [] })
      assert.equal(await under.store.load('s2'), undefined)
    })

    check('a saga is started once, and the first stays as it was', async (under) => {
      const first = record('s1', { input: 1 })
      assert.equal(await start(under, first), true)
      assert.equal(await start(under, record('s1', { input: 2 })), false)
      assert.deepEqual((await under.store.load('s1'))?.record, first)
    })

    check('of starts at one time, one is the first', async (under) => {
      const started = await Promise.all(Array.from({ length: 8 }, (_, input) => start(under, record('s1', { input }))))
      assert.equal(started.filter(Boolean).length, 1)
    })

    check('a start, a line and a status go with their transaction', async (under) => {
      const { store, database } = under
      await start(under, record('s1', {}))
      await assert.rejects(
        database.transaction(async (tx) => {
          await store.start(tx, record('s2', {}))
          await store.append(tx, 's1', [{ step: 'a', kind: 'started', attempt: 1, atMs: 1 }])
          assert.equal(await store.setStatus(tx, 's1', { from: 'running', to: 'completed', atMs: 2 }), true)
          throw new Error('no')
        }),
      )
      assert.equal(await store.load('s2'), undefined)
      assert.deepEqual(await store.load('s1'), { record: record('s1', {}), journal: [] })
    })

    check('the journal keeps its lines in order, every kind as it was', async (under) => {
      const { store, database } = under
      await start(under, record('s1', {}))
      await start(under, record('s2', {}))
      const lines: readonly JournalEntry[] = [
        { step: 'a', kind: 'started', attempt: 1, atMs: 1 },
        { step: 'a', kind: 'failed', executed: 'maybe', error: 'no answer', atMs: 2 },
        { step: 'a', kind: 'started', attempt: 2, atMs: 3 },
        { step: 'a', kind: 'done', result: { id: 7, list: ['x', null] }, atMs: 4 },
        { step: 'a', kind: 'compensation-started', attempt: 1, atMs: 5 },
        { step: 'a', kind: 'compensation-failed', error: 'not now', atMs: 6 },
        { step: 'a', kind: 'compensated', atMs: 7 },
      ]
      await database.transaction((tx) => store.append(tx, 's1', lines.slice(0, 3)))
      await database.transaction((tx) => store.append(tx, 's2', lines.slice(0, 1)))
      await database.transaction((tx) => store.append(tx, 's1', lines.slice(3)))
      assert.deepEqual((await store.load('s1'))?.journal, lines)
      assert.deepEqual((await store.load('s2'))?.journal, lines.slice(0, 1))
    })

    check('a result of nothing comes back as nothing', async (under) => {
      await start(under, record('s1', {}))
      await under.database.transaction((tx) => under.store.append(tx, 's1', [{ step: 'a', kind: 'done', result: undefined, atMs: 1 }]))
      const [line] = (await under.store.load('s1'))!.journal
      assert.equal(line?.kind === 'done' && line.result, undefined)
    })

    check('a status changes only from the one it has, and keeps its reason unless it is given one', async (under) => {
      const { store, database } = under
      await start(under, record('s1', {}))
      const move = (from: SagaStatus, to: SagaStatus, reason?: string) =>
        database.transaction((tx) => store.setStatus(tx, 's1', { from, to, reason, atMs: 50 }))
      assert.equal(await move('compensating', 'compensated'), false)
      assert.equal(await move('running', 'compensating', 'card-declined'), true)
      assert.equal(await move('running', 'completed'), false)
      assert.equal(await move('compensating', 'compensated'), true)
      const { status, reason, updatedAtMs, startedAtMs } = (await store.load('s1'))!.record
      assert.deepEqual([status, reason, updatedAtMs, startedAtMs], ['compensated', 'card-declined', 50, 1])
    })

    check('unfinished are those that run or compensate, oldest first, and no more than asked for', async (under) => {
      const { store } = under
      const statuses = ['running', 'completed', 'compensating', 'parked', 'compensated', 'running'] as const
      for (const [index, status] of statuses.entries()) await start(under, record(`s${index}`, { status, startedAtMs: 100 - index }))
      assert.deepEqual(await store.unfinished(10), ['s5', 's2', 's0'])
      assert.deepEqual(await store.unfinished(2), ['s5', 's2'])
    })

    check('sagas are listed by status, newest first', async (under) => {
      const { store } = under
      const statuses = ['running', 'parked', 'running', 'running'] as const
      for (const [index, status] of statuses.entries()) await start(under, record(`s${index}`, { status, startedAtMs: index }))
      const ids = async (options: { status?: SagaStatus; max: number }) => (await store.list(options)).map(({ id }) => id)
      assert.deepEqual(await ids({ max: 10 }), ['s3', 's2', 's1', 's0'])
      assert.deepEqual(await ids({ status: 'running', max: 2 }), ['s3', 's2'])
      assert.deepEqual(await ids({ status: 'parked', max: 2 }), ['s1'])
    })
  })
}

function record(id: string, fields: Partial<SagaRecord>): SagaRecord {
  return {
    id,
    saga: 'checkout',
    version: 1,
    status: 'running',
    input: null,
    context: { correlationId: 'c', traceparent: 't' },
    reason: undefined,
    startedAtMs: 1,
    updatedAtMs: 1,
    ...fields,
  }
}
