import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpuNsPerCall } from '../../harness/meters.ts'
import { type PeerPackages, importPeer, installPeer } from '../../harness/peer-packages.ts'
import type { Contender, Metric } from '../../harness/suite.ts'
import { perSecond } from '../messaging/order.ts'
import { CALLERS, ourCommand } from './append-sqlite.ts'
import { type Moved, balance, moved } from './events.ts'

const module = import.meta.url
const EVENTS = 10_000
const EMMETT: PeerPackages = {
  name: 'emmett-sqlite',
  // What the newest emmett-sqlite in the registry asks for is not there; it works with the newest emmett that is.
  packages: [
    '@event-driven-io/emmett@0.42.0',
    '@event-driven-io/emmett-sqlite@0.42.4',
    'sqlite3@5.1.7',
    'uuid@10.0.0',
    'async-retry@1.3.3',
  ],
  compiled: ['sqlite3'],
}

interface Event {
  readonly type: string
  readonly data: unknown
}

interface Connection {
  close(): void
}

interface EventStore {
  appendToStream(stream: string, events: readonly Event[], options?: object): Promise<{ readonly nextExpectedStreamVersion: bigint }>
  aggregateStream<State>(stream: string, options: object): Promise<{ readonly state: State; readonly currentStreamVersion: bigint }>
  readonly schema: { migrate(): Promise<void> }
}

interface EmmettSqlite {
  readonly sqliteConnection: (options: { readonly fileName: string }) => Connection
  readonly getSQLiteEventStore: (options: object) => EventStore
}

/** On one connection that stays open: by itself it opens one for each call, which is slower, and its writers then meet SQLITE_BUSY. */
async function openEmmett(): Promise<EventStore> {
  const directory = mkdtempSync(join(tmpdir(), 'seaworthy-bench-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const { sqliteConnection, getSQLiteEventStore } = await importPeer<EmmettSqlite>(EMMETT, '@event-driven-io/emmett-sqlite')
  const fileName = join(directory, 'events.db')
  const connection = sqliteConnection({ fileName })
  const store = getSQLiteEventStore({ fileName, schema: { autoMigration: 'None' }, connectionOptions: { singleton: true, connection } })
  await store.schema.migrate()
  return store
}

const event = ({ type, ...data }: Moved): Event => ({ type, data })
const evolving = {
  initialState: balance.initial,
  evolve: (state: ReturnType<typeof balance.initial>, { type, data }: Event) =>
    balance.evolve(state, { type, ...(data as object) } as Moved),
}

/**
 * The state is loaded, and what was decided appended behind its version. One command after another: on one connection its transactions of several callers become
 * one, whose callers are answered before it is committed.
 */
export const emmettCommands: Contender = async ({ quick }) => {
  const store = await openEmmett()
  let number = 0
  const command = async () => {
    const stream = `account-${number++ % CALLERS}`
    const { state, currentStreamVersion } = await store.aggregateStream<ReturnType<typeof balance.initial>>(stream, evolving)
    const events = balance.decide(moved(1), state).map(event)
    const expectedStreamVersion = currentStreamVersion === 0n ? 'STREAM_DOES_NOT_EXIST' : currentStreamVersion
    await store.appendToStream(stream, events, { expectedStreamVersion })
  }
  return () => perSecond(quick ? 40 : 400, 1, command)
}

export const ourCommands: Contender = async ({ quick }) => {
  const command = await ourCommand()
  return () => perSecond(quick ? 240 : 2_000, CALLERS, command)
}

export const emmettLoad: Contender = async ({ quick }) => {
  const store = await openEmmett()
  for (let done = 0; done < EVENTS; done += 100)
    await store.appendToStream(
      'account',
      Array.from({ length: 100 }, (_, n) => event(moved(n))),
    )
  const load = async () => {
    const { state } = await store.aggregateStream<ReturnType<typeof balance.initial>>('account', evolving)
    if (state.movements < EVENTS) throw new Error('Events are missing.')
  }
  return () =>
    cpuNsPerCall(
      async (times) => {
        for (let time = 0; time < times; time++) await load()
      },
      quick ? 3 : 20,
    )
}

const missing = () => installPeer(EMMETT)

export const emmettSqliteMetrics: readonly Metric[] = [
  {
    name: 'append-sqlite-emmett',
    unit: 'commands per second',
    better: 'higher',
    peer: 'emmett-sqlite 0.42.4',
    target: { ratioMin: 5 },
    note: `${CALLERS} concurrent commands on ours, each durable when it is answered. Emmett on one connection that stays open, WAL and synchronous=FULL too, and one command after another: its transactions of several callers become one there, and their callers are answered before it is committed. Both load the stream before they append; ours from a snapshot every 100 events, of which Emmett has none.`,
    rounds: 7,
    missing,
    contenders: { ours: { module, name: 'ourCommands' }, peer: { module, name: 'emmettCommands' } },
  },
  {
    name: 'load-10000-emmett',
    unit: 'ns of CPU time per load',
    better: 'lower',
    peer: 'emmett-sqlite 0.42.4',
    target: { ratioMax: 1 },
    note: 'The same stream of 10,000 events, no snapshot.',
    rounds: 7,
    missing,
    contenders: { ours: { module: new URL('load.ts', module).href, name: 'ourLoad' }, peer: { module, name: 'emmettLoad' } },
  },
]
