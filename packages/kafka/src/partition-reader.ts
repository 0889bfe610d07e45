import { type fetchV17, IS_CONTROL, IS_TRANSACTIONAL } from '@platformatic/kafka'
import type { EventEnvelope, LogRecord } from 'seaworthy/messaging'
import { type RecordContent, decodeEvent } from './cloud-events.ts'

interface BufferedRecord {
  readonly offset: number
  readonly appendedAtMs: number
  readonly content: RecordContent
  readonly bytes: number
}

/** The answer for one partition to a question that began at `offset`, in one life of its reader's position. */
export interface Fetched {
  readonly generation: number
  readonly offset: number
  readonly answer: fetchV17.FetchResponsePartition
}

// Bit 3 of a batch's attributes: the broker's clock stamped it, with one time for all.
const LOG_APPEND_TIME = 1 << 3
// Second number of a control record's key: what became of the transaction.
const ABORTED = 0

/** A partition that this member reads: where it is, and what was fetched ahead. */
export class PartitionReader {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** Raised when the position is moved by hand: what was asked before belongs to another life. */
  generation = 0
  /** Where the next fetch begins. */
  next = 0
  /** After the last record that was handed out since the position was set: nothing beyond it can have been handled. */
  readTo = 0
  /** Where the group goes on after a restart. */
  committed = 0
  /** Whether the position is known. */
  isPositioned = false
  /** Whether its records are held back: it is going to another member, or being moved. */
  isHeld = false
  /** Number of the last look that found out how far the log goes. */
  lookedAt = 0
  /** Whether the log goes on beyond what was fetched. */
  hasMore = true
  bytes = 0
  #records: BufferedRecord[] = []
  #taken = 0

  constructor({ topic, topicId, partition }: { topic: string; topicId: string; partition: number }) {
    this.topic = topic
    this.topicId = topicId
    this.partition = partition
  }

  moveTo(offset: number): void {
    this.generation++
    this.next = this.readTo = offset
    this.isPositioned = true
    this.hasMore = true
    this.drop()
  }

  /** Forgets what was fetched and not handed out, as it is now of no use to this member. */
  drop(): void {
    this.#records = []
    this.#taken = 0
    this.bytes = 0
  }

  get hasRecords(): boolean {
    return this.#taken < this.#records.length
  }

  /** Keeps what came, unless the position has been moved meanwhile. */
  accept({ generation, offset, answer }: Fetched): void {
    if (generation !== this.generation || offset !== this.next) return
    if (this.#taken > 0) {
      this.#records = this.#records.slice(this.#taken)
      this.#taken = 0
    }
    const aborted = new Set<bigint>()
    const abortedFrom = [...(answer.abortedTransactions ?? [])].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
    for (const batch of answer.records ?? []) {
      const first = Number(batch.firstOffset)
      while (abortedFrom.length > 0 && abortedFrom[0]!.firstOffset <= batch.firstOffset) aborted.add(abortedFrom.shift()!.producerId)
      if ((batch.attributes & IS_CONTROL) !== 0) {
        if (batch.records[0]?.key?.readInt16BE(2) === ABORTED) aborted.delete(batch.producerId)
      } else if ((batch.attributes & IS_TRANSACTIONAL) === 0 || !aborted.has(batch.producerId)) {
        for (const record of batch.records) {
          const at = first + record.offsetDelta
          // A fetch begins with the batch that holds its offset.
          if (at < offset) continue
          const stampMs = (batch.attributes & LOG_APPEND_TIME) === 0 ? batch.firstTimestamp + record.timestampDelta : batch.maxTimestamp
          this.#records.push({ offset: at, appendedAtMs: Number(stampMs), content: record, bytes: record.length })
          this.bytes += record.length
        }
      }
      this.next = Math.max(this.next, first + batch.lastOffsetDelta + 1)
    }
    this.hasMore = this.next < Number(answer.lastStableOffset)
  }

  /** Hands out at most `max` records, in order. */
  take(max: number): LogRecord[] {
    const taken: LogRecord[] = []
    while (taken.length < max && this.#taken < this.#records.length) {
      const { offset, appendedAtMs, content, bytes } = this.#records[this.#taken++]!
      this.bytes -= bytes
      this.readTo = offset + 1
      const { topic, partition } = this
      taken.push({ topic, partition, offset, appendedAtMs, event: decodeEvent(content) as EventEnvelope })
    }
    if (this.#taken === this.#records.length) this.drop()
    return taken
  }
}
