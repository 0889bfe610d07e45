import { type Clock, type Timer, backoffMs, exponential } from 'seaworthy/core'

/**
 * What became of a batch:
 * - `stored`: the collector has it, but for `rejected` items of it, and said why. It may have something to say although it took all.
 * - `refused`: it will never take it.
 * - `unreachable`: it may take it later, after `retryAfterMs` if it said so.
 */
export type SendResult =
  | { readonly kind: 'stored'; readonly rejected: number; readonly why: string }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'unreachable'; readonly why: string; readonly retryAfterMs?: number | undefined }

/** Sends spans, log records or metrics to a collector. Never throws. */
export interface Transport<Item> {
  /** Loads what the first request needs: time that is not to be taken from what a collector gets at the end of a process. Never rejects. */
  prepare?(): Promise<void>
  send(items: readonly Item[], signal: AbortSignal): Promise<SendResult>
  close(): void
}

export interface ExportQueueOptions<Item> {
  readonly transport: Transport<Item>
  readonly clock: Clock
  /** Items kept for a collector that is away; beyond it the oldest are dropped and counted. Default 8,192. */
  readonly queueMax?: number
  /** Items a request. Default 512. */
  readonly batchSizeMax?: number
  /** How long an item waits for others to share its request. Default 200 ms. */
  readonly delayMs?: number
  /** Where items differ much in size: how large one is, and how much of that is kept, and goes into one request, at most. */
  readonly size?: { readonly of: (item: Item) => number; readonly queueMax: number; readonly batchMax: number }
  /** Told when the collector stays away for more than 10 s and when it is back, when items are lost, and when it warns; not of each item. */
  readonly onTrouble?: (trouble: ExportTrouble) => void
}

export type ExportTrouble =
  | { readonly kind: 'unreachable'; readonly why: string }
  | { readonly kind: 'back'; readonly dropped: number }
  | { readonly kind: 'refused'; readonly why: string; readonly count: number }
  | { readonly kind: 'warned'; readonly why: string }
  | { readonly kind: 'overflow'; readonly dropped: number }

/** Counts since the process began. */
export interface ExportStatus {
  readonly queued: number
  readonly exported: number
  /** Lost: the queue was full, the collector refused them, or the process ended first. */
  readonly dropped: number
}

/** Work that makes more than the collector takes does so for a while; a collector that refuses refuses the next batch too. */
const TOLD_EVERY_MS = 60_000
/** A collector that starts or is replaced is away for moments, and nothing is lost by it. */
const OUTAGE_TOLD_AFTER_MS = 10_000

/** A collector that wants more than that, or has its clock wrong, is asked again all the same. */
export const RETRY_AFTER_MAX_MS = 3_600_000

const RETRY = exponential({ baseMs: 100, maxMs: 5_000, jitter: 'equal' })
const EVEN = { of: () => 1, queueMax: Number.POSITIVE_INFINITY, batchMax: Number.POSITIVE_INFINITY }

/**
 * Spans or log records on their way out. One request at a time, so that a slow collector meets batches that grow instead of
 * requests that pile up. A batch that did not arrive stays at the head of the queue and is sent again.
 */
export class ExportQueue<Item> {
  readonly #transport: Transport<Item>
  readonly #clock: Clock
  readonly #queueMax: number
  readonly #batchSizeMax: number
  readonly #delayMs: number
  readonly #size: NonNullable<ExportQueueOptions<Item>['size']>
  readonly #onTrouble: (trouble: ExportTrouble) => void
  readonly #stopping = new AbortController()
  #waiting: Item[] = []
  /** Of all that waits. */
  #waitingSize = 0
  #timer: Timer | undefined
  #sending: Promise<void> | undefined
  /** Requests in a row that did not arrive, and what had been dropped before them. */
  #outage: { attempts: number; readonly sinceMs: number; readonly droppedBefore: number; isTold: boolean } | undefined
  readonly #toldMs = { overflow: Number.NEGATIVE_INFINITY, refused: Number.NEGATIVE_INFINITY, warned: Number.NEGATIVE_INFINITY }
  #exported = 0
  #dropped = 0
  #refusedUntold = 0
  #isClosed = false

  constructor(options: ExportQueueOptions<Item>) {
    this.#transport = options.transport
    this.#clock = options.clock
    this.#queueMax = options.queueMax ?? 8_192
    this.#batchSizeMax = options.batchSizeMax ?? 512
    this.#delayMs = options.delayMs ?? 200
    this.#size = options.size ?? EVEN
    this.#onTrouble = options.onTrouble ?? (() => undefined)
  }

  get status(): ExportStatus {
    return { queued: this.#waiting.length, exported: this.#exported, dropped: this.#dropped }
  }

  add(item: Item): void {
    if (this.#isClosed) {
      this.#dropped++
      return
    }
    this.#waiting.push(item)
    this.#waitingSize += this.#size.of(item)
    if (this.#isOverfull()) this.#overflow()
    if (this.#sending !== undefined || this.#outage !== undefined) return
    if (this.#hasFullBatch()) void this.#send()
    else this.#timer ??= this.#sendAfter(this.#delayMs)
  }

  /** Tries once to send all that waits. */
  async forceFlush(): Promise<void> {
    await this.#sending
    while (this.#waiting.length > 0) {
      const before = this.#exported + this.#dropped
      await this.#send()
      if (this.#exported + this.#dropped === before) return
    }
  }

  /** Tries once to send all that waits, for at most `timeoutMs` (500: Ctrl-C must not wait for a collector); what is left is dropped. */
  async shutdown(timeoutMs = 500): Promise<void> {
    if (this.#isClosed) return
    if (this.#waiting.length > 0) await this.#transport.prepare?.()
    const deadline = this.#clock.timer(timeoutMs, () => this.#stopping.abort())
    try {
      await this.forceFlush()
    } finally {
      this.#isClosed = true
      deadline.cancel()
      this.#timer?.cancel()
      this.#dropOldest(this.#waiting.length)
      this.#transport.close()
    }
  }

  #isOverfull(): boolean {
    return this.#waiting.length > this.#queueMax || this.#waitingSize > this.#size.queueMax
  }

  #hasFullBatch(): boolean {
    return this.#waiting.length >= this.#batchSizeMax || this.#waitingSize >= this.#size.batchMax
  }

  #overflow(): void {
    this.#makeRoom()
    // The end of an outage tells what was lost in it.
    if (this.#outage === undefined && this.#mayTell('overflow')) this.#onTrouble({ kind: 'overflow', dropped: this.#dropped })
  }

  // A tenth at once: taking one from the front for each that comes would move the whole array each time.
  #makeRoom(): void {
    do this.#dropOldest(Math.ceil(Math.min(this.#queueMax, this.#waiting.length) / 10))
    while (this.#isOverfull())
  }

  #dropOldest(count: number): void {
    this.#dropped += this.#take(count).length
  }

  #take(count: number): Item[] {
    const taken = this.#waiting.splice(0, count)
    for (const item of taken) this.#waitingSize -= this.#size.of(item)
    return taken
  }

  #mayTell(what: 'overflow' | 'refused' | 'warned'): boolean {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#toldMs[what] < TOLD_EVERY_MS) return false
    this.#toldMs[what] = nowMs
    return true
  }

  #sendAfter(delayMs: number): Timer {
    return this.#clock.timer(delayMs, () => void this.#send(), { keepAlive: false })
  }

  #send(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    return (this.#sending ??= this.#sendBatch())
  }

  async #sendBatch(): Promise<void> {
    const batch = this.#take(this.#batchLength())
    const result = await this.#transport.send(batch, this.#stopping.signal)
    this.#sending = undefined
    const nextMs = this.#settle(batch, result)
    if (this.#waiting.length > 0 && !this.#isClosed) this.#timer ??= this.#sendAfter(nextMs)
  }

  /** One at least: what is too large for any request is for the collector to refuse. */
  #batchLength(): number {
    let size = 0
    const beyond = this.#waiting.findIndex((item, index) => {
      size += this.#size.of(item)
      return index > 0 && (index >= this.#batchSizeMax || size > this.#size.batchMax)
    })
    return beyond === -1 ? this.#waiting.length : beyond
  }

  /** Counts what became of the batch. @returns when to send the next one, in milliseconds from now */
  #settle(batch: readonly Item[], result: SendResult): number {
    if (result.kind === 'unreachable') {
      this.#waiting = [...batch, ...this.#waiting]
      for (const item of batch) this.#waitingSize += this.#size.of(item)
      if (this.#isOverfull()) this.#makeRoom()
      const nowMs = this.#clock.monotonicMs()
      const outage = (this.#outage ??= { attempts: 0, sinceMs: nowMs, droppedBefore: this.#dropped, isTold: false })
      outage.attempts++
      if (!outage.isTold && nowMs - outage.sinceMs >= OUTAGE_TOLD_AFTER_MS && !this.#stopping.signal.aborted) {
        outage.isTold = true
        this.#onTrouble({ kind: 'unreachable', why: result.why })
      }
      if (result.retryAfterMs === undefined) return backoffMs(RETRY, outage.attempts)
      return Math.min(result.retryAfterMs, RETRY_AFTER_MAX_MS)
    }
    if (this.#outage !== undefined) {
      const dropped = this.#dropped - this.#outage.droppedBefore
      if (this.#outage.isTold || dropped > 0) this.#onTrouble({ kind: 'back', dropped })
      this.#outage = undefined
    }
    const lost = result.kind === 'refused' ? batch.length : Math.min(batch.length, result.rejected)
    this.#exported += batch.length - lost
    this.#dropped += lost
    this.#refusedUntold += lost
    if (lost > 0 && this.#mayTell('refused')) {
      this.#onTrouble({ kind: 'refused', why: result.why, count: this.#refusedUntold })
      this.#refusedUntold = 0
    }
    if (lost === 0 && result.why !== '' && this.#mayTell('warned')) this.#onTrouble({ kind: 'warned', why: result.why })
    return this.#hasFullBatch() ? 0 : this.#delayMs
  }
}
