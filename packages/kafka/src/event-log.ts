import { type Clock, ConfigurationError, LimitExceededError, systemClock } from 'seaworthy/core'
import {
  type EventEnvelope,
  type EventLog,
  type LogReader,
  type LogReaderOptions,
  type TopicStatus,
  TopicNotOwnedError,
} from 'seaworthy/messaging'
import { type ContentMode, encodeEvent } from './cloud-events.ts'
import { Cluster, type KafkaConnection } from './cluster.ts'
import { KafkaClosedError } from './errors.ts'
import { KafkaLogReader } from './log-reader.ts'
import { Producer, bytesOf } from './producer.ts'
import { type Retention, assertTopicName, ensureTopics, topicStatus } from './topics.ts'

export interface KafkaEventLogOptions {
  /** `kafka://host:port,host:port`, or more about it. */
  readonly connection: string | KafkaConnection
  /** The topics that this process appends to. They are created if need be. Default none. What else it may not write is the business of Kafka's ACLs. */
  readonly owns?: readonly string[]
  /** Stands before the names of topics and groups on the cluster, for several systems on one. Default nothing. */
  readonly prefix?: string
  /** Of topics that are created. One that exists keeps its number. Default 8. */
  readonly partitions?: number
  /** Copies of topics that are created. From 3 on, an append is confirmed by two of them. Default the broker's. */
  readonly replicas?: number
  /** What the owned topics keep. Default everything. */
  readonly retain?: Retention
  /** How events lie on the wire; both are read. Default `structured`. */
  readonly contentMode?: ContentMode
  /** Size of an event at most, in bytes. Default 1,000,000. */
  readonly recordBytesMax?: number
  /** How long an append is tried before it fails. Default 30,000. */
  readonly deliveryTimeoutMs?: number
  /** Appends that wait for the broker, in bytes; more are refused. Default 33,554,432. */
  readonly bufferBytesMax?: number
  /** What each reader fetches ahead, in bytes; a fetch on its way may come on top. Default 16,777,216. */
  readonly fetchAheadBytesMax?: number
  /** Size of one fetch, in bytes. Default 8,388,608. */
  readonly fetchBytesMax?: number
  /** How long a reader keeps a partition that goes to another member while its records are still in progress. Default 10,000. */
  readonly revokeGraceMs?: number
  /** How long `seek` waits for other members to leave the group. Default 5,000. */
  readonly soleMemberWaitMs?: number
  readonly clock?: Clock
}

export interface KafkaEventLog extends EventLog {
  /**
   * The same log under a name that one process at a time appends under, such as that of a relay's lease. Whoever takes the name over fences the one before:
   * in each partition, its appends are refused (ProducerFencedError) from the first of the new one's on. `close` ends this one alone.
   * @throws SeaworthyError when the broker cannot be reached
   */
  takeOver(name: string): Promise<EventLog>
}

// The coordinator waits this much longer than the reader does before it gives the partition away by itself.
const REBALANCE_MARGIN_MS = 50_000
const CLOSE_WAIT_MS = 5_000

/**
 * Opens the event log on Apache Kafka 4.0 or newer, and creates the topics that this process owns.
 * @throws SeaworthyError when no broker can be reached
 */
export async function openKafkaEventLog(options: KafkaEventLogOptions): Promise<KafkaEventLog> {
  const log = new OpenKafkaEventLog(options)
  try {
    await log.open()
  } catch (error) {
    await log.close()
    throw error
  }
  return log
}

class OpenKafkaEventLog implements KafkaEventLog {
  readonly #options: KafkaEventLogOptions
  readonly #clock: Clock
  readonly #cluster: Cluster
  readonly #prefix: string
  readonly #owns: readonly string[]
  readonly #deliveryTimeoutMs: number
  readonly #appender: Appender
  readonly #readers = new Set<LogReader>()
  readonly #takenOver = new Set<EventLog>()
  #closed: Promise<void> | undefined

  constructor(options: KafkaEventLogOptions) {
    const { connection, owns = [], prefix = '', clock = systemClock, deliveryTimeoutMs = 30_000 } = options
    this.#options = options
    this.#clock = clock
    this.#prefix = prefix
    this.#owns = [...new Set(owns)]
    this.#deliveryTimeoutMs = deliveryTimeoutMs
    this.#cluster = new Cluster(connection, () => clock.monotonicMs())
    this.#appender = this.#newAppender(undefined)
  }

  async open(): Promise<void> {
    const { partitions = 8, replicas, retain } = this.#options
    if (!Number.isInteger(partitions) || partitions < 1 || partitions > 1024) {
      throw new ConfigurationError(`A topic has 1 to 1,024 partitions, not ${partitions}.`)
    }
    for (const topic of this.#owns) assertTopicName(this.#prefix + topic)
    await ensureTopics(
      this.#asking(),
      this.#owns.map((topic) => this.#prefix + topic),
      { partitions, replicas, retain },
    )
    // A broker that is not there is told of now, and not by the first append or poll.
    if (this.#owns.length === 0) await topicStatus(this.#asking(), this.#prefix)
  }

  append(topic: string, events: readonly EventEnvelope[]): Promise<void> {
    return this.#appender.append(topic, events)
  }

  async takeOver(name: string): Promise<EventLog> {
    this.#assertOpen()
    const appender = this.#newAppender(this.#prefix + name)
    await appender.takeName()
    const log: EventLog = {
      append: (topic, events) => appender.append(topic, events),
      reader: (options) => this.reader(options),
      topics: () => this.topics(),
      close: async () => {
        this.#takenOver.delete(log)
        await appender.close()
      },
    }
    this.#takenOver.add(log)
    return log
  }

  async reader({ topics, group, ...rest }: LogReaderOptions): Promise<LogReader> {
    this.#assertOpen()
    if (topics.length === 0) throw new ConfigurationError(`Group ${group} reads no topic. Name at least one.`)
    for (const topic of topics) assertTopicName(this.#prefix + topic)
    const { fetchAheadBytesMax = 16_777_216, fetchBytesMax = 8_388_608, revokeGraceMs = 10_000, soleMemberWaitMs = 5_000 } = this.#options
    const reader = new KafkaLogReader({
      ...rest,
      cluster: this.#cluster,
      clock: this.#clock,
      group: this.#prefix + group,
      topics: [...new Set(topics)].map((topic) => this.#prefix + topic),
      prefix: this.#prefix,
      bufferBytesMax: fetchAheadBytesMax,
      fetchBytesMax,
      revokeGraceMs,
      rebalanceTimeoutMs: revokeGraceMs + REBALANCE_MARGIN_MS,
      soleMemberWaitMs,
      askTimeoutMs: this.#deliveryTimeoutMs,
      onClose: (closed) => this.#readers.delete(closed),
    })
    this.#readers.add(reader)
    try {
      await reader.open()
    } catch (error) {
      await reader.close()
      throw error
    }
    return reader
  }

  async topics(): Promise<readonly TopicStatus[]> {
    this.#assertOpen()
    return topicStatus(this.#asking(), this.#prefix)
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#readers].map((reader) => reader.close()))
    await Promise.all([...this.#takenOver].map((log) => log.close()))
    await this.#appender.close()
    await this.#cluster.close()
  }

  #newAppender(name: string | undefined): Appender {
    const { contentMode = 'structured', recordBytesMax = 1_000_000, bufferBytesMax = 33_554_432 } = this.#options
    const producer = new Producer({
      cluster: this.#cluster,
      clock: this.#clock,
      name,
      deliveryTimeoutMs: this.#deliveryTimeoutMs,
      bufferBytesMax,
    })
    return new Appender({ producer, cluster: this.#cluster, prefix: this.#prefix, owns: this.#owns, contentMode, recordBytesMax })
  }

  #asking() {
    return { cluster: this.#cluster, clock: this.#clock, timeoutMs: this.#deliveryTimeoutMs }
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw new KafkaClosedError('log')
  }
}

interface AppenderOptions {
  readonly producer: Producer
  readonly cluster: Cluster
  readonly prefix: string
  readonly owns: readonly string[]
  readonly contentMode: ContentMode
  readonly recordBytesMax: number
}

/** What one producer may append. */
class Appender {
  readonly #options: AppenderOptions
  #closed: Promise<void> | undefined

  constructor(options: AppenderOptions) {
    this.#options = options
  }

  takeName(): Promise<void> {
    return this.#options.producer.takeName()
  }

  async append(topic: string, events: readonly EventEnvelope[]): Promise<void> {
    const { producer, cluster, prefix, owns, contentMode, recordBytesMax } = this.#options
    if (this.#closed !== undefined) throw new KafkaClosedError('log')
    if (!owns.includes(topic)) throw new TopicNotOwnedError(topic, owns)
    // All of them first, so that one that is no JSON, or too large, leaves nothing of its batch behind.
    const encoded = events.map((event) => {
      const record = encodeEvent(event, contentMode)
      const bytes = bytesOf(record)
      if (bytes <= recordBytesMax) return record
      throw new LimitExceededError(`Event ${event.id} is ${bytes} bytes, and at most ${recordBytesMax} are stored (recordBytesMax).`, {
        final: true,
      })
    })
    const { leaders } = cluster.known(prefix + topic) ?? { leaders: [] }
    if (leaders.length === 0)
      throw new ConfigurationError(`Topic ${prefix}${topic} was removed from the cluster. Open the log again to create it.`)
    await producer.append(prefix + topic, leaders.length, encoded)
  }

  close(): Promise<void> {
    this.#closed ??= this.#options.producer.close(CLOSE_WAIT_MS)
    return this.#closed
  }
}
