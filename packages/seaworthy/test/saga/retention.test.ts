import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ConfigurationError, RejectedError } from 'seaworthy/core'
import { saga } from 'seaworthy/saga'
import { inMemorySagaStore, inMemoryDatabase } from '@seaworthy/testing'
import { nothing, world } from './saga-world.ts'

const chain = saga<{ n: number }>('s', { version: 1 }).step('a', { run: nothing, compensate: nothing })
const stuck = saga<null>('stuck', { version: 1 })
  .pivot('p', { run: nothing })
  .step('c', { run: () => Promise.reject(new RejectedError('no', 'no')), forward: true })
const HOUR_MS = 3_600_000

void suite('retention', () => {
  test('prunes what is over, then forgets its id; until then a start by the same id starts nothing', async () => {
    const retention = { keepMs: 2 * HOUR_MS, rememberIdsMs: 5 * HOUR_MS }
    const { start, settle, store, running, clock } = world([chain, stuck], { retention })
    await running.resume()
    await start(chain, '1', { n: 1 })
    await start(stuck, '2', null)
    await settle('1')
    await settle('2')
    assert.equal((await store.load('1'))?.journal.length, 2)
    await clock.advance(4 * HOUR_MS)
    const pruned = (await store.load('1'))!
    assert.deepEqual([pruned.journal, pruned.record.input, pruned.record.status], [[], null, 'completed'])
    assert.equal(await start(chain, '1', { n: 1 }), false)
    // Who asks for it still learns how it ended.
    assert.equal((await running.settled('1', { timeoutMs: 1 }))?.status, 'completed')
    await assert.rejects(running.retry('1', { actor: 'ada', note: '' }), /is completed/)
    await clock.advance(4 * HOUR_MS)
    assert.equal(await store.load('1'), undefined)
    assert.equal((await store.load('2'))?.record.status, 'parked', 'what waits for a person is kept, however old')
    assert.ok((await store.load('2'))!.journal.length > 2)
    await running.stop()
    assert.deepEqual(clock.pending, [])
  })

  test('goes on in parts until all is pruned, and by number if there are too many', async () => {
    const { start, settle, store, running, clock } = world([chain], { retention: { keepMax: 3 }, sagasMax: 1_000 })
    await running.resume()
    for (let n = 0; n < 420; n++) await start(chain, String(n), { n })
    await settle('419')
    await clock.advance(2 * HOUR_MS)
    const whole = await Promise.all(Array.from({ length: 420 }, async (_, n) => (await store.load(String(n)))?.prunedAtMs === undefined))
    assert.equal(whole.filter(Boolean).length, 3)
    await running.stop()
  })

  test('that cannot be is refused, and keep-all keeps everything', async () => {
    assert.throws(() => world([chain], { retention: { keepMs: 2, rememberIdsMs: 1 } }), ConfigurationError)
    assert.throws(() => world([chain], { retention: { keepMax: Number.NaN } }), ConfigurationError)
    const { start, settle, store, running, clock } = world([chain], { retention: 'keep-all' })
    await running.resume()
    await start(chain, '1', { n: 1 })
    await settle('1')
    assert.deepEqual(clock.pending, [])
    assert.equal((await store.load('1'))?.journal.length, 2)
  })

  test('that fails is told, and tried again', async () => {
    const database = inMemoryDatabase()
    const store = inMemorySagaStore(database)
    const reported: unknown[] = []
    let failing = true
    const prune = store.prune.bind(store)
    const fails: typeof prune = (pruning) => (failing ? Promise.reject(new Error('the disk is full')) : prune(pruning))
    Object.assign(store, { prune: fails })
    const retention = { keepMs: 0, rememberIdsMs: 100 * HOUR_MS }
    const { start, settle, running, clock } = world([chain], {
      retention,
      database,
      store,
      onError: (error) => void reported.push(error),
    })
    await running.resume()
    await start(chain, '1', { n: 1 })
    await settle('1')
    await clock.advance(HOUR_MS)
    assert.match(String(reported[0]), /the disk is full/)
    failing = false
    await clock.advance(HOUR_MS)
    assert.notEqual((await store.load('1'))?.prunedAtMs, undefined)
    await running.stop()
  })
})
