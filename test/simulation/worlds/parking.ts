import assert from 'node:assert/strict'
import { contextOrRoot, propagated } from 'seaworthy/core'
import {
  ParkedReadError,
  type DocumentProjection,
  type ReadStore,
  consistencyTokenOf,
  documentProjection,
  readAfter,
  startDocumentProjection,
} from 'seaworthy/projections'
import { type NodePorts, client, invariant, node, violated } from '@seaworthy/simulation'
import { eventStoreSchema, readStoreSchema, sqliteEventStore, sqliteReadStore } from 'seaworthy/sqlite'
import { type SimulatedWorld, tables } from './simulated-world.ts'

/** Amounts, in the order in which they are deposited. */
const DEPOSITS: Readonly<Record<string, readonly number[]>> = { ada: [10, 666, 20, 30], grace: [1, 2, 3] }
/** It cannot be applied until the code is mended. */
const POISON = 666
/** Of one who waits for something to stand still. In a world without mistakes it does. */
const LOOKS_MAX = 200
const SEEN = 'a balance was read'
const REFUSED = 'a query was told that what it wants waits'

interface Balance {
  readonly amounts: readonly number[]
}

/** The parts that a team can get wrong. */
export interface ParkingParts {
  /** What the documents are kept in. */
  readonly storing?: (store: ReadStore) => ReadStore
  /** The document after an amount that the code does not understand. */
  readonly onPoison?: (balance: Balance) => Balance
}

/** Balances of which one meets an event that cannot be applied to it. The other goes on; the code is mended, and what waits is requeued. */
export function parkingWorld({ storing = (store) => store, onPoison = throwing }: ParkingParts = {}): SimulatedWorld {
  return {
    name: 'parking',
    chapter: 'projections',
    system: {
      nodes: [node('bank', (ports) => startBank(ports, { storing, onPoison }))],
      clients: [
        ...Object.entries(DEPOSITS).map(([account, amounts]) =>
          client(account, async ({ call, sleep, note }) => {
            for (const [own, cents] of amounts.entries()) {
              const token = await call<string>('bank', 'deposit', { account, cents, id: `${account}-${own}` })
              const amounts = await call<number | null>('bank', 'balance', { account, token })
              note(amounts === null ? REFUSED : SEEN, { account, own: own + 1, amounts })
              await sleep(20)
            }
          }),
        ),
        client('operator', async ({ call, sleep }) => {
          for (let look = 0; look < LOOKS_MAX && (await call<number>('bank', 'parked', {})) === 0; look++) await sleep(20)
          await call('bank', 'mend', {})
          while ((await call<number>('bank', 'requeue', { account: 'ada' })) > 0) await sleep(20)
        }),
      ],
    },
    invariants: [
      invariant('every document has every event once, in order, and none stands still in the end', (view) => {
        const documents = view.query<{ key: string; document: string }>(
          'views',
          'SELECT key, document FROM seaworthy_documents ORDER BY key',
        )
        assert.deepEqual(
          documents.map(({ key, document }) => [key, (JSON.parse(document) as Balance).amounts]),
          Object.entries(DEPOSITS),
        )
        assert.deepEqual(view.query('views', 'SELECT key FROM seaworthy_parked_documents'), [])
      }),
      invariant('who deposited sees it, or is told that it waits, and of grace nothing ever does', (view) => {
        for (const entry of view.history) {
          if (entry.kind !== 'note' || ![SEEN, REFUSED].includes(entry.text)) continue
          const { account, own, amounts } = entry.data as { account: string; own: number; amounts: number | null }
          if (amounts === null && account !== 'ada') violated(`${account} was told that deposit ${own} waits.`)
          if (amounts !== null && amounts < own) violated(`${account} deposited ${own} times and saw ${amounts}.`)
        }
      }),
    ],
  }
}

function throwing(): never {
  throw new TypeError('The amount makes no sense.')
}

async function startBank({ database, clock, random }: NodePorts, { storing, onPoison }: Required<ParkingParts>) {
  const events = await database({ schema: [eventStoreSchema] })
  const views = await database({
    name: 'views',
    schema: [readStoreSchema, tables('mended', 'CREATE TABLE mended (id INTEGER PRIMARY KEY CHECK (id = 1)) STRICT')],
  })
  const source = sqliteEventStore(events)
  const store = storing(sqliteReadStore(views))
  // As of the release that runs in this life.
  let isMended = (await views.query({ sql: 'SELECT 1 FROM mended' })).length > 0
  const projection: DocumentProjection = documentProjection<Balance, { deposited: { cents: number } }>({
    name: 'balances',
    version: 1,
    on: {
      deposited: (balance = { amounts: [] }, { data: { cents } }) =>
        cents === POISON && !isMended ? onPoison(balance) : { amounts: [...balance.amounts, cents] },
    },
  })
  const running = startDocumentProjection({ projection, source, store, batchSizeMax: 2, pollMs: 50, clock, random })
  return {
    async deposit({ account, cents, id }: { account: string; cents: number; id: string }) {
      const event = { id, type: 'deposited', schemaVersion: 1, data: { cents }, context: propagated(contextOrRoot()) }
      const version = await events.transaction((tx) => source.append(tx, account, [event], 'any'))
      return consistencyTokenOf(source, { stream: account, version })
    },
    /** How many amounts it has; null when the token's waits. */
    async balance({ account, token }: { account: string; token: string }) {
      try {
        await readAfter({ store, projection: 'balances', token, timeoutMs: 500, clock })
      } catch (error) {
        if (error instanceof ParkedReadError) return null
        throw error
      }
      const { document } = await store.find('balances', account)
      return (document!.document as Balance).amounts.length
    },
    parked: async () => (await running.lag()).parked,
    async mend() {
      await views.atomically([{ sql: 'INSERT OR IGNORE INTO mended (id) VALUES (1)' }])
      isMended = true
    },
    /** One event at a time. @returns how many documents stand still */
    async requeue({ account }: { account: string }) {
      await running.requeue(account, { eventsMax: 1 })
      return (await running.lag()).parked
    },
  }
}
