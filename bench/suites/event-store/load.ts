import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { commandHandler } from 'seaworthy/event-sourcing'
import { type SqliteDatabase, eventStoreSchema, migrate, openSqliteDatabase, sqliteEventStore } from 'seaworthy/sqlite'
import { cpuNsPerCall } from '../../harness/meters.ts'
import type { Contender, Metric } from '../../harness/suite.ts'
import { type Moved, balance, moved, movedEvents, newEvents } from './events.ts'

const module = import.meta.url
const EVENTS = 10_000
const STREAM = 'account'
const SELECT = 'SELECT version, type, data FROM seaworthy_events WHERE stream = ? AND version > ? ORDER BY version'

async function openFilled(): Promise<SqliteDatabase> {
  const directory = mkdtempSync(join(tmpdir(), 'seaworthy-bench-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const database = await openSqliteDatabase({ path: join(directory, 'events.db') })
  await migrate(database, [eventStoreSchema])
  const store = sqliteEventStore(database)
  await database.transaction(async (tx) => {
    for (let done = 0; done < EVENTS; done += 1_000) await store.append(tx, STREAM, newEvents(1_000), 'any')
  })
  return database
}

function handlerOn(database: SqliteDatabase, snapshotEvery?: number) {
  const store = sqliteEventStore(database)
  const options = { decider: balance, events: movedEvents, store, database, schemaVersion: 1 }
  return commandHandler({ ...options, ...(snapshotEvery !== undefined && { snapshotEvery }) })
}

/** @throws Error when not all was loaded: a quick answer that is wrong is no figure */
const measure =
  (load: () => Promise<number>, calls: number): (() => Promise<number>) =>
  () =>
    cpuNsPerCall(async (times) => {
      for (let time = 0; time < times; time++) if ((await load()) < EVENTS) throw new Error('Events are missing.')
    }, calls)

export const ourLoad: Contender = async ({ quick }) => {
  const handler = handlerOn(await openFilled())
  return measure(async () => (await handler.load(STREAM)).state.movements, quick ? 3 : 30)
}

export const ourLoadFromSnapshot: Contender = async ({ quick }) => {
  const handler = handlerOn(await openFilled(), 100)
  // Takes the snapshot; the next is due after a hundred more, so that some events are left to be read.
  await handler.execute(STREAM, moved(1))
  for (let more = 0; more < 50; more++) await handler.execute(STREAM, moved(1))
  return measure(async () => (await handler.load(STREAM)).state.movements, quick ? 30 : 1_000)
}

export const bareLoad: Contender = async ({ quick }) => {
  const { path } = await openFilled()
  const select = new DatabaseSync(path, { readOnly: true }).prepare(SELECT)
  return measure(
    async () => {
      let state = balance.initial()
      for (const row of select.all(STREAM, 0)) {
        state = balance.evolve(state, { type: row['type'], ...(JSON.parse(row['data'] as string) as object) } as Moved)
      }
      return state.movements
    },
    quick ? 3 : 30,
  )
}

const peer = { module, name: 'bareLoad' }
const described = { unit: 'ns of CPU time per load', better: 'lower', peer: 'one SELECT of the driver, JSON.parse and evolve' } as const

export const loadMetrics: readonly Metric[] = [
  {
    name: 'load-10000',
    ...described,
    target: { ratioMax: 1.15 },
    note: 'A stream of 10,000 events, no snapshot. The SELECT takes all rows at once, and leaves out id, position, time and context.',
    contenders: { ours: { module, name: 'ourLoad' }, peer },
  },
  {
    name: 'load-10000-snapshot',
    ...described,
    target: { ratioMax: 0.05 },
    note: 'The same stream, from a snapshot and the 50 events after it.',
    contenders: { ours: { module, name: 'ourLoadFromSnapshot' }, peer },
  },
]
