import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ConflictError, TimeoutError, seededRandom } from 'seaworthy/core'
import { SwitchBlockedError, goBack, switchVersion } from 'seaworthy/projections'
import { VirtualClock, eventually } from '@seaworthy/testing'
import { balances, documentWorld } from './document-world.ts'

const random = () => seededRandom(7)

void suite('a new version', () => {
  test('is built beside the one that answers, checked, and takes its place at once; the old one is kept to go back to', async (t) => {
    const { deposit, start, caughtUp, store, source } = await documentWorld(t)
    for (let n = 0; n < 50; n++) await deposit(`account-${n % 10}`, n)
    const old = start(balances())
    await caughtUp(old)
    const projection = balances({ version: 2, worth: (cents) => cents * 2 })
    start(projection)
    const live = async () => {
      const { version, document } = await store.find('balances', 'account-3')
      return [version, (document!.document as { cents: number }).cents]
    }
    assert.deepEqual(await live(), [1, 115])
    const report = await switchVersion({ projection, source, store, random: random() })
    assert.deepEqual(report, { from: 1, to: 2, compared: 10, differing: 10 })
    assert.deepEqual(await live(), [2, 230])
    await deposit('account-3', 1)
    await caughtUp(old)
    assert.deepEqual(await goBack(store, 'balances', { from: 2 }), { from: 2, to: 1 })
    assert.deepEqual(await live(), [1, 116])
  })

  test('is checked while events come in, and readers never see anything older than before', async (t) => {
    const { deposit, start, caughtUp, store, source } = await documentWorld(t)
    for (let n = 0; n < 30; n++) await deposit(`account-${n % 5}`, 1)
    await caughtUp(start(balances({ partitions: 3 })))
    const projection = balances({ version: 2, partitions: 3 })
    start(projection)
    const state = { switched: false }
    const seen = new Map<string, number>()
    const busy = async () => {
      for (let n = 0; !state.switched || n % 50 !== 0; n++) {
        const account = `account-${n % 5}`
        await deposit(account, 1)
        const { document } = await store.find('balances', account)
        const { events } = document!.document as { events: number }
        assert.ok(events >= (seen.get(account) ?? 0), `${events} events after ${seen.get(account)}`)
        seen.set(account, events)
      }
    }
    const working = busy()
    const report = await switchVersion({ projection, source, store, random: random(), mayDiffer: () => false })
    state.switched = true
    await working
    assert.deepEqual(report, { from: 1, to: 2, compared: 5, differing: 0 })
  })

  test('whose documents are not what its events make of them blocks its own switch, and says which', async (t) => {
    const { deposit, start, caughtUp, store, source, database } = await documentWorld(t)
    for (let n = 0; n < 40; n++) await deposit(`account-${n}`, n)
    await caughtUp(start(balances()))
    const projection = balances({ version: 2 })
    await caughtUp(start(projection))
    const spoil = (sql: string) => database.transaction((tx) => tx.execute({ sql: `${sql} AND version = 2` }))
    await spoil(`UPDATE seaworthy_documents SET document = '{"cents":1,"events":1}' WHERE key = 'account-7'`)
    await spoil(`DELETE FROM seaworthy_documents WHERE key = 'account-8'`)
    await spoil(`UPDATE seaworthy_documents SET key = 'stray' WHERE key = 'account-9'`)
    await spoil(`UPDATE seaworthy_documents SET place = 77 WHERE key = 'account-10'`)
    await assert.rejects(switchVersion({ projection, source, store, random: random() }), (error) => {
      assert.ok(error instanceof SwitchBlockedError)
      const keys = error.differences.map(({ key }) => key).toSorted()
      assert.deepEqual(keys, ['account-10', 'account-7', 'account-8', 'account-9', 'stray'])
      const seven = error.differences.find(({ key }) => key === 'account-7')
      assert.deepEqual([seven?.stored, seven?.expected], [{ cents: 1, events: 1 }, { cents: 7, events: 1 }]) // prettier-ignore
      return true
    })
    assert.deepEqual(await store.versions('balances'), { live: 1, previous: 0 })
  })

  test('that changes documents which should stay as they are blocks its own switch', async (t) => {
    const { deposit, start, caughtUp, store, source } = await documentWorld(t)
    for (let n = 0; n < 20; n++) await deposit(`account-${n}`, n)
    await caughtUp(start(balances()))
    const projection = balances({ version: 2, worth: (cents) => (cents >= 15 ? cents + 1 : cents) })
    start(projection)
    const mayDiffer = ({ key }: { key: string }) => key !== 'account-16'
    await assert.rejects(switchVersion({ projection, source, store, random: random(), mayDiffer }), (error) => {
      assert.ok(error instanceof SwitchBlockedError)
      assert.deepEqual(error.differences, [{ key: 'account-16', stored: { cents: 17, events: 1 }, expected: { cents: 16, events: 1 } }])
      return true
    })
    const report = await switchVersion({ projection, source, store, random: random(), mayDiffer: ({ key }) => key >= 'account-15' })
    assert.deepEqual(report, { from: 1, to: 2, compared: 20, differing: 5 })
  })

  test('is compared in a sample of the size that was asked for', async (t) => {
    const { deposit, start, caughtUp, store, source } = await documentWorld(t)
    for (let n = 0; n < 100; n++) await deposit(`account-${n}`, n)
    await caughtUp(start(balances()))
    const projection = balances({ version: 2 })
    start(projection)
    const { compared } = await switchVersion({ projection, source, store, random: random(), sampleSize: 12 })
    assert.equal(compared, 12)
  })

  test('that does not catch up is not switched to', async (t) => {
    const { deposit, start, caughtUp, store, source } = await documentWorld(t)
    await deposit('ada', 1)
    await caughtUp(start(balances()))
    const clock = new VirtualClock()
    const waiting = assert.rejects(
      switchVersion({ projection: balances({ version: 2 }), source, store, clock, timeoutMs: 100 }),
      TimeoutError,
    )
    for (let ms = 0; ms < 100; ms += 10) {
      await eventually('it waits', () => clock.pending.length === 1)
      await clock.advance(10)
    }
    await waiting
    assert.equal((await store.versions('balances')).live, 1)
  })

  test('cannot be gone back from when there was none before, or when the old one was left behind, unless that is wanted', async (t) => {
    const { deposit, start, caughtUp, store, source } = await documentWorld(t)
    await deposit('ada', 1)
    const old = start(balances())
    await caughtUp(old)
    await assert.rejects(goBack(store, 'balances', { from: 1 }), ConflictError)
    const projection = balances({ version: 2 })
    const next = start(projection)
    await switchVersion({ projection, source, store })
    await old.stop()
    await deposit('ada', 1)
    await caughtUp(next)
    await assert.rejects(goBack(store, 'balances', { from: 1 }), /and not 1/)
    await assert.rejects(goBack(store, 'balances', { from: 2 }), /is behind/)
    assert.deepEqual(await goBack(store, 'balances', { from: 2, evenIfBehind: true }), { from: 2, to: 1 })
  })
})
