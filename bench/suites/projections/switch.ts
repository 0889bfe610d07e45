import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ConflictError } from 'seaworthy/core'
import { type ReadStore, goBack, startDocumentProjection, switchVersion } from 'seaworthy/projections'
import { migrate, openSqliteDatabase, readStoreSchema, sqliteEventStore, sqliteReadStore } from 'seaworthy/sqlite'
import { quartiles } from '../../harness/statistics.ts'
import type { Effort, Metric } from '../../harness/suite.ts'
import { ACCOUNTS, balances, fillEventStore } from './events.ts'

const READERS = 16
const WRITES_PER_SECOND = 200
const BACKGROUND_MS = { quick: 300, full: 3_000 }

/** What readers met. */
interface Reads {
  failed: number
  /** Milliseconds of each. */
  readonly took: number[]
}

/** A version is built, checked and switched to under reads and writes, and gone back from. */
async function switching(seed: number, { quick }: Effort): Promise<{ quiet: Reads; switched: Reads }> {
  const events = quick ? 20_000 : 100_000
  const path = fillEventStore(events)
  await using stack = new AsyncDisposableStack()
  const open = async (file: string) => {
    const database = await openSqliteDatabase({ path: file })
    stack.defer(() => database.close())
    return database
  }
  const eventDatabase = await open(path)
  const source = sqliteEventStore(eventDatabase)
  const documents = await open(join(path, '../documents.db'))
  await migrate(documents, [readStoreSchema])
  const store = sqliteReadStore(documents)
  const start = (version: number) => {
    const running = startDocumentProjection({ projection: balances(version), source, store })
    stack.defer(() => running.stop())
    return running
  }
  const first = start(1)
  while ((await first.lag()).positions > 0) await delay(10)

  const load = new AbortController()
  let written = 0
  const writing = until(load.signal, async () => {
    const n = events + seed * 1_000_000 + written++
    const event = {
      id: `w${n}`,
      type: 'moved',
      schemaVersion: 1,
      data: { cents: 1, at: '2026', note: '' },
      context: { correlationId: 'bench' },
    }
    await eventDatabase.transaction((tx) => source.append(tx, `account-${n % ACCOUNTS}`, [event], 'any'))
    await delay(1_000 / WRITES_PER_SECOND)
  })
  const readUntil = async (work: Promise<unknown>): Promise<Reads> => {
    const reads: Reads = { failed: 0, took: [] }
    const over = new AbortController()
    const readers = Array.from({ length: READERS }, (_, reader) => reading(store, reads, reader, over.signal))
    await work.finally(() => over.abort())
    await Promise.all(readers)
    return reads
  }
  const quiet = await readUntil(delay(quick ? BACKGROUND_MS.quick : BACKGROUND_MS.full))
  const second = start(2)
  while ((await second.lag()).positions > 50) await delay(10)
  const switched = await readUntil(
    (async () => {
      await switchVersion({ projection: balances(2), source, store, sampleSize: 1_000, mayDiffer: () => false })
      await goBackSoon(store)
      await switchVersion({ projection: balances(2), source, store, sampleSize: 1_000 })
    })(),
  )
  load.abort()
  await writing
  if (written === 0 || switched.took.length === 0) throw new Error('There was no load while the versions were switched.')
  return { quiet, switched }
}

async function goBackSoon(store: ReadStore): Promise<void> {
  for (;;) {
    try {
      await goBack(store, 'balances', { from: 2 })
      return
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error
      await delay(5)
    }
  }
}

async function reading(store: ReadStore, reads: Reads, reader: number, signal: AbortSignal): Promise<void> {
  let n = reader
  await until(signal, async () => {
    const startedMs = performance.now()
    try {
      const { document } = await store.find('balances', `account-${(n += 37) % ACCOUNTS}`)
      if (document === undefined) reads.failed++
    } catch {
      reads.failed++
    }
    reads.took.push(performance.now() - startedMs)
    await delay(2)
  })
}

async function until(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) await work()
}

function percentile99(took: readonly number[]): number {
  return took.toSorted((one, other) => one - other)[Math.floor(took.length * 0.99)] ?? quartiles(took).high
}

const NOTE = `A version is built over 100,000 events, checked in a sample of 1,000 documents, switched to, gone back from and switched to again, under ${READERS} readers and ${WRITES_PER_SECOND} events a second, in one process on SQLite.`

export const switchMetrics: readonly Metric[] = [
  {
    name: 'switch-failed-reads',
    unit: 'reads that failed or found nothing',
    better: 'lower',
    peer: 'the same without a switch',
    target: { oursMax: 0 },
    note: NOTE,
    async simulate(seed, effort) {
      const { quiet, switched } = await switching(seed, effort)
      return { ours: switched.failed, peer: quiet.failed }
    },
  },
  {
    name: 'switch-p99-ms',
    unit: 'ms for a read, 99th percentile',
    better: 'lower',
    peer: 'the same without a switch',
    target: { oursMax: 50 },
    note: NOTE,
    async simulate(seed, effort) {
      const { quiet, switched } = await switching(seed, effort)
      return { ours: percentile99(switched.took), peer: percentile99(quiet.took) }
    },
  },
]
