import { mkdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, type Random, type Timer, ConfigurationError, Wakeup, systemClock, systemRandom } from 'seaworthy/core'
import {
  type EventEnvelope,
  type EventLog,
  type LogReader,
  type LogReaderOptions,
  type TopicStatus,
  TopicNotOwnedError,
} from 'seaworthy/messaging'
import type { Durability } from './database.ts'
import { SqliteClosedError } from './errors.ts'
import { GroupOffsets, filesIn, groupsOf } from './group-offsets.ts'
import { GroupReader } from './log-reader.ts'
import { type Retention, enforceRetention } from './retention.ts'
import { TopicCursor } from './topic-cursor.ts'
import { topicOfFile } from './topic-file.ts'
import { TopicView } from './topic-view.ts'
import { TopicWriter } from './topic-writer.ts'

export interface SqliteEventLogOptions {
  /** The folder of the log, shared by all processes: a file per topic. */
  readonly directory: string
  /** The topics that this process appends to, as the only one. They are created if need be. Default none. */
  readonly owns?: readonly string[]
  /** Of topics that are created. One that exists keeps its number. Default 8. */
  readonly partitions?: number
  /**
   * Where the groups of this process keep their offsets. Default `offsets` in the log's folder, where the owners of topics see them: retention
   * spares what these groups have not read, and `topics()` tells their lag. In a folder of the consumer's own, neither.
   */
  readonly offsetsDirectory?: string
  /** What the owned topics keep. Default everything. */
  readonly retain?: Retention
  /** Of the owned topics. Default `power-loss`. */
  readonly durability?: Durability
  /** Size of an event at most, in bytes of JSON. Default 1,000,000. */
  readonly recordBytesMax?: number
  /** How long to wait for a former owner of a topic, or a former member of a group. Default 5,000. */
  readonly ownershipWaitMs?: number
  readonly clock?: Clock
  readonly random?: Random
  /** Ends the wait for the ownership. */
  readonly signal?: AbortSignal
}

/**
 * Opens the embedded event log: a file per topic, written by one process and read by all. Takes the ownership of the topics it owns
 * until `close`, or until the process dies.
 * @throws SqliteOwnedError (`database-owned`) when another process owns one of them
 */
export async function openSqliteEventLog(options: SqliteEventLogOptions): Promise<EventLog> {
  mkdirSync(options.directory, { recursive: true })
  const log = new EmbeddedEventLog({ ...options, directory: realpathSync(options.directory) })
  try {
    await log.open()
  } catch (error) {
    await log.close()
    throw error
  }
  return log
}

class EmbeddedEventLog implements EventLog {
  readonly #options: SqliteEventLogOptions
  readonly #directory: string
  readonly #offsetsDirectory: string
  readonly #clock: Clock
  readonly #random: Random
  readonly #writers = new Map<string, TopicWriter>()
  readonly #readers = new Set<LogReader>()
  readonly #closing = new AbortController()
  #retentionTimer: Timer | undefined
  #retention: Promise<void> | undefined
  #closed: Promise<void> | undefined

  constructor(options: SqliteEventLogOptions) {
    this.#options = options
    this.#directory = options.directory
    this.#offsetsDirectory = options.offsetsDirectory ?? join(options.directory, 'offsets')
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
  }

  async open(): Promise<void> {
    const { partitions = 8, recordBytesMax = 1_000_000 } = this.#options
    if (!Number.isInteger(partitions) || partitions < 1 || partitions > 1024) {
      throw new ConfigurationError(`A topic has 1 to 1,024 partitions, not ${partitions}.`)
    }
    for (const topic of new Set(this.#options.owns)) {
      const writer = await TopicWriter.open({
        ...this.#storage(),
        directory: this.#directory,
        topic,
        partitions,
        recordBytesMax,
        durability: this.#options.durability ?? 'power-loss',
      })
      this.#writers.set(topic, writer)
    }
    this.#scheduleRetention()
  }

  async append(topic: string, events: readonly EventEnvelope[]): Promise<void> {
    this.#assertOpen()
    const writer = this.#writers.get(topic)
    if (writer === undefined) throw new TopicNotOwnedError(topic, [...this.#writers.keys()])
    await writer.append(events)
  }

  async reader({ topics, group, from = 'earliest' }: LogReaderOptions): Promise<LogReader> {
    this.#assertOpen()
    if (topics.length === 0) throw new ConfigurationError(`Group ${group} reads no topic. Name at least one.`)
    const offsets = await GroupOffsets.open(this.#offsetsDirectory, group, this.#storage())
    const bell = new Wakeup()
    const cursors = [...new Set(topics)].map(
      (topic) => new TopicCursor({ topic, directory: this.#directory, offsets, from, onRing: () => bell.wake() }),
    )
    const reader = new GroupReader({ group, cursors, offsets, bell, clock: this.#clock, onClose: (closed) => this.#readers.delete(closed) })
    this.#readers.add(reader)
    try {
      // At once: what is appended from now on is new to a group that begins at the latest.
      await reader.attach()
    } catch (error) {
      await reader.close()
      throw error
    }
    return reader
  }

  async topics(): Promise<readonly TopicStatus[]> {
    this.#assertOpen()
    return filesIn(this.#directory).flatMap((file) => {
      const topic = topicOfFile(file)
      const view = topic === undefined ? undefined : TopicView.open(this.#directory, topic)
      if (view === undefined) return []
      try {
        return [statusOf(view, this.#offsetsDirectory)]
      } finally {
        view.close()
      }
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#closing.abort()
    this.#retentionTimer?.cancel()
    await this.#retention
    await Promise.all([...this.#readers].map((reader) => reader.close()))
    await Promise.all([...this.#writers.values()].map((writer) => writer.close()))
  }

  #scheduleRetention(): void {
    const { retain } = this.#options
    if (retain === undefined || this.#writers.size === 0 || this.#closing.signal.aborted) return
    const fire = () => {
      this.#retention = this.#enforce(retain).then(() => this.#scheduleRetention())
    }
    this.#retentionTimer = this.#clock.timer(retain.everyMs ?? 60_000, fire, { keepAlive: false })
  }

  async #enforce(retain: Retention): Promise<void> {
    for (const writer of this.#writers.values()) {
      try {
        await enforceRetention({
          writer,
          retain,
          directory: this.#directory,
          offsetsDirectory: this.#offsetsDirectory,
          clock: this.#clock,
          signal: this.#closing.signal,
        })
      } catch (error) {
        // Too much is kept for now, which the next round makes good; a log that only grows must be seen, though.
        process.emitWarning(`Retention of topic ${writer.topic} failed: ${String(error)}`, { code: 'SEAWORTHY_RETENTION' })
      }
    }
  }

  #storage() {
    const { ownershipWaitMs = 5_000, signal } = this.#options
    return { ownershipWaitMs, clock: this.#clock, random: this.#random, ...(signal !== undefined && { signal }) }
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw new SqliteClosedError(`log ${this.#directory}`)
  }
}

function statusOf(view: TopicView, offsetsDirectory: string): TopicStatus {
  const bounds = view.bounds()
  const groups = [...groupsOf(offsetsDirectory, view.topic)].map(([group, places]) => {
    const lag = bounds.reduce((sum, { partition, first, next }) => {
      const place = places.find((candidate) => candidate.partition === partition && candidate.logId === view.logId)
      return sum + next - Math.min(next, Math.max(first, place?.offset ?? first))
    }, 0)
    return { group, lag }
  })
  return {
    topic: view.topic,
    partitions: bounds.length,
    records: bounds.reduce((sum, { first, next }) => sum + next - first, 0),
    groups,
    offsets: bounds,
  }
}
