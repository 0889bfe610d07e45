import assert from 'node:assert/strict'
import { type TestContext, suite, test } from 'node:test'
import { type JournalEntry, type SagaRecord, type SagaStore, orchestrator, saga } from 'seaworthy/saga'
import {
  NestedTransactionError,
  leaseStoreSchema,
  migrate,
  postgresLeaseStore,
  postgresSagaStore,
  sagaStoreSchema,
} from '@seaworthy/postgres'
import { eventually } from '@seaworthy/testing'
import { databaseForTest } from './server.ts'
import { openTransaction, untilWaiting } from './held-open.ts'

async function open(t: TestContext) {
  const under = await databaseForTest()
  t.after(under.dispose)
  await migrate(under.database, [sagaStoreSchema, leaseStoreSchema])
  return { ...under, store: postgresSagaStore(under.database), observer: await under.connect() }
}

type Under = Awaited<ReturnType<typeof open>>

const record = (id: string): SagaRecord => ({
  id,
  saga: 'checkout',
  version: 1,
  status: 'running',
  input: null,
  context: { correlationId: 'c' },
  reason: undefined,
  startedAtMs: 1,
  updatedAtMs: 1,
})
const line: JournalEntry = { step: 'a', kind: 'started', attempt: 1, atMs: 5 }
const versions = ['checkout/1']
const claimAll = (store: SagaStore, owner: string, dead: readonly string[] | 'others' = []) =>
  store.claim({ owner, dead, versions, nowMs: 10, max: 10 })
const claimOne = (store: SagaStore, owner: string, id: string) => store.claim({ owner, dead: [], versions, nowMs: 10, max: 1, id })

async function started({ database, store }: Under, id: string, owner: string | null): Promise<void> {
  await database.transaction((tx) => store.start(tx, record(id), owner, []))
}

async function ownerAndToken({ observer }: Under, id: string): Promise<readonly [owner: string | null, token: number]> {
  const { rows } = await observer.query<{ owner: string | null; token: number }>('SELECT owner, token FROM seaworthy_sagas WHERE id = $1', [
    id,
  ])
  return [rows[0]!.owner, rows[0]!.token]
}

/** A claim by its own statement, in a transaction that stays open: the moment between its UPDATE and its COMMIT. */
async function claiming({ connect }: Under, owner: string, id: string) {
  const client = await connect()
  await client.query('BEGIN')
  const { rowCount } = await client.query(
    `UPDATE seaworthy_sagas SET owner = $1, token = token + 1 WHERE id = $2 AND status IN ('running', 'compensating') AND (owner IS NULL OR owner = $1)`,
    [owner, id],
  )
  return { claimed: rowCount === 1, commit: () => client.query('COMMIT'), rollBack: () => client.query('ROLLBACK') }
}

suite('two workers claim one saga', () => {
  test('one after the other: the first has it, and the second finds nothing', async (t) => {
    const under = await open(t)
    await started(under, 's', null)
    assert.deepEqual(await claimAll(under.store, 'one'), ['s'])
    assert.deepEqual(await claimAll(under.store, 'two'), [])
    assert.deepEqual(await claimOne(under.store, 'two', 's'), [])
    assert.deepEqual(await ownerAndToken(under, 's'), ['one', 2])
  })

  test('the second before the first has committed: it passes over the row, and does not wait', async (t) => {
    const under = await open(t)
    await started(under, 's', null)
    const first = await claiming(under, 'one', 's')
    assert.equal(first.claimed, true)
    assert.deepEqual(await claimAll(under.store, 'two'), [])
    await first.commit()
    assert.deepEqual(await claimAll(under.store, 'two'), [])
    assert.deepEqual(await ownerAndToken(under, 's'), ['one', 2])
  })

  for (const end of ['commit', 'rollBack'] as const) {
    test(`the second asks for it by its id while the first is about to ${end === 'commit' ? 'commit' : 'roll back'}: it waits, and looks again`, async (t) => {
      const under = await open(t)
      await started(under, 's', null)
      const first = await claiming(under, 'one', 's')
      const second = claimOne(under.store, 'two', 's')
      await untilWaiting(under.observer, 1)
      await first[end]()
      assert.deepEqual(await second, end === 'commit' ? [] : ['s'])
      assert.deepEqual(await ownerAndToken(under, 's'), [end === 'commit' ? 'one' : 'two', 2])
    })
  }

  test('many at one moment: exactly one has it, and its token grew once', async (t) => {
    const under = await open(t)
    for (let round = 0; round < 10; round++) {
      const id = `s${round}`
      await started(under, id, null)
      const claims = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          index % 2 === 0 ? claimOne(under.store, `w${index}`, id) : claimAll(under.store, `w${index}`),
        ),
      )
      assert.equal(claims.flat().filter((claimed) => claimed === id).length, 1)
      assert.equal((await ownerAndToken(under, id))[1], 2)
    }
  })

  test('two take over from one that is dead: one of them has it', async (t) => {
    const under = await open(t)
    await started(under, 's', 'dead')
    const claims = await Promise.all([claimAll(under.store, 'one', ['dead']), claimAll(under.store, 'two', ['dead'])])
    assert.deepEqual(claims.flat(), ['s'])
  })

  test('one that is told something while it is claimed is waited for, and told', async (t) => {
    const under = await open(t)
    await started(under, 's', null)
    const first = await claiming(under, 'one', 's')
    const telling = under.database.transaction((tx) => under.store.tell(tx, { sagaId: 's', slot: 'x', data: 1, nowMs: 99 }))
    await untilWaiting(under.observer, 1)
    await first.commit()
    assert.deepEqual(await telling, { told: 'new', status: 'running' })
    assert.deepEqual(await ownerAndToken(under, 's'), ['one', 2])
  })
})

suite('a worker that was given up, and comes back', () => {
  /** Everything that writes to a saga, as its former owner would. */
  const writes: Readonly<Record<string, (under: Under) => Promise<boolean>>> = {
    'a line': ({ database, store }) =>
      database.transaction((tx) => store.advance(tx, 's', { token: 1, from: 'running', entries: [line], atMs: 9 })),
    'a line, alone': ({ store }) => store.advanceAlone!('s', { token: 1, from: 'running', entries: [line], atMs: 9 }),
    'its end': ({ database, store }) =>
      database.transaction((tx) => store.advance(tx, 's', { token: 1, from: 'running', to: 'completed', entries: [line], atMs: 9 })),
    'its end, alone': ({ store }) => store.advanceAlone!('s', { token: 1, from: 'running', to: 'completed', entries: [line], atMs: 9 }),
    'that it rests': ({ database, store }) =>
      database.transaction((tx) => store.advance(tx, 's', { token: 1, from: 'running', entries: [], rest: { wakeAtMs: 1 }, atMs: 9 })),
  }

  for (const [what, write] of Object.entries(writes)) {
    test(`writes nothing: ${what}, after another has claimed it`, async (t) => {
      const under = await open(t)
      await started(under, 's', 'paused')
      assert.deepEqual(await claimAll(under.store, 'other', ['paused']), ['s'])
      assert.equal(await write(under), false)
      const { record: after, journal } = (await under.store.load('s'))!
      assert.deepEqual([after.status, journal, await ownerAndToken(under, 's')], ['running', [], ['other', 2]])
    })

    test(`writes nothing: ${what}, while another is just claiming it`, async (t) => {
      const under = await open(t)
      await started(under, 's', null)
      const other = await claiming(under, 'other', 's')
      const late = write(under)
      await untilWaiting(under.observer, 1)
      await other.commit()
      assert.equal(await late, false)
      assert.deepEqual([(await under.store.load('s'))?.journal, await ownerAndToken(under, 's')], [[], ['other', 2]])
    })
  }

  test('whose write is there first holds it: who claims at that moment passes it over, and then finds what was written', async (t) => {
    const under = await open(t)
    await started(under, 's', 'paused')
    const write = openTransaction(under.database, (tx) =>
      under.store.advance(tx, 's', { token: 1, from: 'running', entries: [line], atMs: 9 }),
    )
    assert.equal(await write.ready, true)
    assert.deepEqual(await claimAll(under.store, 'other', ['paused']), [])
    await write.commit()
    assert.deepEqual(await claimAll(under.store, 'other', ['paused']), ['s'])
    assert.deepEqual((await under.store.load('s'))?.journal, [line])
    assert.deepEqual(await ownerAndToken(under, 's'), ['other', 2])
  })

  test('whose write is rolled back leaves nothing to who claims it then', async (t) => {
    const under = await open(t)
    await started(under, 's', 'paused')
    const write = openTransaction(under.database, (tx) =>
      under.store.advance(tx, 's', { token: 1, from: 'running', to: 'completed', entries: [line], atMs: 9 }),
    )
    await write.ready
    await write.rollBack()
    assert.deepEqual(await claimAll(under.store, 'other', ['paused']), ['s'])
    assert.deepEqual([(await under.store.load('s'))?.journal, (await under.store.load('s'))?.record.status], [[], 'running'])
  })

  test('among many writes of one commit its own is left out, and the others are there', async (t) => {
    const under = await open(t)
    for (const id of ['a', 's', 'z']) await started(under, id, 'paused')
    await under.database.atomically([{ sql: `UPDATE seaworthy_sagas SET owner = 'other', token = token + 1 WHERE id = 's'` }])
    const blocked = Array.from({ length: 4 }, (_, index) => `b${index}`)
    for (const id of blocked) await started(under, id, 'paused')
    // Four that wait fill the transactions of the store, so that the next ones share one.
    const holder = await under.connect()
    await holder.query('BEGIN')
    await holder.query(`SELECT FROM seaworthy_sagas WHERE id LIKE 'b%' FOR UPDATE`)
    const write = (id: string) => under.store.advanceAlone!(id, { token: 1, from: 'running', entries: [line], atMs: 9 })
    const waiting: Promise<boolean>[] = []
    for (const id of blocked) {
      // One that comes with others would share theirs.
      waiting.push(write(id))
      await untilWaiting(under.observer, waiting.length)
    }
    const shared = ['a', 's', 'z'].map(write)
    await holder.query('COMMIT')
    assert.deepEqual(await Promise.all(waiting), [true, true, true, true])
    assert.deepEqual(await Promise.all(shared), [true, false, true])
    assert.deepEqual((await under.store.load('s'))?.journal, [])
    assert.equal((await under.store.load('z'))?.journal.length, 1)
  })

  test('among many writes of one commit, those of others do not wait for a saga that somebody holds', async (t) => {
    const under = await open(t)
    for (const id of ['a', 's', 'z']) await started(under, id, 'owner')
    const holder = openTransaction(under.database, (tx) => under.store.tell(tx, { sagaId: 's', slot: 'x', data: 1, nowMs: 99 }))
    await holder.ready
    const [a, s, z] = ['a', 's', 'z'].map((id) => under.store.advanceAlone!(id, { token: 1, from: 'running', entries: [line], atMs: 9 }))
    assert.deepEqual(await Promise.all([a, z]), [true, true])
    await untilWaiting(under.observer, 1)
    await holder.commit()
    assert.equal(await s, true)
  })

  test('among many writes of one commit, those of others do not fail for one that is refused because it comes from inside a transaction', async (t) => {
    const under = await open(t)
    for (const id of ['a', 's', 'z']) await started(under, id, 'owner')
    const write = (id: string) => under.store.advanceAlone!(id, { token: 1, from: 'running', entries: [line], atMs: 9 })
    const begun = Promise.withResolvers<Promise<unknown>[]>()
    const body = under.database.transaction(async () => {
      const inside = write('s').catch((error: unknown) => error)
      begun.resolve([inside])
      await inside
    })
    const [inside] = await begun.promise
    const others = ['a', 'z'].map(write)
    assert.ok((await inside) instanceof NestedTransactionError)
    assert.deepEqual(await Promise.all(others), [true, true])
    await body
  })

  test('with its orchestrator: the step it was in is done again by its successor, and what it then says changes nothing', async (t) => {
    const under = await open(t)
    const gate = Promise.withResolvers<void>()
    const called: string[] = []
    const chain = (worker: string) =>
      saga<null>('checkout', { version: 1 })
        .step('charge', {
          run: async () => {
            called.push(worker)
            if (worker === 'paused') await gate.promise
            return worker
          },
          compensate: async () => undefined,
        })
        .pivot('book', { run: async (s) => `booked by ${s.results.charge}` })
    const leases = postgresLeaseStore(under.database)
    // It takes its own lease for good long after the others have given it up.
    const paused = orchestrator({
      sagas: [chain('paused')],
      store: under.store,
      database: under.database,
      leases,
      leaseTtlMs: 60_000,
      stopTimeoutMs: 50,
    })
    const successor = orchestrator({
      sagas: [chain('successor')],
      store: under.store,
      database: under.database,
      leases,
      leaseTtlMs: 1_000,
      resumeSpreadMs: 0,
    })
    t.after(async () => {
      gate.resolve()
      await Promise.all([paused.stop(), successor.stop()])
    })
    await paused.resume()
    await under.database.transaction((tx) => paused.start(tx, chain('paused'), { id: 's', input: null }))
    await eventually('the step is called', async () => called.includes('paused'))
    // Its time is over by the server's clock.
    await under.observer.query('DELETE FROM seaworthy_leases')
    await successor.resume()
    const ended = await successor.settled('s', { timeoutMs: 20_000 })
    assert.equal(ended?.status, 'completed')
    const before = await under.store.load('s')
    gate.resolve()
    await eventually('the paused one has let go', async () => paused.active === 0)
    assert.deepEqual(await under.store.load('s'), before, 'it wrote nothing')
    assert.deepEqual(called, ['paused', 'successor'])
    assert.deepEqual(
      before?.journal.filter(({ kind }) => kind === 'done').map((entry) => (entry.kind === 'done' ? entry.result : '')),
      ['successor', 'booked by successor'],
    )
  })
})

suite('pruning beside others', () => {
  test('takes no saga that a person just sets going again, and does not wait for it', async (t) => {
    const under = await open(t)
    await under.database.transaction((tx) => under.store.start(tx, { ...record('s'), status: 'parked' }, null, [line]))
    const deciding = openTransaction(under.database, (tx) =>
      under.store.advance(tx, 's', { token: 1, from: 'parked', to: 'running', entries: [line], rest: { wakeAtMs: 5 }, atMs: 9 }),
    )
    assert.equal(await deciding.ready, true)
    const pruning = { overBeforeMs: 1e12, keepMax: 0, forgetBeforeMs: 1e12, nowMs: 50, max: 10 }
    assert.deepEqual(await under.store.prune(pruning), { pruned: 0, forgotten: 0 })
    await deciding.commit()
    assert.deepEqual(await under.store.prune(pruning), { pruned: 0, forgotten: 0 })
    assert.equal((await under.store.load('s'))?.journal.length, 2)
  })

  test('a row that another holds is passed over, and pruned the next time', async (t) => {
    const under = await open(t)
    for (const id of ['a', 'b'])
      await under.database.transaction((tx) => under.store.start(tx, { ...record(id), status: 'completed' }, null, [line]))
    const holding = openTransaction(under.database, (tx) => under.store.lock(tx, 'a'))
    await holding.ready
    const pruning = { overBeforeMs: 100, keepMax: 10, forgetBeforeMs: 0, nowMs: 50, max: 10 }
    assert.deepEqual(await under.store.prune(pruning), { pruned: 1, forgotten: 0 })
    assert.equal((await under.store.load('a'))?.prunedAtMs, undefined)
    await holding.commit()
    assert.deepEqual(await under.store.prune(pruning), { pruned: 1, forgotten: 0 })
  })

  test('text that JSON of PostgreSQL cannot hold is pruned as any other', async (t) => {
    const under = await open(t)
    const nul = '\u0000'
    const lines: readonly JournalEntry[] = [
      { step: `a${nul}"b`, kind: 'by-hand', action: 'skip', actor: 'ada', note: nul, atMs: 1 },
      { step: 'a', kind: 'done', result: { text: `"kind":"by-hand" ${nul}` }, atMs: 2 },
    ]
    const odd: SagaRecord = {
      ...record(`s${nul}`),
      status: 'completed',
      context: { correlationId: `c${nul}` },
      parent: { sagaId: `p${nul}`, step: 'x' },
    }
    await under.database.transaction((tx) => under.store.start(tx, odd, null, lines))
    const pruning = { overBeforeMs: 100, keepMax: 10, forgetBeforeMs: 0, nowMs: 50, max: 10 }
    assert.deepEqual(await under.store.prune(pruning), { pruned: 1, forgotten: 0 })
    const pruned = (await under.store.load(odd.id))!
    assert.deepEqual([pruned.journal, pruned.record.context], [[lines[0]], { correlationId: `c${nul}` }])
    assert.deepEqual(
      (await under.store.page({ state: 'completed', nowMs: 60, max: 9 })).map(({ id }) => id),
      [odd.id],
    )
    assert.deepEqual(await under.store.prune({ ...pruning, forgetBeforeMs: 100 }), { pruned: 0, forgotten: 1 })
    assert.equal(await under.store.load(odd.id), undefined)
  })
})
