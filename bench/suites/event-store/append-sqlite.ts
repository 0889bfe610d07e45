import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandHandler } from 'seaworthy/event-sourcing'
import { eventStoreSchema, migrate, openSqliteDatabase, sqliteEventStore } from 'seaworthy/sqlite'
import type { Contender, Metric } from '../../harness/suite.ts'
import { countSyncs } from '../messaging/count-syncs.ts'
import { balance, moved, movedEvents } from './events.ts'

const module = import.meta.url
export const CALLERS = 8

/** A folder that goes with this process. */
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'seaworthy-bench-'))
  process.once('exit', () => rmSync(path, { recursive: true, force: true }))
  return path
}

async function openAccounts() {
  const database = await openSqliteDatabase({ path: join(folder(), 'events.db') })
  await migrate(database, [eventStoreSchema])
  const store = sqliteEventStore(database)
  return commandHandler({ decider: balance, events: movedEvents, store, database, schemaVersion: 1, snapshotEvery: 100 })
}

/** A command against one of eight streams in turn: loaded, decided and appended. An error ends the process, and the measurement. */
export async function ourCommand(): Promise<() => Promise<unknown>> {
  const accounts = await openAccounts()
  let number = 0
  return () => accounts.execute(`account-${number++ % CALLERS}`, moved(1))
}

/** The same, each command after the commit of the one before it. */
export async function commandAlone(): Promise<() => Promise<unknown>> {
  const command = await ourCommand()
  let before: Promise<unknown> = Promise.resolve()
  return () => (before = before.then(command))
}

const syncs =
  (append: 'ourCommand' | 'commandAlone'): Contender =>
  async ({ quick }) =>
  async () =>
    countSyncs({ module, append, writers: CALLERS, appends: quick ? 240 : 4_000 })

export const ourSyncs = syncs('ourCommand')
export const syncsAlone = syncs('commandAlone')

export const appendSqliteMetrics: readonly Metric[] = [
  {
    name: 'append-sqlite-8',
    unit: 'calls of fsync and fdatasync per command',
    better: 'lower',
    peer: 'the same commands one after another',
    target: { oursMax: 1 / 4 },
    note: `${CALLERS} concurrent commands, WAL and synchronous=FULL. Counted by strace, checkpoints included. A command that failed would fail the measurement.`,
    contenders: { ours: { module, name: 'ourSyncs' }, peer: { module, name: 'syncsAlone' } },
  },
]
