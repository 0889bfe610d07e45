import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Database, ConflictError, seededRandom } from 'seaworthy/core'
import type { EventStore } from 'seaworthy/event-sourcing'
import {
  type ProjectionStore,
  type RunningProjection,
  SwitchBlockedError,
  createTables,
  goBackTables,
  removeTables,
  startProjection,
  switchTables,
} from 'seaworthy/projections'
import { type AccountStatementsOptions, accountStatements } from './account-statements.ts'
import { eventually } from './eventually.ts'
import { withFresh } from './with-fresh.ts'

/** An event store, and a database for read models with the store of their checkpoints, all empty. */
export interface TableProjectionUnderTest {
  readonly source: EventStore
  /** That of the events. */
  readonly events: Database
  readonly database: Database
  readonly store: ProjectionStore
  readonly dispose: () => Promise<void>
}

/**
 * What versions of projections with tables of their own must do on an engine, as tests of node:test.
 * @param open makes fresh stores for each test
 */
export function tableProjectionContract(name: string, open: () => Promise<TableProjectionUnderTest>): void {
  const check = (sentence: string, body: (world: ReturnType<typeof worldOf>) => Promise<void>): void => {
    void test(sentence, () =>
      withFresh(open, async (under) => {
        const world = worldOf(under)
        try {
          await body(world)
        } finally {
          await world.stop()
        }
      }),
    )
  }

  void suite(`table projection contract: ${name}`, () => {
    check('the first version answers at once, by the names of its tables; making them again changes nothing', async (world) => {
      await world.start()
      await world.deposit('ada', 5)
      await world.start()
      await world.deposit('ada', 2)
      await world.caughtUp(1)
      assert.deepEqual(await world.balances(), { ada: 7 })
      assert.deepEqual(await world.query('SELECT cents FROM movements ORDER BY at'), [{ cents: 5 }, { cents: 2 }])
      assert.deepEqual(await world.store.versions('statements'), { live: 1, previous: 0 })
    })

    check(
      'a later one is built beside it, compared with a replay, and takes its place; the old one is kept to go back to',
      async (world) => {
        await world.start()
        for (let n = 0; n < 30; n++) await world.deposit(`account-${n % 7}`, n)
        await world.transfer('account-1', 'account-2', 4)
        await world.caughtUp(1)
        const next = { version: 2, worth: (cents: number) => 2 * cents }
        await world.start(next)
        const before = await world.balances()
        assert.deepEqual(await world.switchTo(next), { from: 1, to: 2, compared: 7, differing: 7 })
        const doubled = Object.fromEntries(Object.entries(before).map(([account, cents]) => [account, 2 * cents]))
        assert.deepEqual(await world.balances(), doubled)
        assert.deepEqual(await world.switchTo(next), { from: 2, to: 2, compared: 0, differing: 0 })
        await world.caughtUp(1)
        assert.deepEqual(await world.goBack({ version: 1 }, 2), { from: 2, to: 1 })
        assert.deepEqual(await world.balances(), before)
        await assert.rejects(world.goBack({ version: 1 }, 2), ConflictError)
        assert.deepEqual(await world.tables('check'), [])
      },
    )

    check('rows that are not what their events make of them block the switch, and are named', async (world) => {
      await world.start()
      for (let n = 0; n < 12; n++) await world.deposit(`account-${n}`, n)
      const next = { version: 2 }
      await world.start(next)
      await world.caughtUp(1)
      await world.caughtUp(2)
      await world.execute(`UPDATE balances_v2 SET cents = 99 WHERE account = 'account-3'`)
      await world.execute(`DELETE FROM movements_v2 WHERE account = 'account-4'`)
      await world.execute(`UPDATE balances_v2 SET account = 'stray' WHERE account = 'account-5'`)
      await assert.rejects(world.switchTo(next), (error) => {
        assert.ok(error instanceof SwitchBlockedError)
        assert.deepEqual(error.differences.map(({ key }) => key).toSorted(), ['account-3', 'account-4', 'account-5', 'stray'])
        const three = error.differences.find(({ key }) => key === 'account-3')!
        assert.deepEqual([three.stored, three.expected].map((rows) => (rows as { balances: object[] }).balances.map((row) => ({ ...row }))), [
          [{ account: 'account-3', cents: 99, moves: 1 }],
          [{ account: 'account-3', cents: 3, moves: 1 }],
        ]) // prettier-ignore
        return true
      })
      assert.deepEqual([(await world.store.versions('statements')).live, (await world.balances())['account-3']], [1, 3])
    })

    check('rows that differ from the live ones, and should not, block it too', async (world) => {
      await world.start()
      for (let n = 0; n < 10; n++) await world.deposit(`account-${n}`, n)
      const next = { version: 2, worth: (cents: number) => (cents >= 8 ? cents + 1 : cents) }
      await world.start(next)
      await assert.rejects(
        world.switchTo(next, ({ key }) => key !== 'account-8'),
        SwitchBlockedError,
      )
      assert.equal((await world.store.versions('statements')).live, 1)
      assert.deepEqual(await world.switchTo(next, ({ key }) => key >= 'account-8'), { from: 1, to: 2, compared: 10, differing: 2 })
    })

    check('it is checked and switched under writes, and readers never see less than before', async (world) => {
      await world.start()
      for (let n = 0; n < 20; n++) await world.deposit(`account-${n % 4}`, 1)
      const next = { version: 2 }
      await world.start(next)
      const state = { done: false }
      const busy = (async () => {
        const seen = new Map<string, number>()
        for (let n = 0; !state.done; n++) {
          const account = `account-${n % 4}`
          await world.deposit(account, 1)
          const cents = (await world.balances())[account] ?? 0
          assert.ok(cents >= (seen.get(account) ?? 0), `${cents} after ${seen.get(account)}`)
          seen.set(account, cents)
        }
      })()
      const report = await world.switchTo(next, () => false).finally(() => (state.done = true))
      await busy
      assert.deepEqual(report, { from: 1, to: 2, compared: 4, differing: 0 })
    })

    check('a version that was left behind is gone back to only when that is wanted; one that is live is not removed', async (world) => {
      await world.start()
      await world.deposit('ada', 1)
      await world.caughtUp(1)
      const next = { version: 2 }
      await world.start(next)
      await world.switchTo(next)
      await world.stop(1)
      await world.deposit('ada', 1)
      await world.caughtUp(2)
      await assert.rejects(world.goBack({ version: 1 }, 2), /is behind/)
      assert.deepEqual(await world.goBack({ version: 1 }, 2, { evenIfBehind: true }), { from: 2, to: 1 })
      assert.equal(await world.remove({ version: 1 }), false)
      await world.stop(2)
      assert.equal(await world.remove(next), true)
      assert.deepEqual(await world.tables('v2'), [])
      assert.deepEqual([await world.store.versions('statements'), await world.store.checkpoint('statements', 2)], [{ live: 1, previous: 0 }, 0]) // prettier-ignore
      assert.deepEqual(await world.balances(), { ada: 1 })
      await assert.rejects(world.goBack(next, 1), /has no version 2/)
    })
  })
}

function worldOf({ source, events, database, store }: TableProjectionUnderTest) {
  const running = new Map<number, RunningProjection>()
  let number = 0
  const append = async (stream: string, type: string, data: object) => {
    const event = { id: `${++number}`, type, schemaVersion: 1, data, context: { correlationId: 'c' } }
    await events.transaction((tx) => source.append(tx, stream, [event], 'any'))
  }
  const stop = async (version?: number) => {
    const chosen = version === undefined ? [...running.keys()] : [version]
    for (const one of chosen) await running.get(one)?.stop()
  }
  const query = <Row extends object>(sql: string) => database.query<Row>({ sql })
  return {
    store,
    query: async (sql: string) => (await query(sql)).map((row) => ({ ...row })),
    execute: (sql: string) => database.transaction((tx) => tx.execute({ sql })),
    deposit: (account: string, cents: number) => append(account, 'deposited', { cents }),
    transfer: (from: string, to: string, cents: number) => append('transfers', 'transferred', { from, to, cents }),
    async start(options: AccountStatementsOptions = {}) {
      const projection = accountStatements(database.dialect, options)
      await stop(projection.version)
      await createTables({ projection, database, store })
      running.set(projection.version, startProjection({ projection, database, store, source, pollMs: 5, batchSizeMax: 3 }))
    },
    caughtUp: (version: number) => eventually('it has caught up', async () => (await running.get(version)!.lag()).positions === 0),
    switchTo: (options: AccountStatementsOptions, mayDiffer?: (change: { readonly key: string }) => boolean) =>
      switchTables({
        projection: accountStatements(database.dialect, options),
        source,
        database,
        store,
        random: seededRandom(7),
        ...(mayDiffer !== undefined && { mayDiffer }),
      }),
    goBack: (options: AccountStatementsOptions, from: number, more: { evenIfBehind?: boolean } = {}) =>
      goBackTables({ projection: accountStatements(database.dialect, options), database, store, from, ...more }),
    remove: (options: AccountStatementsOptions) =>
      removeTables({ projection: accountStatements(database.dialect, options), database, store }),
    async balances(): Promise<Record<string, number>> {
      const rows = await query<{ account: string; cents: number }>('SELECT account, cents FROM balances ORDER BY account')
      return Object.fromEntries(rows.map(({ account, cents }) => [account, cents]))
    },
    async tables(ending: string): Promise<readonly string[]> {
      const all =
        database.dialect === 'postgres'
          ? 'SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()'
          : `SELECT name FROM sqlite_master WHERE type = 'table'`
      return (await query<{ name: string }>(all)).map(({ name }) => name).filter((name) => name.endsWith(`_${ending}`))
    },
    stop,
  }
}
