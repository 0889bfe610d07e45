import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { outbox } from 'seaworthy/outbox'
import { migrate, openSqliteDatabase, outboxStoreSchema, sqliteOutboxStore } from 'seaworthy/sqlite'
import { cpuNsPerCall } from '../../harness/meters.ts'
import type { Contender, Metric } from '../../harness/suite.ts'
import { countSyncs } from './count-syncs.ts'
import { TOPIC, nextOrder, orderPlaced, perSecond } from './order.ts'

const module = import.meta.url
const WRITERS = 64
const CREATE_ORDERS =
  'CREATE TABLE orders (id TEXT PRIMARY KEY, customer TEXT NOT NULL, total_cents INTEGER NOT NULL, note TEXT NOT NULL) STRICT'
const CREATE_PLAIN_OUTBOX = 'CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, event TEXT NOT NULL) STRICT'
const INSERT_ORDER = 'INSERT INTO orders (id, customer, total_cents, note) VALUES (?, ?, ?, ?)'
const INSERT_EVENT = 'INSERT INTO outbox (topic, event) VALUES (?, ?)'

type Append = () => Promise<unknown>

/** A folder that goes with this process. */
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'seaworthy-bench-'))
  process.once('exit', () => rmSync(path, { recursive: true, force: true }))
  return path
}

/** An order and its event, in a transaction of their own: what a service does. */
export async function ourAppend(): Promise<Append> {
  const database = await openSqliteDatabase({ path: join(folder(), 'orders.db') })
  await migrate(database, [{ component: 'orders', versions: [CREATE_ORDERS] }, outboxStoreSchema])
  const out = outbox({ store: sqliteOutboxStore(database), topics: [TOPIC] })
  return () => {
    const order = nextOrder()
    return database.transaction(async (tx) => {
      await tx.execute({ sql: INSERT_ORDER, params: [order.id, order.customer, order.totalCents, order.note] })
      await out.add(tx, orderPlaced(order))
    })
  }
}

function openBare() {
  const database = new DatabaseSync(join(folder(), 'orders.db'))
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  database.exec(`${CREATE_ORDERS}; ${CREATE_PLAIN_OUTBOX}`)
  const insertOrder = database.prepare(INSERT_ORDER)
  const insertEvent = database.prepare(INSERT_EVENT)
  const append = () => {
    const order = nextOrder()
    insertOrder.run(order.id, order.customer, order.totalCents, order.note)
    insertEvent.run(TOPIC, JSON.stringify(orderPlaced(order)))
  }
  return { database, append }
}

/** The same rows, each pair in a commit of its own. */
export async function bareAppend(): Promise<Append> {
  const { database, append } = openBare()
  return async () => {
    database.exec('BEGIN IMMEDIATE')
    append()
    database.exec('COMMIT')
  }
}

export const ourCpu: Contender = async ({ quick }) => {
  const append = await ourAppend()
  return () => cpuNsPerCall(async (calls) => void (await perSecond(calls, WRITERS, append)), quick ? 640 : 12_800)
}

/** A loop that knows beforehand what belongs together. */
export const bareCpu: Contender = async ({ quick }) => {
  const { database, append } = openBare()
  const loop = async (calls: number) => {
    for (let done = 0; done < calls; done += WRITERS) {
      database.exec('BEGIN IMMEDIATE')
      for (let one = 0; one < WRITERS; one++) append()
      database.exec('COMMIT')
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return () => cpuNsPerCall(loop, quick ? 640 : 12_800)
}

const syncs =
  (append: 'ourAppend' | 'bareAppend'): Contender =>
  async ({ quick }) =>
  async () =>
    countSyncs({ module, append, writers: WRITERS, appends: quick ? 640 : 6_400 })

export const ourSyncs = syncs('ourAppend')
export const bareSyncs = syncs('bareAppend')

export const appendSqliteMetrics: readonly Metric[] = [
  {
    name: 'append-sqlite-fsyncs-per-commit',
    unit: 'calls of fsync and fdatasync per acknowledged commit',
    better: 'lower',
    peer: 'a commit for each',
    target: { oursMax: 1 / 32 },
    note: `${WRITERS} concurrent writers, WAL and synchronous=FULL. Counted by strace, checkpoints included.`,
    contenders: { ours: { module, name: 'ourSyncs' }, peer: { module, name: 'bareSyncs' } },
  },
  {
    name: 'append-sqlite-cpu',
    unit: 'ns of CPU time per commit',
    better: 'lower',
    peer: 'a bare loop that puts 64 appends into each commit',
    target: { ratioMax: 1.5 },
    note: `${WRITERS} concurrent writers. The loop takes no number, knows no other callers and answers none.`,
    contenders: { ours: { module, name: 'ourCpu' }, peer: { module, name: 'bareCpu' } },
  },
]
