import type { MessageRecord } from '@platformatic/kafka'
import type { SeaworthyError } from 'seaworthy/core'
import type { Identity } from './producer-identity.ts'

/** An append on its way. It settles when the last of its records does. */
export interface Append {
  readonly deadlineMs: number
  recordsLeft: number
  isStoredInPart: boolean
  failure: SeaworthyError | undefined
  readonly settle: (failure: SeaworthyError | undefined) => void
}

export interface QueuedRecord {
  readonly message: MessageRecord & { readonly partition: number }
  readonly bytes: number
  readonly append: Append
}

/** Records that are sent together, and again under the same number until it is known whether they are stored. */
export interface Batch {
  readonly records: readonly QueuedRecord[]
  identity: Identity | undefined
  sequence: number
  /** Whether the broker may have it. */
  sent: boolean
}

// The broker counts on from 0 after the largest 32-bit number.
const SEQUENCES = 2 ** 31

/**
 * What waits for one partition, in order. One batch of it is on its way at a time: the next one would otherwise be stored before it
 * when it has to be sent again.
 */
export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  /** The batch to be sent, or sent again. */
  batch: Batch | undefined
  inFlight = false
  /** When it may be tried again, on the monotonic clock. */
  notBeforeMs = 0
  failures = 0
  readonly #waiting: QueuedRecord[] = []
  #batchBytesMax: number
  #identity: Identity | undefined
  #nextSequence = 0
  #inDoubt = false

  constructor(topic: string, partition: number, batchBytesMax: number) {
    this.topic = topic
    this.partition = partition
    this.#batchBytesMax = batchBytesMax
  }

  get isEmpty(): boolean {
    return this.batch === undefined && this.#waiting.length === 0
  }

  add(record: QueuedRecord): void {
    this.#waiting.push(record)
  }

  /** The batch to send next. */
  fill(): Batch | undefined {
    if (this.batch !== undefined || this.#waiting.length === 0) return this.batch
    let count = 0
    for (let bytes = 0; count < this.#waiting.length; count++) {
      bytes += this.#waiting[count]!.bytes
      if (count > 0 && bytes > this.#batchBytesMax) break
    }
    this.batch = { records: this.#waiting.splice(0, count), identity: undefined, sequence: 0, sent: false }
    return this.batch
  }

  /**
   * Gives the batch its number, once.
   * @returns false under an identity whose numbers are in doubt: the broker would take a new batch for one that it has, and confirm it unstored
   */
  number(batch: Batch, identity: Identity): boolean {
    if (batch.identity !== undefined) return true
    if (this.#identity !== identity) {
      this.#identity = identity
      this.#nextSequence = 0
      this.#inDoubt = false
    }
    if (this.#inDoubt) return false
    batch.identity = identity
    batch.sequence = this.#nextSequence
    this.#nextSequence = (this.#nextSequence + batch.records.length) % SEQUENCES
    return true
  }

  /** The batch is done with, stored or not. `refused`: its number was not used up. */
  done(options: { refused: boolean }): void {
    if (options.refused && this.batch?.identity !== undefined) this.#nextSequence = this.batch.sequence
    this.batch = undefined
    this.failures = 0
  }

  /** The broker does not know the numbers any more, or what was sent is given up in doubt: what follows goes under another identity. */
  doubtNumbers(): void {
    if (this.batch?.identity === undefined) return
    this.#inDoubt = true
    this.batch.identity = undefined
  }

  /** The batch is larger than the broker takes. @returns false when it is one record, and cannot be smaller */
  split(): boolean {
    const { batch } = this
    if (batch === undefined || batch.records.length === 1) return false
    this.#batchBytesMax = Math.ceil(batch.records.reduce((sum, { bytes }) => sum + bytes, 0) / 2)
    this.done({ refused: true })
    this.#waiting.unshift(...batch.records)
    return true
  }

  /** Takes out what waits too long, or everything. */
  expired(isOver: (record: QueuedRecord) => boolean): QueuedRecord[] {
    const over: QueuedRecord[] = []
    while (this.#waiting.length > 0 && isOver(this.#waiting[0]!)) over.push(this.#waiting.shift()!)
    return over
  }
}
