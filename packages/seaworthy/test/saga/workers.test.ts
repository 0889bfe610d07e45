import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { RejectedError, UnavailableError } from 'seaworthy/core'
import { type Saga, orchestrator, saga } from 'seaworthy/saga'
import { VirtualClock, inMemoryDatabase, inMemoryLeaseStore, inMemorySagaStore } from '@seaworthy/testing'
import { journalLine, nothing } from './saga-world.ts'

const LEASE_TTL_MS = 3_000

/** Two processes on one store, each with a clock of its own: one that stands still is a process that is paused. */
function twoProcesses(sagas: readonly Saga<never>[], others = sagas) {
  const time = new VirtualClock()
  const database = inMemoryDatabase()
  const store = inMemorySagaStore(database)
  // On a clock that is the database's, and nobody else's.
  const leases = inMemoryLeaseStore({ clock: time })
  const processOf = (clock: VirtualClock, known: readonly Saga<never>[], instance?: string) => {
    const errors: unknown[] = []
    const running = orchestrator({
      sagas: known,
      ...(instance !== undefined && { instance }),
      store,
      database,
      clock,
      leases,
      leaseTtlMs: LEASE_TTL_MS,
      resumeSpreadMs: 0,
      onError: (error) => errors.push(error),
    })
    return Object.assign(running, { errors })
  }
  const process = (clock: VirtualClock, instance: string) => processOf(clock, sagas, instance)
  const paused = new VirtualClock()
  const journal = async (id: string) => ((await store.load(id))?.journal ?? []).map(journalLine)
  return { time, paused, database, store, leases, journal, process, one: processOf(paused, sagas), other: processOf(time, others) }
}

void suite('of two processes', () => {
  test('one leaves alone what the other has while it lives, and takes it over when it is gone', async () => {
    const calls: string[] = []
    const gate = Promise.withResolvers<void>()
    const chain = saga<null>('s', { version: 1 }).pivot('a', {
      run: async () => {
        calls.push('called')
        if (calls.length === 1) await gate.promise
        return calls.length
      },
    })
    const { time, database, store, journal, one, other } = twoProcesses([chain])
    await one.resume()
    await database.transaction((tx) => one.start(tx, chain, { id: '1', input: null }))
    await other.resume()
    await time.advance(LEASE_TTL_MS - 1)
    assert.deepEqual([calls.length, (await store.load('1'))?.token], [1, 1])
    await time.advance(2 * LEASE_TTL_MS)
    assert.equal((await store.load('1'))?.record.status, 'completed')
    assert.deepEqual(calls, ['called', 'called'])

    // The first one comes back, and knows nothing of that: it writes nothing any more.
    const before = await journal('1')
    gate.resolve()
    await time.advance(0)
    assert.deepEqual(await journal('1'), before)
    assert.deepEqual([one.active, one.errors], [0, []])
    await other.stop()
  })

  test('one that stops hands over what it has at once', async () => {
    const chain = saga<null>('s', { version: 1 }).pivot('a', {
      run: async (s) => {
        if (s.attempt === 1) throw new UnavailableError('Later.')
      },
    })
    const { time, paused, database, store, one, other } = twoProcesses([chain])
    await one.resume()
    await database.transaction((tx) => one.start(tx, chain, { id: '1', input: null }))
    await paused.advance(0)
    await other.resume()
    await one.stop()
    assert.deepEqual(await store.owners(), [])
    await time.advance(LEASE_TTL_MS / 3)
    assert.equal((await store.load('1'))?.record.status, 'completed')
    await other.stop()
  })

  test('the successor of one that died has what that one left at once', async () => {
    const chain = saga<null>('s', { version: 1 }).pivot('a', {
      run: async (s) => (s.attempt === 1 ? await new Promise<never>(() => undefined) : s.attempt),
    })
    const { time, database, store, process } = twoProcesses([chain])
    const died = process(time, 'orders-1')
    const other = process(time, 'orders-10')
    await died.resume()
    await database.transaction((tx) => died.start(tx, chain, { id: '1', input: null }))
    await time.advance(0)
    await other.resume()
    await time.advance(0)
    assert.deepEqual([(await store.load('1'))?.token, other.active], [1, 0], "it is not the other one's")
    const successor = process(time, 'orders-1')
    await successor.resume()
    await time.advance(0)
    assert.equal((await store.load('1'))?.record.status, 'completed')
    assert.deepEqual([successor.errors, other.errors], [[], []])
    await Promise.all([successor.stop(), other.stop(), time.advance(4 * LEASE_TTL_MS)])
  })

  test('each runs the versions that it knows, and neither strands the other', async () => {
    const calls: string[] = []
    const version = (number: number) =>
      saga<null>('s', { version: number }).step('a', { run: async () => calls.push(`version ${number}`), compensation: 'not-needed' })
    const { time, paused, database, store, one, other } = twoProcesses([version(1)], [version(2)])
    await one.resume()
    await other.resume()
    await database.transaction((tx) => one.start(tx, version(1), { id: '1', input: null }))
    await database.transaction((tx) => other.start(tx, version(2), { id: '2', input: null }))
    await paused.advance(0)
    await time.advance(0)
    assert.deepEqual(calls, ['version 1', 'version 2'])
    assert.deepEqual([one.errors, other.errors], [[], []])
    assert.equal((await store.list({ status: 'completed', max: 9 })).length, 2)
    await other.stop()
  })

  test("one without a lease starts sagas that are nobody's yet", async () => {
    const chain = saga<null>('s', { version: 1 }).step('a', { run: nothing, compensation: 'not-needed' })
    const { time, database, store, one, other } = twoProcesses([chain])
    await database.transaction((tx) => one.start(tx, chain, { id: '1', input: null }))
    assert.deepEqual([await store.owners(), (await store.load('1'))?.record.status], [[], 'running'])
    await other.resume()
    await time.advance(0)
    assert.equal((await store.load('1'))?.record.status, 'completed')
    await other.stop()
  })

  test('either hears how a saga ended that the other ran', async () => {
    const chain = saga<null>('s', { version: 1 }).step('a', { run: nothing, compensation: 'not-needed' })
    const { time, paused, database, one, other } = twoProcesses([chain])
    await one.resume()
    await database.transaction((tx) => one.start(tx, chain, { id: '1', input: null }))
    const heard = other.settled('1', { timeoutMs: 5_000 })
    await paused.advance(0)
    await time.advance(500)
    assert.equal((await heard)?.status, 'completed')
    await one.stop()
  })
})

void suite('by hand', () => {
  const by = { actor: 'ada', note: 'the bank is back' }
  const parking = (calls: string[], refused: { is: boolean }) =>
    saga<null>('s', { version: 1 })
      .step('a', { run: nothing, compensate: async () => calls.push('undo a') })
      .pivot('b', { run: nothing })
      .step('c', {
        run: async () => {
          if (refused.is) throw new RejectedError('closed', 'No.')
          calls.push('c')
        },
        forward: true,
      })
  const alone = (chain: Saga<null>) => {
    const clock = new VirtualClock()
    const database = inMemoryDatabase({ clock })
    const store = inMemorySagaStore(database)
    const statuses: string[] = []
    const sagas = orchestrator({ sagas: [chain], store, database, clock, onStatus: async (_, { status }) => void statuses.push(status) })
    const start = () => database.transaction((tx) => sagas.start(tx, chain, { id: '1', input: null }))
    const status = async () => (await store.load('1'))?.record.status
    const journal = async () => ((await store.load('1'))?.journal ?? []).map(journalLine)
    return { clock, sagas, start, status, journal, statuses }
  }

  test('what a saga was parked for is tried again, and who said so is in the journal', async () => {
    const [calls, refused] = [[] as string[], { is: true }]
    const { clock, sagas, start, status, journal, statuses } = alone(parking(calls, refused))
    await start()
    await clock.advance(0)
    assert.equal(await status(), 'parked')
    refused.is = false
    await sagas.retry('1', by)
    await clock.advance(0)
    assert.deepEqual([await status(), calls], ['completed', ['c']])
    assert.ok((await journal()).includes(' by-hand retry ada'))
    assert.deepEqual(statuses, ['parked', 'running', 'completed'])
    await assert.rejects(sagas.retry('1', by), /is completed/)
  })

  test('a step is skipped, where the saga stands and nowhere else', async () => {
    const { clock, sagas, start, status, journal } = alone(parking([], { is: true }))
    await start()
    await clock.advance(0)
    await assert.rejects(sagas.skip('1', { step: 'a' }, by), /does not stand at "a", but at "c"/)
    await sagas.skip('1', { step: 'c', result: 'by phone' }, by)
    await clock.advance(0)
    assert.equal(await status(), 'completed')
    assert.ok((await journal()).includes('c done "by phone"'))
  })

  test('a saga is turned back, though not once the pivot may have been done', async () => {
    const calls: string[] = []
    const waiting = saga<null>('s', { version: 1 })
      .step('a', { run: nothing, compensate: async () => calls.push('undo a') })
      .sleep('a day', { ms: 86_400_000 })
      .pivot('b', { run: () => Promise.reject(new UnavailableError('Later.')) })
    const { clock, sagas, start, status } = alone(waiting)
    await start()
    await clock.advance(1_000)
    await sagas.abort('1', by)
    await clock.advance(0)
    assert.deepEqual([await status(), calls], ['compensated', ['undo a']])

    const late = alone(parking([], { is: true }))
    await late.start()
    await late.clock.advance(0)
    await assert.rejects(late.sagas.abort('1', by), (error) => error instanceof RejectedError && error.reason === 'past-pivot')
  })
})
