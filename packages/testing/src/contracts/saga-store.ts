import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Database } from 'seaworthy/core'
import type { JournalEntry, SagaAdvance, SagaClaim, SagaRecord, SagaStatus, SagaStore } from 'seaworthy/saga'
import { sagaPruningChecks } from './saga-pruning.ts'
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
  const start = ({ database, store }: SagaStoreUnderTest, started: SagaRecord, owner: string | null = null) =>
    database.transaction((tx) => store.start(tx, started, owner, []))
  const advance = ({ database, store }: SagaStoreUnderTest, id: string, change: Partial<SagaAdvance>) =>
    database.transaction((tx) => store.advance(tx, id, { token: 1, from: 'running', entries: [], atMs: 50, ...change }))
  const tell = ({ database, store }: SagaStoreUnderTest, sagaId: string, slot: string, data: unknown) =>
    database.transaction((tx) => store.tell(tx, { sagaId, slot, data, nowMs: 70 }))

  void suite(`saga store contract: ${name}`, () => {
    check('a saga comes back as it was stored, with an empty journal', async (under) => {
      const stored = record('s1', { input: { text: 'a "b" ✓', list: [1, null] }, reason: undefined })
      assert.equal(await start(under, stored), true)
      assert.deepEqual(await under.store.load('s1'), { record: stored, journal: [], token: 1 })
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

    check('a saga is stored with its first lines, and knows its parent', async ({ store, database }) => {
      const child = record('s1', { parent: { sagaId: 's0', step: 'ship[2]' } })
      const line: JournalEntry = { step: 'a', kind: 'started', attempt: 1, atMs: 1 }
      assert.equal(await database.transaction((tx) => store.start(tx, child, 'one', [line])), true)
      assert.deepEqual(await store.load('s1'), { record: child, journal: [line], token: 1 })
      assert.equal(await database.transaction((tx) => store.start(tx, child, 'two', [line, line])), false)
      assert.deepEqual([(await store.load('s1'))?.journal, await store.owners()], [[line], ['one']])
    })

    check('a start, a line, a status and what was told go with their transaction', async (under) => {
      const { store, database } = under
      await start(under, record('s1', {}))
      await assert.rejects(
        database.transaction(async (tx) => {
          await store.start(tx, record('s2', {}), null, [])
          const entries = [{ step: 'a', kind: 'started', attempt: 1, atMs: 1 }] as const
          assert.equal(await store.advance(tx, 's1', { token: 1, from: 'running', to: 'completed', entries, atMs: 2 }), true)
          await store.tell(tx, { sagaId: 's1', slot: 'x', data: 1, nowMs: 1 })
          throw new Error('no')
        }),
      )
      assert.equal(await store.load('s2'), undefined)
      assert.deepEqual(await store.load('s1'), { record: record('s1', {}), journal: [], token: 1 })
      assert.deepEqual(await store.told('s1'), new Map())
    })

    check('the journal keeps its lines in order, every kind as it was', async (under) => {
      const { store } = under
      await start(under, record('s1', {}))
      await start(under, record('s2', {}))
      const lines: readonly JournalEntry[] = [
        { step: 'a', kind: 'started', attempt: 1, atMs: 1 },
        { step: 'a', kind: 'failed', executed: 'maybe', error: 'no answer', atMs: 2 },
        { step: 'a', kind: 'started', attempt: 2, atMs: 3 },
        { step: 'a', kind: 'done', result: { id: 7, list: ['x', null] }, atMs: 4 },
        { step: 'b', kind: 'waiting', untilMs: 'never', atMs: 4 },
        { step: 'a', kind: 'compensation-started', attempt: 1, atMs: 5 },
        { step: 'a', kind: 'compensation-failed', error: 'not now', atMs: 6 },
        { step: '', kind: 'by-hand', action: 'retry', actor: 'ada', note: 'it is back', atMs: 6 },
        { step: 'a', kind: 'compensated', atMs: 7 },
      ]
      await advance(under, 's1', { entries: lines.slice(0, 3) })
      await advance(under, 's2', { entries: lines.slice(0, 1) })
      await advance(under, 's1', { entries: lines.slice(3) })
      assert.deepEqual((await store.load('s1'))?.journal, lines)
      assert.deepEqual((await store.load('s2'))?.journal, lines.slice(0, 1))
    })

    check('a result of nothing comes back as nothing', async (under) => {
      await start(under, record('s1', {}))
      await advance(under, 's1', { entries: [{ step: 'a', kind: 'done', result: undefined, atMs: 1 }] })
      const [line] = (await under.store.load('s1'))!.journal
      assert.equal(line?.kind === 'done' && line.result, undefined)
    })

    check('a saga goes on only from the status it has, and keeps its reason unless it is given one', async (under) => {
      const { store } = under
      await start(under, record('s1', {}))
      const entries = [{ step: 'a', kind: 'compensated', atMs: 1 }] as const
      const move = (from: SagaStatus, to: SagaStatus, reason?: string) => advance(under, 's1', { from, to, reason, entries })
      assert.equal(await move('compensating', 'compensated'), false)
      assert.equal(await move('running', 'compensating', 'card-declined'), true)
      assert.equal(await move('running', 'completed'), false)
      assert.equal(await move('compensating', 'compensated'), true)
      const { record: after, journal } = (await store.load('s1'))!
      assert.deepEqual([after.status, after.reason, after.updatedAtMs, after.startedAtMs], ['compensated', 'card-declined', 50, 1])
      assert.equal(journal.length, 2, 'what did not go on wrote nothing')
    })

    check('a former owner writes nothing any more, alone or in a transaction', async (under) => {
      const { store } = under
      await start(under, record('s1', {}), 'one')
      assert.deepEqual(await claim(store, { owner: 'two', dead: ['one'] }), ['s1'])
      const { token } = (await store.load('s1'))!
      assert.equal(token, 2)
      const entries = [{ step: 'a', kind: 'started', attempt: 1, atMs: 1 }] as const
      assert.equal(await advance(under, 's1', { entries }), false)
      assert.equal(await advance(under, 's1', { to: 'completed' }), false)
      assert.equal(await advance(under, 's1', { rest: { wakeAtMs: 1 } }), false)
      const late: SagaAdvance = { token: 1, from: 'running', entries, atMs: 1 }
      if (store.advanceAlone !== undefined) {
        assert.equal(await store.advanceAlone('s1', late), false)
        assert.equal(await store.advanceAlone('s1', { ...late, token }), true)
      } else assert.equal(await advance(under, 's1', { ...late, token }), true)
      assert.equal((await store.load('s1'))?.journal.length, 1)
    })

    check(
      'free are those that run or compensate and that nobody has, or the dead; oldest first, and no more than asked for',
      async (under) => {
        const { store } = under
        const statuses = ['running', 'completed', 'compensating', 'parked', 'compensated', 'running', 'running', 'running'] as const
        const owners = [null, null, null, null, null, 'dead', 'living', 'one']
        for (const [index, status] of statuses.entries()) {
          await start(under, record(`s${index}`, { status, startedAtMs: 100 - index }), owners[index])
        }
        await start(under, record('other', { version: 2 }))
        assert.deepEqual((await store.owners()).toSorted(), ['dead', 'living', 'one'])
        assert.deepEqual(await claim(store, { dead: ['dead'], max: 2 }), ['s5', 's2'])
        assert.deepEqual(await claim(store, { dead: ['dead'] }), ['s0'])
        assert.deepEqual(await claim(store, { dead: ['dead'] }), [])
        assert.deepEqual(await claim(store, { dead: 'others' }), ['s6'])
        const strays = await store.strays({ owner: 'one', dead: [], versions: ['checkout/1'], nowMs: 10, max: 9 })
        assert.deepEqual(
          strays.map(({ id }) => id),
          ['other'],
        )
      },
    )

    check('of many who claim at one time each gets others', async (under) => {
      const { store } = under
      for (let index = 0; index < 20; index++) await start(under, record(`s${index}`, { startedAtMs: index }))
      const claimed = await Promise.all(Array.from({ length: 8 }, (_, index) => claim(store, { owner: `w${index}`, max: 5 })))
      const ids = claimed.flat()
      assert.equal(new Set(ids).size, ids.length)
      // A row that another was just looking at may have been passed over.
      ids.push(...(await claim(store, { owner: 'last' })))
      assert.equal(ids.length, 20)
    })

    check("a saga that rests is nobody's, and due when its time comes", async (under) => {
      const { store } = under
      await start(under, record('s1', {}), 'one')
      await start(under, record('s2', {}), 'one')
      assert.equal(await store.nextDueMs(['checkout/1']), undefined)
      assert.equal(await advance(under, 's1', { rest: { wakeAtMs: 1_000 } }), true)
      assert.equal(await advance(under, 's2', { rest: { wakeAtMs: 'never' } }), true)
      assert.equal(await advance(under, 's1', {}), false, 'the token did not grow')
      assert.deepEqual([await store.nextDueMs(['checkout/1']), await store.nextDueMs(['checkout/2'])], [1_000, undefined])
      assert.deepEqual(await claim(store, { nowMs: 999 }), [])
      assert.deepEqual(await claim(store, { nowMs: 1_000 }), ['s1'])
      assert.deepEqual(await claim(store, { nowMs: 1_000, id: 's2', versions: ['checkout/2'] }), [])
      assert.deepEqual(await claim(store, { nowMs: 1_000, id: 's2' }), ['s2'])
      assert.deepEqual(await claim(store, { nowMs: 1_000, id: 's2' }), ['s2'], 'its owner claims it again')
      assert.deepEqual(await claim(store, { nowMs: 1_000, id: 's2', owner: 'two' }), [])
      await store.release('one')
      assert.deepEqual((await claim(store, { nowMs: 1, owner: 'two' })).toSorted(), ['s1', 's2'], 'due for who is behind, too')
    })

    check('what a saga is told is kept, before its start too; the first counts, and it wakes who rests', async (under) => {
      const { store } = under
      assert.deepEqual(await tell(under, 's1', 'paid', { cents: 7 }), { told: 'new', status: undefined })
      await start(under, record('s1', {}), 'one')
      assert.deepEqual(await tell(under, 's1', 'paid', { cents: 8 }), { told: 'known', status: 'running' })
      assert.deepEqual(await tell(under, 's1', 'sent', undefined), { told: 'new', status: 'running' })
      assert.deepEqual(
        [...(await store.told('s1'))].toSorted(([one], [other]) => (one < other ? -1 : 1)),
        [
          ['paid', { cents: 7 }],
          ['sent', null],
        ],
      )
      await advance(under, 's1', { rest: { wakeAtMs: 'never' } })
      assert.deepEqual(await claim(store, { nowMs: 1e9 }), [])
      await tell(under, 's1', 'paid', null)
      assert.deepEqual(await claim(store, { nowMs: 1 }), ['s1'], 'due for who is behind, too')
    })

    check('a slot is told or expires, whichever comes first', async (under) => {
      const { store, database } = under
      await start(under, record('s1', {}))
      const expire = (slot: string) => database.transaction((tx) => store.expire(tx, { sagaId: 's1', slot, nowMs: 5 }))
      assert.equal(await expire('paid'), true)
      assert.equal(await expire('paid'), false)
      assert.deepEqual(await tell(under, 's1', 'paid', 1), { told: 'expired', status: 'running' })
      await tell(under, 's1', 'sent', 1)
      assert.equal(await expire('sent'), false)
      assert.deepEqual([...(await store.told('s1')).keys()], ['sent'])
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

    check('a page has sagas of one state, the newest first, and goes on behind the last of the one before', async (under) => {
      const { store } = under
      const ids = ['a', 'b', 'c', 'd', 'e']
      // Two began at one time: their ids decide.
      for (const [index, id] of ids.entries()) await start(under, record(id, { status: 'parked', startedAtMs: [1, 2, 2, 2, 5][index]! }))
      await start(under, record('f', { startedAtMs: 9 }), 'one')
      await start(under, record('g', { status: 'parked', saga: 'trip', startedAtMs: 9 }))
      const query = { state: 'parked', nowMs: 10, max: 2 } as const
      const found: string[] = []
      let before: { startedAtMs: number; id: string } | undefined
      for (let pages = 0; pages < 5; pages++) {
        const page = await store.page({ ...query, saga: 'checkout', ...(before && { before }) })
        found.push(...page.map(({ id }) => id))
        before = page.at(-1)
        if (page.length < 2) break
      }
      assert.deepEqual(found, ['e', 'd', 'c', 'b', 'a'])
      assert.deepEqual(
        (await store.page({ ...query, max: 9 })).map(({ id }) => id),
        ['g', 'e', 'd', 'c', 'b', 'a'],
      )
      assert.deepEqual([await store.count({ ...query, max: 100 }), await store.count({ ...query, max: 3 })], [6, 3])
      assert.equal(await store.count({ ...query, saga: 'trip', max: 100 }), 1)
      assert.equal(await store.count({ ...query, saga: 'none', max: 100 }), 0)
    })

    check('a page says of a saga what a list shows, and not what it is about', async (under) => {
      const { store } = under
      const parent = { sagaId: 's0', step: 'ship[2]' }
      await start(under, record('s1', { status: 'parked', reason: 'card-declined', parent, input: { card: 'x' }, updatedAtMs: 7 }))
      assert.deepEqual(await store.page({ state: 'parked', nowMs: 10, max: 9 }), [
        {
          id: 's1',
          saga: 'checkout',
          version: 1,
          status: 'parked',
          state: 'parked',
          reason: 'card-declined',
          startedAtMs: 1,
          updatedAtMs: 7,
          correlationId: 'c',
          parent,
        },
      ])
    })

    check('waiting is who runs and rests, until it is due', async (under) => {
      const { store } = under
      for (const id of ['busy', 'timed', 'told', 'undone']) await start(under, record(id, {}), 'one')
      await advance(under, 'timed', { rest: { wakeAtMs: 1_000 } })
      await advance(under, 'told', { rest: { wakeAtMs: 'never' } })
      await advance(under, 'undone', { to: 'compensating', rest: { wakeAtMs: 'never' } })
      const of = async (state: 'running' | 'waiting' | 'compensating', nowMs: number) =>
        (await store.page({ state, nowMs, max: 9 }))
          .map(({ id, wakeAtMs }) => (wakeAtMs === undefined ? id : `${id} ${wakeAtMs}`))
          .toSorted()
      assert.deepEqual(await of('waiting', 999), ['timed 1000', 'told'])
      assert.deepEqual(await of('running', 999), ['busy'])
      assert.deepEqual(await of('compensating', 999), ['undone'])
      assert.deepEqual(await of('waiting', 1_000), ['told'])
      assert.deepEqual(await of('running', 1_000), ['busy', 'timed'])
      assert.deepEqual(
        [await store.count({ state: 'waiting', nowMs: 1, max: 9 }), await store.count({ state: 'running', nowMs: 1, max: 9 })],
        [2, 1],
      )
    })

    sagaPruningChecks({ check, start, advance, tell, record })
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

function claim(store: SagaStore, fields: Partial<SagaClaim>): Promise<readonly string[]> {
  return store.claim({ owner: 'one', dead: [], versions: ['checkout/1'], nowMs: 10, max: 10, ...fields })
}
