import { channel } from 'node:diagnostics_channel'
import { type ConnectionPool, fetchV17, protocolErrorsCodesById } from '@platformatic/kafka'
import type { Clock } from 'seaworthy/core'
import type { Cluster } from './cluster.ts'
import { isPassing } from './errors.ts'
import { listOffsets } from './offsets.ts'
import type { PartitionReader } from './partition-reader.ts'

export interface FetcherOptions {
  readonly cluster: Cluster
  readonly clock: Clock
  /** Of what is fetched ahead, by all partitions; a fetch on its way may come on top. */
  readonly bufferBytesMax: number
  readonly fetchBytesMax: number
  readonly askTimeoutMs: number
  /** Something came, or went wrong. */
  readonly onChange: (failure?: unknown) => void
}

/** Records that retention removed before this group read them. Published on the channel `seaworthy:event-log.records-gone`. */
export interface RecordsGone {
  readonly topic: string
  readonly partition: number
  /** The offset that was to be read next, and the first that there is. */
  readonly expected: number
  readonly first: number
}

// Without a session: each question names all that it asks for, and none depends on an earlier one.
const NO_SESSION = [0, -1] as const
const READ_COMMITTED = 1
const PARTITION_BYTES_MAX = 1_048_576
// A partition with this much ahead is asked for no more for now: the others get the room.
const PARTITION_BYTES_AHEAD = 524_288
const RETRY_MS = 100

const recordsGone = channel('seaworthy:event-log.records-gone')

/** Asks the leaders of partitions for records, one question at a time each, and stops asking while enough lies ahead. */
export class Fetcher {
  readonly #options: FetcherOptions
  readonly #pool: ConnectionPool
  readonly #asking = new Set<number>()
  #looks = 0
  #notBeforeMs = 0
  readonly #closing = new AbortController()

  constructor(options: FetcherOptions) {
    this.#options = options
    this.#pool = options.cluster.pool()
  }

  /** The number of the last question. A partition whose `lookedAt` is above it was asked about later. */
  get looks(): number {
    return this.#looks
  }

  /**
   * Asks for what lies behind the positions of `readers`, unless that is being asked already. The answer comes as soon as there is a record, or
   * after `waitMs`.
   */
  async ask(readers: readonly PartitionReader[], waitMs: number): Promise<void> {
    const { cluster, clock, bufferBytesMax, onChange } = this.#options
    if (this.#closing.signal.aborted || clock.monotonicMs() < this.#notBeforeMs) return
    const ahead = readers.reduce((sum, { bytes }) => sum + bytes, 0)
    if (ahead >= bufferBytesMax) return
    const wanting = readers.filter(({ isPositioned, isHeld, bytes }) => isPositioned && !isHeld && bytes < PARTITION_BYTES_AHEAD)
    if (wanting.length === 0) return
    try {
      const topics = await cluster.topics([...new Set(wanting.map(({ topic }) => topic))])
      const byLeader = Map.groupBy(wanting, ({ topic, partition }) => topics.get(topic)?.leaders[partition] ?? -1)
      for (const [leader, ofLeader] of byLeader) {
        if (leader === -1) this.#later(ofLeader)
        else if (!this.#asking.has(leader) && !this.#closing.signal.aborted) void this.#askLeader(leader, ofLeader, waitMs)
      }
    } catch (error) {
      this.#later(wanting)
      onChange(error)
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#options.cluster.release(this.#pool)
  }

  async #askLeader(leader: number, readers: readonly PartitionReader[], waitMs: number): Promise<void> {
    const { fetchBytesMax, onChange } = this.#options
    this.#asking.add(leader)
    const look = ++this.#looks
    const asked = readers.map((reader) => ({ reader, generation: reader.generation, offset: reader.next }))
    const topics = [...Map.groupBy(asked, ({ reader }) => reader.topicId)].map(([topicId, ofTopic]) => ({
      topicId,
      partitions: ofTopic.map(({ reader, offset }) => ({
        partition: reader.partition,
        fetchOffset: BigInt(offset),
        currentLeaderEpoch: -1,
        lastFetchedEpoch: -1,
        partitionMaxBytes: PARTITION_BYTES_MAX,
      })),
    }))
    let failure: unknown
    try {
      const answer = await this.#answer(leader, [waitMs, 1, fetchBytesMax, READ_COMMITTED, ...NO_SESSION, topics, [], ''])
      for (const { reader, generation, offset } of asked) {
        const ofPartition = answer.responses
          .find(({ topicId }) => topicId === reader.topicId)
          ?.partitions.find(({ partitionIndex }) => partitionIndex === reader.partition)
        if (ofPartition === undefined || generation !== reader.generation) continue
        if (ofPartition.errorCode === 0) {
          reader.accept({ generation, offset, answer: ofPartition })
          reader.lookedAt = look
        } else failure ??= this.#mend(reader, ofPartition)
      }
    } catch (error) {
      this.#later(readers)
      failure = error
    } finally {
      this.#asking.delete(leader)
      if (!this.#closing.signal.aborted) onChange(failure)
    }
  }

  async #answer(leader: number, args: Parameters<typeof fetchV17.createRequest>): Promise<fetchV17.FetchResponse> {
    try {
      return await this.#options.cluster.ask(leader, fetchV17.api, args, this.#pool)
    } catch (error) {
      // What is wrong with one partition does not concern the others.
      const { response } = error as { response?: fetchV17.FetchResponse }
      if (response?.errorCode === 0) return response
      throw error
    }
  }

  /** Mends what can be mended by looking elsewhere the next time. @returns what cannot */
  #mend(reader: PartitionReader, { errorCode }: fetchV17.FetchResponsePartition): unknown {
    const reason = protocolErrorsCodesById[errorCode]
    if (reason === 'OFFSET_OUT_OF_RANGE') {
      void this.#moveToFirst(reader)
      return undefined
    }
    if (isPassing({ apiId: reason })) {
      this.#later([reader])
      return undefined
    }
    return { apiId: reason }
  }

  /** To what is left. A position beyond the end is none of this log: it was cut, or made anew, and everything in it may be new. */
  async #moveToFirst(reader: PartitionReader): Promise<void> {
    const { cluster, clock, askTimeoutMs, onChange } = this.#options
    const { topic, partition, generation, next } = reader
    // Not asked about until it is known where to.
    reader.isPositioned = false
    try {
      const offsets = await listOffsets({ cluster, clock, timeoutMs: askTimeoutMs, signal: this.#closing.signal }, [topic], {
        kind: 'earliest',
      })
      if (reader.generation !== generation) return
      const first = offsets.get(topic)?.[partition] ?? 0
      reader.moveTo(first)
      if (recordsGone.hasSubscribers) recordsGone.publish({ topic, partition, expected: next, first } satisfies RecordsGone)
      onChange()
    } catch (error) {
      if (reader.generation === generation) reader.isPositioned = true
      this.#later([reader])
      onChange(error)
    }
  }

  #later(readers: readonly PartitionReader[]): void {
    this.#options.cluster.doubt(new Set(readers.map(({ topic }) => topic)))
    this.#notBeforeMs = this.#options.clock.monotonicMs() + RETRY_MS
  }
}
