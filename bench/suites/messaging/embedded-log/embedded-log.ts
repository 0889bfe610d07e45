import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Schema } from 'seaworthy/core'
import { type EventEnvelope, defineEvent } from 'seaworthy/messaging'
import { openSqliteEventLog } from 'seaworthy/sqlite'
import type { Contender, Metric } from '../../../harness/suite.ts'
import { nextOrder } from '../order.ts'
import { quantile } from '../quantile.ts'
import { nowMs } from '../wall-clock.ts'
import type { Consumed, Expected } from './conversation.ts'

const module = import.meta.url
const TOPICS = ['orders', 'payments', 'shipping', 'returns']
const BATCH = 100
const PER_SECOND = 400

interface Noted {
  readonly key: string
  readonly sentAtMs: number
  readonly note: string
}

const anything: Schema<Noted> = {
  '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value: value as Noted }) },
}
const noted = new Map(
  TOPICS.map((topic) => [topic, defineEvent('noted', { topic, version: 1, key: ({ key }) => key, schema: anything })] as const),
)

function nextEvent(topic: string): EventEnvelope {
  const { customer, note } = nextOrder()
  return noted.get(topic)!({ key: customer, sentAtMs: nowMs(), note })
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'seaworthy-bench-'))
  process.once('exit', () => rmSync(path, { recursive: true, force: true }))
  return path
}

/** This process publishes; the other consumes. */
async function across() {
  const directory = folder()
  const log = await openSqliteEventLog({ directory, owns: TOPICS })
  const consumers = fork(new URL('consumers-main.ts', module), [directory, ...TOPICS], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  await once(consumers, 'message')
  const consumed = async (events: number): Promise<Consumed> => {
    consumers.send({ events } satisfies Expected)
    const [answer] = (await once(consumers, 'message')) as [Consumed]
    return answer
  }
  return { log, consumed }
}

/** Calls `send` for each topic in turn, in a steady beat. @param perTopic so often for each */
async function inABeat(perTopic: number, send: (topic: string) => Promise<void>): Promise<void> {
  const startedMs = performance.now()
  const sending: Promise<void>[] = []
  for (let n = 0; n < perTopic * TOPICS.length; n++) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, startedMs + (n * 1_000) / PER_SECOND - performance.now())))
    sending.push(send(TOPICS[n % TOPICS.length]!))
  }
  await Promise.all(sending)
}

export const ourThroughput: Contender = async ({ quick }) => {
  const perTopic = quick ? 1_000 : 10_000
  const { log, consumed } = await across()
  return async () => {
    const startedMs = performance.now()
    const all = consumed(perTopic)
    await Promise.all(
      TOPICS.map(async (topic) => {
        for (let sent = 0; sent < perTopic; sent += BATCH)
          await log.append(
            topic,
            Array.from({ length: BATCH }, () => nextEvent(topic)),
          )
      }),
    )
    await all
    return ((perTopic * TOPICS.length) / (performance.now() - startedMs)) * 1_000
  }
}

export const ourTail: Contender = async ({ quick }) => {
  const perTopic = quick ? 100 : 400
  const { log, consumed } = await across()
  return async () => {
    const all = consumed(perTopic)
    await inABeat(perTopic, (topic) => log.append(topic, [nextEvent(topic)]))
    return (await all).p99Ms
  }
}

/** A file for each topic, inserts and selects by hand, one after the other. */
function openBare() {
  const directory = folder()
  return TOPICS.map((topic) => {
    const database = new DatabaseSync(join(directory, topic))
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    database.exec('CREATE TABLE record (offset INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL) STRICT')
    const insert = database.prepare('INSERT INTO record (event) VALUES (?)')
    const select = database.prepare('SELECT offset, event FROM record WHERE offset > ? ORDER BY offset LIMIT 500')
    let place = 0
    return {
      topic,
      append: (events: readonly EventEnvelope[]) => {
        database.exec('BEGIN IMMEDIATE')
        for (const event of events) insert.run(JSON.stringify(event))
        database.exec('COMMIT')
      },
      read: (): readonly EventEnvelope[] =>
        select.all(place).map((row) => {
          place = row['offset'] as number
          return JSON.parse(row['event'] as string) as EventEnvelope
        }),
    }
  })
}

export const bareThroughput: Contender = async ({ quick }) => {
  const perTopic = quick ? 1_000 : 10_000
  const files = openBare()
  return async () => {
    const startedMs = performance.now()
    let read = 0
    for (let sent = 0; sent < perTopic; sent += BATCH) {
      for (const file of files) file.append(Array.from({ length: BATCH }, () => nextEvent(file.topic)))
      for (const file of files) read += file.read().length
    }
    if (read !== perTopic * TOPICS.length) throw new Error(`${read} records were read.`)
    return (read / (performance.now() - startedMs)) * 1_000
  }
}

export const bareTail: Contender = async ({ quick }) => {
  const files = new Map(openBare().map((file) => [file.topic, file]))
  return async () => {
    const latenciesMs: number[] = []
    await inABeat(quick ? 100 : 400, async (topic) => {
      const file = files.get(topic)!
      file.append([nextEvent(topic)])
      for (const { data } of file.read()) latenciesMs.push(nowMs() - (data as Noted).sentAtMs)
    })
    return quantile(latenciesMs, 0.99)
  }
}

export const embeddedLogMetrics: readonly Metric[] = [
  {
    name: 'embedded-log',
    unit: 'messages per second, appended, read and committed',
    better: 'higher',
    peer: 'bare node:sqlite in one process',
    target: { ratioMin: 0.4 },
    note: `${TOPICS.length} topics of one process, as many consumers in another. WAL and synchronous=FULL, ${BATCH} messages a commit. The bare one keeps no places.`,
    rounds: 9,
    contenders: { ours: { module, name: 'ourThroughput' }, peer: { module, name: 'bareThroughput' } },
  },
  {
    name: 'embedded-log-p99-ms',
    unit: 'ms from the append until another process has the record',
    better: 'lower',
    peer: 'bare insert and select in one process',
    target: { oursMax: 10 },
    note: `${PER_SECOND} messages a second over ${TOPICS.length} topics, a commit each.`,
    rounds: 5,
    contenders: { ours: { module, name: 'ourTail' }, peer: { module, name: 'bareTail' } },
  },
]
