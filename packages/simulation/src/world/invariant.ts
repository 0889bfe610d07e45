import type { SqlValue } from 'seaworthy/core'
import type { EventEnvelope, LogRecord, QueueStatus } from 'seaworthy/messaging'
import { EVENT_LOG, StoredLog } from '../engines/stored-log.ts'
import { StoredQueue } from '../engines/stored-queue.ts'
import { StoredDatabase } from '../engines/sqlite.ts'
import type { HistoryEntry } from '../kernel/history.ts'
import type { Acknowledged } from './client.ts'
import type { World } from './world.ts'

/** What an invariant sees: the system at rest, after the faults are over. */
export interface WorldView {
  readonly history: readonly HistoryEntry[]
  /** What clients were told, in the order of time. */
  readonly acknowledged: readonly Acknowledged[]
  /** Committed rows of a database, by the name of its node (or the name it was opened under). */
  query<Row extends object>(database: string, sql: string, params?: readonly SqlValue[]): readonly Row[]
  /** Records of a topic, by partition and offset. */
  records(topic: string): readonly LogRecord[]
  queue(name: string): QueueStatus
  shared<T extends object>(name: string): T | undefined
}

/** What must hold whenever the system has come to rest. */
export interface Invariant {
  readonly name: string
  /** Throws an AssertionError, or calls `violated`, when it does not hold. */
  readonly check: (view: WorldView) => void | Promise<void>
}

/** Declares an invariant. */
export function invariant(name: string, check: (view: WorldView) => void | Promise<void>): Invariant {
  return { name, check }
}

export function viewOf(world: World, acknowledged: readonly Acknowledged[]): WorldView {
  return {
    history: world.recorder.entries,
    acknowledged,
    query<Row extends object>(database: string, sql: string, params?: readonly SqlValue[]): readonly Row[] {
      const stored = world.find(`database ${database}`)
      if (!(stored instanceof StoredDatabase)) throw new Error(`There is no database '${database}'. Name the node that opens it.`)
      return stored.readCommitted<Row>({ sql, ...(params !== undefined && { params }) })
    },
    records(topic) {
      const log = world.find(EVENT_LOG)
      if (!(log instanceof StoredLog)) return []
      return log
        .partitions(topic)
        .flatMap((records) => records.map(({ text, ...record }) => ({ topic, ...record, event: JSON.parse(text) as EventEnvelope })))
    },
    queue(name) {
      const queue = world.find(`queue ${name}`)
      return queue instanceof StoredQueue ? queue.status() : { ready: 0, delayed: 0, leased: 0, dead: 0 }
    },
    shared: <T extends object>(name: string) => world.find(`shared ${name}`) as T | undefined,
  }
}
