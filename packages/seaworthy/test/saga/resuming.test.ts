import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { UnavailableError } from 'seaworthy/core'
import { StrandedSagaError, orchestrator, participant, saga } from 'seaworthy/saga'
import {
  migrate,
  openSqliteDatabase,
  participantStoreSchema,
  sagaStoreSchema,
  sqliteParticipantStore,
  sqliteSagaStore,
} from 'seaworthy/sqlite'
import { eventually, inMemoryDatabase, inMemorySagaStore } from '@seaworthy/testing'
import { testFolder } from '../sqlite/folder.ts'
import { journalLine, nothing, world } from './saga-world.ts'

void suite('stopping', () => {
  test('waits for the step in progress, journals it, and begins no other', async () => {
    const release = Promise.withResolvers<void>()
    let second = 0
    const chain = saga<null>('s', { version: 1 })
      .step('a', { run: () => release.promise, compensate: nothing })
      .step('b', { run: async () => void second++, compensate: nothing })
    const { start, running, clock, journal, settings, settle } = world([chain])
    await start(chain, '1', null)
    await clock.advance(0)
    const stopped = running.stop()
    release.resolve()
    await stopped
    assert.deepEqual(await journal('1'), ['a started 1', 'a done undefined'])
    assert.deepEqual([second, running.active, clock.pending], [0, 0, []])

    const next = orchestrator(settings)
    assert.equal(await next.resume(), 1)
    assert.equal((await settle('1', next)).status, 'completed')
    assert.equal(second, 1)
  })

  test('leaves a step that does not end to the journal, and calls it off', async () => {
    const signals: (AbortSignal | undefined)[] = []
    let first = true
    const chain = saga<null>('s', { version: 1 }).step('a', {
      run: (s) => {
        signals.push(s.signal)
        return first ? new Promise<void>(() => undefined) : Promise.resolve()
      },
      compensate: nothing,
    })
    const { start, running, clock, journal, settings, settle } = world([chain], { stopTimeoutMs: 200 })
    await start(chain, '1', null)
    await clock.advance(0)
    const stopped = running.stop()
    await clock.advance(200)
    await stopped
    assert.deepEqual([await journal('1'), signals[0]?.aborted], [['a started 1'], true])
    first = false
    const next = orchestrator(settings)
    await next.resume()
    assert.equal((await settle('1', next)).status, 'completed')
    assert.deepEqual(await journal('1'), ['a started 1', 'a started 2', 'a done undefined'])
  })

  test('does not wait for a saga that backs off', async () => {
    const chain = saga<null>('s', { version: 1 }).pivot('a', { run: () => Promise.reject(new UnavailableError('Nobody is there.')) })
    const { start, running, clock } = world([chain])
    await start(chain, '1', null)
    await clock.advance(0)
    await running.stop()
    assert.deepEqual([running.active, clock.pending], [0, []])
  })

  test('leaves a saga that is started afterwards for the next process', async () => {
    let calls = 0
    const chain = saga<null>('s', { version: 1 }).step('a', { run: async () => void calls++, compensation: 'not-needed' })
    const { start, running, clock, store } = world([chain])
    await running.stop()
    assert.equal(await start(chain, '1', null), true)
    await clock.advance(10_000)
    assert.deepEqual([calls, (await store.list({ status: 'running', max: 9 })).map(({ id }) => id)], [0, ['1']])
  })
})

void suite('many sagas', () => {
  test('have no more steps in progress than allowed, and one that backs off holds up no other', async () => {
    let inProgress = 0
    let most = 0
    const chain = saga<{ down: boolean }>('s', { version: 1 }).pivot('a', {
      run: async (s) => {
        if (s.input.down) throw new UnavailableError('Nobody is there.')
        most = Math.max(most, ++inProgress)
        await new Promise((resolve) => setImmediate(resolve))
        inProgress--
      },
    })
    const { start, settle, running } = world([chain], { concurrencyMax: 3 })
    for (let index = 0; index < 5; index++) await start(chain, `down ${index}`, { down: true })
    for (let index = 0; index < 20; index++) await start(chain, `up ${index}`, { down: false })
    for (let index = 0; index < 20; index++) assert.equal((await settle(`up ${index}`)).status, 'completed')
    assert.equal(most, 3)
    await running.stop()
  })

  test('that memory has no room for wait in the store, and are all done', async () => {
    let most = 0
    const chain = saga<null>('s', { version: 1 }).step('a', { run: nothing, compensation: 'not-needed' })
    const { start, settle, running, settings } = world([chain], {
      sagasMax: 4,
      onStatus: async () => void (most = Math.max(most, running.active)),
    })
    await Promise.all(Array.from({ length: 30 }, (_, index) => start(chain, `${index}`, null)))
    for (let index = 0; index < 30; index++) assert.equal((await settle(`${index}`)).status, 'completed')
    assert.ok(most <= 4, `${most} at once`)

    // The same at boot: more are unfinished than memory has room for.
    await running.stop()
    await Promise.all(Array.from({ length: 30 }, (_, index) => start(chain, `later ${index}`, null)))
    const next = orchestrator(settings)
    await next.resume()
    for (let index = 0; index < 30; index++) assert.equal((await settle(`later ${index}`, next)).status, 'completed')
  })

  test('that memory has no room for are fetched again after a failure of the store, also when no saga is left that could ask', async () => {
    const chain = saga<null>('s', { version: 1 }).step('a', { run: nothing, compensation: 'not-needed' })
    const database = inMemoryDatabase()
    const store = inMemorySagaStore(database)
    const claim = store.claim.bind(store)
    let asked = 0
    store.claim = (of) => (of.id === undefined && ++asked <= 3 ? Promise.reject(new UnavailableError('The database is away.')) : claim(of))
    const errors: unknown[] = []
    const { start, settle, running } = world([chain], { sagasMax: 1, database, store, onError: (error) => errors.push(error) })
    await Promise.all(['1', '2', '3'].map((id) => start(chain, id, null)))
    for (const id of ['1', '2', '3']) assert.equal((await settle(id)).status, 'completed')
    assert.equal(errors.length, 3)
    await running.stop()
  })

  test('are taken up at boot spread over a while, and none twice', async () => {
    const began: number[] = []
    const chain = saga<null>('s', { version: 1 }).step('a', {
      run: async () => void began.push(clock.monotonicMs()),
      compensation: 'not-needed',
    })
    const { start, running, clock, settings } = world([chain])
    await running.stop()
    for (let index = 0; index < 50; index++) await start(chain, `${index}`, null)
    const next = orchestrator({ ...settings, resumeSpreadMs: 2_000 })
    assert.equal(await next.resume(), 50)
    assert.equal(await next.resume(), 0)
    await clock.advance(2_000)
    assert.equal(began.length, 50)
    assert.ok(began.filter((at) => at < 1_000).length > 10 && began.filter((at) => at >= 1_000).length > 10)
  })
})

void suite('a saga that the code does not know', () => {
  const old = saga<null>('s', { version: 1 }).step('a', { run: nothing, compensation: 'not-needed' }).pivot('b', { run: nothing })

  test('is left as it is, and reported', async () => {
    const { start, running, clock, settings, store, journal } = world([old])
    await running.stop()
    await start(old, '1', null)
    const errors: unknown[] = []
    const next = orchestrator({ ...settings, sagas: [saga('s', { version: 2 })], onError: (error) => errors.push(error) })
    await next.resume()
    await clock.advance(60_000)
    assert.equal(errors.length, 1)
    assert.ok(errors[0] instanceof StrandedSagaError && errors[0].sagaId === '1')
    assert.equal(await next.resume(), 0, 'it was taken up again, to no end')
    assert.deepEqual([(await store.load('1'))?.record.status, await journal('1'), next.active], ['running', [], 0])
  })

  test('also when only a step of its journal is unknown', async () => {
    const { start, settings, clock, running, database, store } = world([old])
    await running.stop()
    await start(old, '1', null)
    const entries = [{ step: 'renamed', kind: 'done', result: 1, atMs: 1 }] as const
    await database.transaction((tx) => store.advance(tx, '1', { token: 1, from: 'running', entries, atMs: 1 }))
    const errors: unknown[] = []
    const next = orchestrator({ ...settings, onError: (error) => errors.push(error) })
    await next.resume()
    await clock.advance(60_000)
    assert.match(String(errors[0]), /step "renamed" that the declaration lacks/)
    assert.equal(errors.length, 1)
  })
})

test('on SQLite a checkout survives the loss of its process between call and journal', async (t: TestContext) => {
  const path = join(testFolder(t), 'orders.db')
  const payments = await openSqliteDatabase({ path: join(testFolder(t), 'payments.db'), durability: 'process-crash' })
  t.after(() => payments.close())
  await migrate(payments, [
    participantStoreSchema,
    { component: 'ledger', versions: ['CREATE TABLE charge (key TEXT, cents INTEGER) STRICT'] },
  ])
  const taking = participant({ database: payments, store: sqliteParticipantStore(payments) })
  const charge = (key: string) =>
    taking.act(key, 'f', async (tx) => {
      await tx.execute({ sql: 'INSERT INTO charge VALUES (?, 50)', params: [key] })
      return { charged: 50 }
    })
  let hangs = true
  const called = Promise.withResolvers<void>()
  const checkout = saga<{ cents: number }>('checkout', { version: 1 }).pivot('charge', {
    run: async (s) => {
      const answer = await charge(s.key)
      called.resolve()
      if (hangs) await new Promise(() => undefined)
      return answer
    },
  })
  const open = async () => {
    const database = await openSqliteDatabase({ path, durability: 'process-crash' })
    await migrate(database, [sagaStoreSchema])
    const store = sqliteSagaStore(database)
    return { database, store, sagas: orchestrator({ sagas: [checkout], store, database, resumeSpreadMs: 0, stopTimeoutMs: 0 }) }
  }
  const first = await open()
  await first.database.transaction((tx) => first.sagas.start(tx, checkout, { id: '1', input: { cents: 50 } }))
  await called.promise
  await first.sagas.stop()
  await first.database.close()

  hangs = false
  const second = await open()
  t.after(() => second.database.close())
  assert.equal(await second.sagas.resume(), 1)
  assert.equal((await second.sagas.settled('1', { timeoutMs: 10_000 }))?.status, 'completed')
  assert.deepEqual(await payments.query({ sql: 'SELECT key, cents FROM charge' }), [{ key: '1/charge', cents: 50 }])
  assert.deepEqual((await second.store.load('1'))?.journal.map(journalLine), [
    'charge started 1',
    'charge started 2',
    'charge done {"charged":50}',
  ])
  await second.sagas.stop()
  await eventually('nothing runs', () => second.sagas.active === 0)
})
