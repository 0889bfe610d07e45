import { SeaworthyError } from 'seaworthy/core'
import type { EventEnvelope } from './event.ts'

/**
 * Kafka's model: the broker keeps a log per topic and partition, and consumers keep their place in it.
 * Records of one key are in one partition and keep their order; different partitions have no common order.
 */
export interface EventLog {
  /**
   * Appends in order. Settles once the records are durable; until then, they may or may not be there.
   * Appending the same event twice stores it twice: consumers recognise it by its id.
   * @throws TopicNotOwnedError when this process may not write the topic
   */
  append(topic: string, events: readonly EventEnvelope[]): Promise<void>
  /**
   * Joins a consumer group. Each group reads every record; the members of one group share the partitions. A topic that does not exist yet is
   * waited for.
   * @throws GroupTakenError when the engine has one member a group, and it has one
   */
  reader(options: LogReaderOptions): Promise<LogReader>
  topics(): Promise<readonly TopicStatus[]>
  close(): Promise<void>
}

/** What a relay needs of a log, and all that a broker has which keeps no places for readers. */
export type AppendOnlyLog = Pick<EventLog, 'append' | 'close'>

export interface LogReaderOptions {
  readonly topics: readonly string[]
  readonly group: string
  /** Where a group begins that has no offset yet. Default `earliest`. */
  readonly from?: 'earliest' | 'latest'
  /**
   * Called when partitions go to another member, on engines whose groups have several. Finish or give up what came from them, commit, and settle:
   * they are handed over then, or after a limit of the engine's, whatever is still in progress. From then on a commit for them is refused
   * (PartitionRevokedError), and what was not committed comes to their new reader. A member that was taken for dead is told too, afterwards.
   */
  readonly onRevoke?: (partitions: readonly TopicPartition[]) => Promise<void>
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface LogRecord {
  readonly topic: string
  readonly partition: number
  /** Place in the partition, from 0. */
  readonly offset: number
  /** When the log stored it, milliseconds since the epoch. */
  readonly appendedAtMs: number
  /** What was stored. Whoever reads checks it (`assertEnvelope`): what is no event is handed on as it lies, so that a person can see it. */
  readonly event: EventEnvelope
}

export interface Position extends TopicPartition {
  /** The next offset to be read. */
  readonly offset: number
}

/** One member of a consumer group. */
export interface LogReader {
  /**
   * The next records, at most `max`, in order within each partition. Waits up to `waitMs` for the first one; an empty answer
   * means that there was none. Does not move the committed offsets.
   */
  poll(options: { max: number; waitMs: number; signal?: AbortSignal }): Promise<readonly LogRecord[]>
  /**
   * Stores where the group goes on after a restart. Moves forward only; a place that has not been read since the last seek is ignored,
   * because it was read before it.
   * @throws PartitionRevokedError when other members have some of the partitions now; the positions in the others are stored
   */
  commit(positions: readonly Position[]): Promise<void>
  /** Moves this group, for a replay: to the beginning, to the end, or to the first record stored at or after a time. */
  seek(to: { kind: 'earliest' } | { kind: 'latest' } | { kind: 'time'; epochMs: number }): Promise<void>
  /** Records that this group has not committed yet. */
  lag(): Promise<number>
  close(): Promise<void>
}

export interface TopicStatus {
  readonly topic: string
  readonly partitions: number
  readonly records: number
  readonly groups: readonly { readonly group: string; readonly lag: number }[]
  /** What is in each partition: offsets from `first`, up to and without `next`. Absent where the engine does not tell. */
  readonly offsets?: readonly { readonly partition: number; readonly first: number; readonly next: number }[]
}

/** This process may not write the topic. */
export class TopicNotOwnedError extends SeaworthyError {
  constructor(topic: string, owns: readonly string[]) {
    super(
      'topic-not-owned',
      `This process may not append to topic ${topic}: it owns ${owns.length === 0 ? 'none' : owns.join(', ')}. Publish through the service that owns it.`,
      { executed: 'no', final: true },
    )
  }
}

/** The consumer group has its one member already. */
export class GroupTakenError extends SeaworthyError {
  constructor(group: string, options: { cause?: unknown } = {}) {
    super(
      'group-taken',
      `Consumer group ${group} has a member already, and an embedded group has one. Give this consumer a group of its own, or end the other process.`,
      { ...options, executed: 'no' },
    )
  }
}

/** Partitions of a commit belong to another member of the group, which reads on from the last commit before. */
export class PartitionRevokedError extends SeaworthyError {
  readonly partitions: readonly TopicPartition[]

  constructor(group: string, partitions: readonly TopicPartition[], options: { cause?: unknown } = {}) {
    const names = partitions.map(({ topic, partition }) => `${topic}/${partition}`)
    super(
      'partition-revoked',
      `This member of group ${group} does not read ${names.join(', ')} any more, so that its commit does not count. Another member handles again what was not committed before.`,
      { ...options, executed: 'no', final: true },
    )
    this.partitions = partitions
  }
}
