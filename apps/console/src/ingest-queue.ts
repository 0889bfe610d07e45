import { type Clock, type Timer, systemClock } from 'seaworthy/core'
import type { SpanRow } from './otlp/rows.ts'

/** What is stored: a span, or a log record. */
interface Row {
  readonly bytes: number
}

/** Where rows go. */
interface RowStore<R extends Row> {
  write(rows: readonly R[]): Promise<{ readonly stored: number; readonly dropped: number }>
  /** Whether something has to go before more may come. */
  isFull?(): Promise<boolean>
  /** Deletes a little of what is over the limits. @returns whether there was something */
  prune?(): Promise<boolean>
}

export interface IngestQueueOptions<R extends Row> {
  readonly store: RowStore<R>
  /** Spans or records that wait to be stored at most. Default 50,000. */
  readonly spansMax?: number
  /** Their bytes at most. Default 64 MiB. */
  readonly bytesMax?: number
  /** Of them, stored in one transaction. Default 500. */
  readonly batchSizeMax?: number
  /** How long one waits for others to share its transaction. Default 50 ms. */
  readonly delayMs?: number
  readonly onStored: (rows: readonly R[]) => void
  readonly onError: (error: unknown, lost: number) => void
  readonly clock?: Clock
}

/** Bytes stored in one transaction. */
const BATCH_BYTES_MAX = 4 << 20

/** Counts since the start. */
export interface IngestStatus {
  readonly queued: number
  readonly received: number
  readonly stored: number
  /** Taken and then lost: the store failed, or their trace was full. */
  readonly dropped: number
  /** Turned away while the queue was full; their senders try again. */
  readonly refused: number
}

/** Spans, or log records, between the request that brought them and the store: a request is answered before they are on disk. */
export class IngestQueue<R extends Row = SpanRow> {
  readonly #options: Required<Omit<IngestQueueOptions<R>, 'clock'>>
  readonly #clock: Clock
  #waiting: R[] = []
  #bytes = 0
  #timer: Timer | undefined
  #writing: Promise<void> | undefined
  #received = 0
  #stored = 0
  #dropped = 0
  #refused = 0

  constructor({ clock = systemClock, ...options }: IngestQueueOptions<R>) {
    this.#options = { spansMax: 50_000, bytesMax: 64 << 20, batchSizeMax: 500, delayMs: 50, ...options }
    this.#clock = clock
  }

  get status(): IngestStatus {
    return { queued: this.#waiting.length, received: this.#received, stored: this.#stored, dropped: this.#dropped, refused: this.#refused }
  }

  /** @returns false when there is no room: all of the request is turned away, so that its sender can send it again */
  offer(rows: readonly R[]): boolean {
    const bytes = bytesOf(rows)
    const isFull = this.#waiting.length + rows.length > this.#options.spansMax || this.#bytes + bytes > this.#options.bytesMax
    // An empty queue takes anything that a request may hold, or such a request could never be stored.
    if (isFull && this.#waiting.length > 0) {
      this.#refused += rows.length
      return false
    }
    this.#received += rows.length
    this.#bytes += bytes
    for (const row of rows) this.#waiting.push(row)
    if (this.#waiting.length >= this.#options.batchSizeMax) this.#write()
    else if (this.#writing === undefined)
      this.#timer ??= this.#clock.timer(this.#options.delayMs, () => this.#write(), { keepAlive: false })
    return true
  }

  /** Settles when all that waits has been stored. */
  async drain(): Promise<void> {
    this.#write()
    await this.#writing
  }

  #write(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#waiting.length > 0) this.#writing ??= this.#writeAll()
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, batchEnd(this.#waiting, this.#options))
      this.#bytes -= bytesOf(batch)
      try {
        const { stored, dropped } = await this.#options.store.write(batch)
        this.#stored += stored
        this.#dropped += dropped
        this.#options.onStored(batch)
      } catch (error) {
        this.#dropped += batch.length
        this.#options.onError(error, batch.length)
      }
      // Requests get their turn between two transactions: storing is synchronous work.
      await this.#turnOfOthers()
      await this.#makeRoom()
    }
    this.#writing = undefined
  }

  /** Before more is written, what is over the limits goes: the file does not grow by more than a batch, however fast spans come. */
  async #makeRoom(): Promise<void> {
    const { store } = this.#options
    try {
      while ((await store.isFull?.()) === true && (await store.prune?.()) === true) await this.#turnOfOthers()
    } catch (error) {
      this.#options.onError(error, 0)
    }
  }

  async #turnOfOthers(): Promise<void> {
    await new Promise<void>((resolve) => this.#clock.timer(0, resolve))
  }
}

/** Where a batch ends. A single span that has more is stored alone. */
function batchEnd(rows: readonly Row[], { batchSizeMax }: { readonly batchSizeMax: number }): number {
  let bytes = 0
  for (let index = 0; index < Math.min(rows.length, batchSizeMax); index++) {
    bytes += rows[index]!.bytes
    if (bytes > BATCH_BYTES_MAX && index > 0) return index
  }
  return Math.min(rows.length, batchSizeMax)
}

function bytesOf(rows: readonly Row[]): number {
  let bytes = 0
  for (const row of rows) bytes += row.bytes
  return bytes
}
