import { join } from 'node:path'
import type { TestContext } from 'node:test'
import {
  type DocumentProjection,
  type DocumentProjectionOptions,
  type RunningDocumentProjection,
  documentProjection,
  startDocumentProjection,
} from 'seaworthy/projections'
import { eventStoreSchema, migrate, openSqliteDatabase, readStoreSchema, sqliteEventStore, sqliteReadStore } from 'seaworthy/sqlite'
import { eventually } from '@seaworthy/testing'
import { testFolder } from '../sqlite/folder.ts'

interface Balance {
  readonly cents: number
  readonly events: number
}

interface Transferred {
  readonly from: string
  readonly to: string
  readonly cents: number
}

export interface BalancesOptions {
  readonly version?: number
  readonly partitions?: number
  /** What an amount counts for. */
  readonly worth?: (cents: number) => number
}

/** Balances of accounts, in two lists: those in debt and the others. */
export function balances({ version = 1, partitions = 1, worth = (cents) => cents }: BalancesOptions = {}): DocumentProjection {
  const plus = (balance: Balance | undefined, cents: number): Balance => ({
    cents: (balance?.cents ?? 0) + worth(cents),
    events: (balance?.events ?? 0) + 1,
  })
  return documentProjection<Balance, { deposited: { cents: number }; transferred: Transferred; closed: object }>({
    name: 'balances',
    version,
    partitions,
    keys: ({ key, data }) => ('from' in data ? [data.from, data.to] : [key]),
    on: {
      deposited: (balance, { data }) => plus(balance, data.cents),
      transferred: (balance, { data }, key) => plus(balance, key === data.from ? -data.cents : data.cents),
      closed: () => undefined,
    },
    listing: ({ cents }) => ({ in: cents < 0 ? 'debt' : 'credit', at: cents }),
  })
}

/** An event store and a read store on one file, and what a test does with them. */
export async function documentWorld(t: TestContext) {
  const database = await openSqliteDatabase({ path: join(testFolder(t), 'read.db'), durability: 'process-crash' })
  await migrate(database, [eventStoreSchema, readStoreSchema])
  const source = sqliteEventStore(database)
  const store = sqliteReadStore(database)
  const running: RunningDocumentProjection[] = []
  t.after(async () => {
    for (const each of running) await each.stop()
    await database.close()
  })
  let number = 0
  const append = (stream: string, type: string, data: object) => {
    const event = { id: `${++number}`, type, schemaVersion: 1, data, context: { correlationId: `c${number}` } }
    return database.transaction((tx) => source.append(tx, stream, [event], 'any'))
  }
  return {
    database,
    source,
    store,
    append,
    deposit: (account: string, cents: number) => append(account, 'deposited', { cents }),
    start: (projection: DocumentProjection, options: Partial<DocumentProjectionOptions> = {}) => {
      const started = startDocumentProjection({ projection, source, store, pollMs: 5, ...options })
      running.push(started)
      return started
    },
    caughtUp: (of: RunningDocumentProjection) => eventually('it has caught up', async () => (await of.lag()).positions === 0),
    /** Cents by account, as a version has them. */
    centsOf: async (version = 1, partitions = 1) => {
      const model = { projection: 'balances', version }
      const keys = await store.keys(model, { after: '', max: 1_000 })
      const { documents } = await store.load(model, { checkpoint: `0/${partitions}`, keys })
      return Object.fromEntries([...documents].map(([key, { document }]) => [key, (document as Balance).cents]))
    },
  }
}
