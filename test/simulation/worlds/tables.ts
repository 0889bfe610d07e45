import assert from 'node:assert/strict'
import { type Database, type Statement, type Transaction, UnavailableError, contextOrRoot, propagated } from 'seaworthy/core'
import type { EventStore } from 'seaworthy/event-sourcing'
import {
  type ProjectionStore,
  type TableProjection,
  SwitchBlockedError,
  createTables,
  goBackTables,
  removeTables,
  startProjection,
  switchTables,
} from 'seaworthy/projections'
import {
  type HistoryEntry,
  type NodePorts,
  type WorldView,
  client,
  conserved,
  invariant,
  monotoneProjection,
  node,
  violated,
} from '@seaworthy/simulation'
import { eventStoreSchema, projectionStoreSchema, sqliteEventStore, sqliteProjectionStore } from 'seaworthy/sqlite'
import { type AccountStatementsOptions, accountStatements } from '../../../packages/testing/src/contracts/account-statements.ts'
import { type SimulatedWorld, tables } from './simulated-world.ts'

/** What somebody saw of an account: its balance, and the lines of its statement. */
interface Seen {
  readonly by: string
  readonly account: string
  readonly movements: number
  readonly lines: number
}

const ACCOUNTS = ['ada', 'grace']
const DEPOSITS_EACH = 2
/** What there is to be built from when the second version begins. */
const OPENING_EACH = 2
const EVENTS_EACH = OPENING_EACH + DEPOSITS_EACH
const CENTS = 10
const LOOKS = 6
const WORTH = { 1: 1, 2: 100 } as const
const SEEN = 'a statement was read'

type Version = keyof typeof WORTH

/** Writes the rows of an event. */
type Writing = (tx: Transaction, views: Database, rows: readonly Statement[]) => Promise<void>

/** The parts that a team can get wrong. */
export interface TablesParts {
  readonly writing?: Writing
  /** How version 2 takes the place of version 1. */
  readonly switching?: (bank: { source: EventStore; views: Database; store: ProjectionStore }, ports: NodePorts) => Promise<unknown>
}

const asTheLibraryDoes: NonNullable<TablesParts['switching']> = ({ source, views, store }, { clock, random }) =>
  switchTables({ projection: statements(2), source, database: views, store, clock, random, timeoutMs: 2_000 })

/**
 * Statements of accounts in two tables, of which a second version is built in tables of its own while deposits come in; queries are switched to it, back, and
 * there again, and a version that is not made of events alone does not get through.
 */
export function tablesWorld({ writing, switching = asTheLibraryDoes }: TablesParts = {}): SimulatedWorld {
  return {
    name: 'tables',
    chapter: 'projections',
    share: 0.25,
    system: {
      nodes: [node('bank', (ports) => startBank(ports, writing, switching))],
      clients: [
        ...ACCOUNTS.map((account) =>
          client(account, async ({ call, sleep: wait }) => {
            for (let own = 1; own <= DEPOSITS_EACH; own++) {
              await call('bank', 'deposit', { account, ids: [`${account}-${own}`] })
              await wait(25)
            }
          }),
        ),
        client('auditor', async ({ call, sleep: wait, note }) => {
          for (let look = 0; look < LOOKS; look++) {
            const seen = await call<Omit<Seen, 'by' | 'account'>>('bank', 'statement', { account: 'ada' })
            note(SEEN, { by: 'auditor', account: 'ada', ...seen } satisfies Seen)
            await wait(12)
          }
        }),
        client('operator', async ({ call }) => {
          for (const step of ['open', 'build', 'switch', 'goBack', 'switch', 'buildSpoilt', 'removeSpoilt']) await call('bank', step, {})
        }),
      ],
    },
    invariants: [
      invariant('both versions have every event once, in each of their tables', (view) => {
        for (const version of [1, 2] as const) {
          for (const account of ACCOUNTS) {
            const total = CENTS * WORTH[version] * EVENTS_EACH
            const [balance] = rowsOf<{ cents: number; moves: number }>(view, `balances_v${version}`, account)
            const lines = rowsOf<{ cents: number; at: number }>(view, `movements_v${version}`, account)
            assert.deepEqual(balance && { cents: balance.cents, moves: balance.moves }, { cents: total, moves: EVENTS_EACH })
            conserved(`Cents of ${account}`, { total, places: { lines: lines.reduce((sum, { cents }) => sum + cents, 0) } })
            assert.equal(new Set(lines.map(({ at }) => at)).size, EVENTS_EACH)
          }
        }
      }),
      invariant('queries see the tables of the version that is noted as live', (view) => {
        const [noted] = view.query<{ live: number }>('views', 'SELECT live FROM seaworthy_live_projections')
        const [shown] = view.query<{ cents: number }>('views', "SELECT cents FROM balances WHERE account = 'ada'")
        // A request to go back that was doubled may come late.
        assert.ok(noted !== undefined && noted.live in WORTH, JSON.stringify(noted))
        assert.equal(shown?.cents, CENTS * WORTH[noted.live as Version] * EVENTS_EACH)
        const leftOver = view.query<{ name: string }>('views', "SELECT name FROM sqlite_schema WHERE name LIKE '%\\_check%' ESCAPE '\\'")
        assert.deepEqual(leftOver, [], 'what a check builds aside is gone')
      }),
      invariant('nobody sees half of an event, or less than before', (view) => {
        const seen = readings(view)
        assert.equal(seen.length, LOOKS)
        for (const { account, movements, lines } of seen) {
          if (movements !== lines) violated(`The balance of ${account} had ${movements} movements, and its statement ${lines} lines.`)
        }
        monotoneProjection({ projection: 'balances', readings: seen.map(({ by, movements }) => ({ key: by, version: movements })) })
      }),
    ],
  }
}

type Note = Extract<HistoryEntry, { kind: 'note' }>
const readings = (view: WorldView) =>
  view.history.filter((entry): entry is Note => entry.kind === 'note' && entry.text === SEEN).map(({ data }) => data as Seen)

function rowsOf<Row extends object>(view: WorldView, table: string, account: string): readonly Row[] {
  return view.query<Row>('views', `SELECT * FROM ${table} WHERE account = ?`, [account])
}

/** As the library is asked about it: what it writes matters to its replay alone. */
const statements = (version: Version, write?: AccountStatementsOptions['write']) =>
  accountStatements('sqlite', { version, worth: (cents) => cents * WORTH[version], ...(write && { write }) })

async function startBank(ports: NodePorts, writing: Writing | undefined, switching: NonNullable<TablesParts['switching']>) {
  const { clock, random } = ports
  const events = await ports.database({ schema: [eventStoreSchema] })
  const views = await ports.database({
    name: 'views',
    schema: [projectionStoreSchema, tables('building', 'CREATE TABLE building (version INTEGER PRIMARY KEY) STRICT')],
  })
  const source = sqliteEventStore(events)
  const store = sqliteProjectionStore(views)
  const started = new Map<number, ReturnType<typeof startProjection>>()
  const build = async (projection: TableProjection) => {
    if (started.has(projection.version)) return
    await createTables({ projection, database: views, store })
    if (started.has(projection.version)) return
    const feed = { source, database: views, store, batchSizeMax: 2, pollMs: 50, clock, random }
    started.set(projection.version, startProjection({ projection, ...feed }))
  }
  const own = (version: Version) => statements(version, writing && ((tx, rows) => writing(tx, views, rows)))
  const spoilt = accountStatements('sqlite', { version: 3, worth: () => 1 + Math.floor(random.float() * 1_000) })
  await build(own(1))
  // As the next release does, in each of its lives.
  if ((await views.query({ sql: 'SELECT 1 FROM building' })).length > 0) await build(own(2))

  const deposit = async ({ account, ids }: { account: string; ids: readonly string[] }) => {
    const context = propagated(contextOrRoot())
    const deposits = ids.map((id) => ({ id, type: 'deposited', schemaVersion: 1, data: { cents: CENTS }, context }))
    await events.transaction((tx) => source.append(tx, account, deposits, 'any'))
  }
  return {
    deposit,
    async open() {
      for (const account of ACCOUNTS)
        await deposit({ account, ids: Array.from({ length: OPENING_EACH }, (_, n) => `${account}-opening-${n}`) })
    },
    async statement({ account }: { account: string }) {
      const sql = `SELECT (SELECT moves FROM balances WHERE account = ?1) AS movements, (SELECT count(*) FROM movements WHERE account = ?1) AS lines`
      const [seen] = await views.query<{ movements: number | null; lines: number }>({ sql, params: [account] })
      return { movements: seen?.movements ?? 0, lines: seen?.lines ?? 0 }
    },
    async build() {
      await views.atomically([{ sql: 'INSERT OR IGNORE INTO building (version) VALUES (2)' }])
      await build(own(2))
    },
    async switch() {
      await build(own(2))
      await switching({ source, views, store }, ports)
    },
    async goBack() {
      const { live } = await store.versions('statements')
      if (live === 2) await goBackTables({ projection: statements(1), database: views, store, from: 2 })
    },
    /** Version 3 must not get through. */
    async buildSpoilt() {
      await build(spoilt)
      try {
        await switchTables({ projection: spoilt, source, database: views, store, clock, random, timeoutMs: 2_000 })
      } catch (error) {
        if (!(error instanceof SwitchBlockedError)) throw error
      }
    },
    async removeSpoilt() {
      await started.get(3)?.stop()
      started.delete(3)
      if (!(await removeTables({ projection: spoilt, database: views, store }))) throw new UnavailableError('Version 3 is live.')
    },
  }
}
