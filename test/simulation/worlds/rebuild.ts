import assert from 'node:assert/strict'
import { type Random, UnavailableError, contextOrRoot, propagated } from 'seaworthy/core'
import type { EventStore } from 'seaworthy/event-sourcing'
import {
  type DocumentProjection,
  type ReadStore,
  SwitchBlockedError,
  consistencyTokenOf,
  documentProjection,
  goBack,
  readAfter,
  startDocumentProjection,
  switchVersion,
} from 'seaworthy/projections'
import {
  type HistoryEntry,
  type NodePorts,
  type WorldView,
  client,
  invariant,
  monotoneProjection,
  node,
  violated,
} from '@seaworthy/simulation'
import { type SqliteDatabase, eventStoreSchema, readStoreSchema, sqliteEventStore, sqliteReadStore } from 'seaworthy/sqlite'
import { type SimulatedWorld, tables } from './simulated-world.ts'

interface Balance {
  readonly cents: number
  readonly events: number
}

/** What was seen of an account after so many deposits of whoever looks. */
interface Seen {
  readonly by: string
  readonly account: string
  readonly own: number
  readonly events: number
}

const ACCOUNTS = ['ada', 'grace']
const DEPOSITS_EACH = 3
/** What there is to be built from when the second version begins. */
const OPENING_EACH = 4
/** Whose balance somebody looks at who has no token. */
const AUDITED = 'ada'
const LOOKS = 12
const EVENTS_EACH = OPENING_EACH + DEPOSITS_EACH
const PARTITIONS = 2
const WORTH = { 1: 1, 2: 100 } as const
const SEEN = 'a balance was read'

/** The parts that a team can get wrong. */
export interface RebuildParts {
  /** What the documents are kept in. */
  readonly storing?: (store: ReadStore) => ReadStore
  /** How version 2 takes the place of version 1. */
  readonly switching?: (source: EventStore, store: ReadStore, ports: NodePorts) => Promise<unknown>
  /** Whether a query waits for what its token names. */
  readonly waiting?: boolean
}

const asTheLibraryDoes: NonNullable<RebuildParts['switching']> = (source, store, { clock, random }) =>
  switchVersion({ projection: balances(2), source, store, clock, random, timeoutMs: 2_000, mayDiffer: () => true })

/** Balances of which a second version is built while deposits come in; it takes the first one's place, is gone back from, and taken again. */
export function rebuildWorld({
  storing = (store) => store,
  switching = asTheLibraryDoes,
  waiting = true,
}: RebuildParts = {}): SimulatedWorld {
  return {
    name: 'rebuild',
    chapter: 'projections',
    system: {
      nodes: [node('bank', (ports) => startBank(ports, { storing, switching, waiting }))],
      clients: [
        ...ACCOUNTS.map((account) =>
          client(account, async ({ call, sleep, note }) => {
            for (let own = 1; own <= DEPOSITS_EACH; own++) {
              const token = await call<string>('bank', 'deposit', { account, id: `${account}-${own}` })
              const events = await call<number>('bank', 'balance', { account, token })
              note(SEEN, { by: account, account, own, events } satisfies Seen)
              await sleep(20)
            }
          }),
        ),
        client('auditor', async ({ call, sleep, note }) => {
          for (let look = 0; look < LOOKS; look++) {
            const events = await call<number>('bank', 'balance', { account: AUDITED })
            note(SEEN, { by: 'auditor', account: AUDITED, own: 0, events } satisfies Seen)
            await sleep(8)
          }
        }),
        client('operator', async ({ call }) => {
          for (const step of ['open', 'build', 'switch', 'goBack', 'switch', 'buildSpoilt']) await call('bank', step, {})
        }),
      ],
    },
    invariants: [
      invariant('both versions have every event once, and one of them answers', (view) => {
        for (const version of [1, 2] as const) {
          const documents = view.query<{ key: string; document: string }>(
            'views',
            'SELECT key, document FROM seaworthy_documents WHERE version = ? ORDER BY key',
            [version],
          )
          assert.deepEqual(
            documents.map(({ key, document }) => [key, JSON.parse(document)]),
            ACCOUNTS.map((account) => [account, { cents: 10 * WORTH[version] * EVENTS_EACH, events: EVENTS_EACH }]),
          )
        }
        const [answering] = view.query<{ live: number }>('views', 'SELECT live FROM seaworthy_live_versions')
        // A request to go back that was doubled may come late.
        assert.ok(answering !== undefined && answering.live in WORTH, JSON.stringify(answering))
      }),
      invariant('who deposited sees it, and nobody sees less than before', (view) => {
        const seen = readings(view)
        assert.equal(seen.length, ACCOUNTS.length * DEPOSITS_EACH + LOOKS)
        for (const { account, own, events } of seen) {
          if (events < own) violated(`${account} deposited ${own} times and saw ${events}.`)
        }
        monotoneProjection({ projection: 'balances', readings: seen.map(({ by, events }) => ({ key: by, version: events })) })
      }),
    ],
  }
}

type Note = Extract<HistoryEntry, { kind: 'note' }>
const readings = (view: WorldView) =>
  view.history.filter((entry): entry is Note => entry.kind === 'note' && entry.text === SEEN).map(({ data }) => data as Seen)

function balances(version: 1 | 2): DocumentProjection {
  return documentProjection<Balance, { deposited: { cents: number } }>({
    name: 'balances',
    version,
    partitions: PARTITIONS,
    on: {
      deposited: (balance, { data }) => ({
        cents: (balance?.cents ?? 0) + data.cents * WORTH[version],
        events: (balance?.events ?? 0) + 1,
      }),
    },
    listing: ({ cents }) => ({ in: 'all', at: cents }),
  })
}

/** Its documents are not made of events alone. */
function spoilt(random: Random): DocumentProjection {
  return documentProjection<{ luck: number }, { deposited: object }>({
    name: 'balances',
    version: 3,
    partitions: PARTITIONS,
    on: { deposited: () => ({ luck: random.float() }) },
  })
}

async function startBank(ports: NodePorts, { storing, switching, waiting }: Required<RebuildParts>) {
  const { clock, random } = ports
  const events = await ports.database({ schema: [eventStoreSchema] })
  const views = await ports.database({
    name: 'views',
    schema: [readStoreSchema, tables('building', 'CREATE TABLE building (version INTEGER PRIMARY KEY) STRICT')],
  })
  const source = sqliteEventStore(events)
  const store = storing(sqliteReadStore(views))
  const started = new Set<number>()
  const build = (projection: DocumentProjection) => {
    if (started.has(projection.version)) return
    started.add(projection.version)
    startDocumentProjection({ projection, source, store, batchSizeMax: 2, pollMs: 50, clock, random })
  }
  build(balances(1))
  // As the next release does, in each of its lives.
  if ((await views.query({ sql: 'SELECT 1 FROM building' })).length > 0) build(balances(2))
  return {
    async deposit({ account, id }: { account: string; id: string }) {
      const version = await deposit(events, source, account, [id])
      return consistencyTokenOf(source, { stream: account, version })
    },
    async open() {
      const ids = (account: string) => Array.from({ length: OPENING_EACH }, (_, n) => `${account}-opening-${n}`)
      for (const account of ACCOUNTS) await deposit(events, source, account, ids(account))
    },
    async balance({ account, token }: { account: string; token?: string }) {
      if (waiting) await readAfter({ store, projection: 'balances', token, timeoutMs: 500, clock })
      const { document } = await store.find('balances', account)
      return (document?.document as Balance | undefined)?.events ?? 0
    },
    async build() {
      const { live } = await store.versions('balances')
      if (live === 0) throw new UnavailableError('Version 1 has not begun.')
      await views.atomically([{ sql: 'INSERT OR IGNORE INTO building (version) VALUES (2)' }])
      build(balances(2))
    },
    async switch() {
      build(balances(2))
      await switching(source, store, ports)
    },
    async goBack() {
      const { live } = await store.versions('balances')
      if (live === 2) await goBack(store, 'balances', { from: 2 })
    },
    /** Version 3 must not get through. */
    async buildSpoilt() {
      const projection = spoilt(random)
      build(projection)
      try {
        await switchVersion({ projection, source, store, clock, random, timeoutMs: 2_000 })
      } catch (error) {
        if (!(error instanceof SwitchBlockedError)) throw error
      }
    },
  }
}

async function deposit(database: SqliteDatabase, store: EventStore, account: string, ids: readonly string[]): Promise<number> {
  const context = propagated(contextOrRoot())
  const events = ids.map((id) => ({ id, type: 'deposited', schemaVersion: 1, data: { cents: 10 }, context }))
  return database.transaction((tx) => store.append(tx, account, events, 'any'))
}
