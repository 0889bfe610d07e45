import { TraceFlags } from '@opentelemetry/api'
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import { type Clock, type Timer, backoffMs, exponential } from 'seaworthy/core'

/**
 * What became of a batch:
 * - `stored`: the collector has it, but for `rejected` spans of it, and said why.
 * - `refused`: it will never take it.
 * - `unreachable`: it may take it later, after `retryAfterMs` if it said so.
 */
export type SendResult =
  | { readonly kind: 'stored'; readonly rejected: number; readonly why: string }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'unreachable'; readonly why: string; readonly retryAfterMs?: number | undefined }

/** Sends spans to a collector. Never throws. */
export interface SpanTransport {
  send(spans: readonly ReadableSpan[], signal: AbortSignal): Promise<SendResult>
  close(): void
}

export interface SpanQueueOptions {
  readonly transport: SpanTransport
  readonly clock: Clock
  /** Spans kept for a collector that is away; beyond it the oldest are dropped and counted. Default 8,192. */
  readonly queueMax?: number
  /** Spans a request. Default 512. */
  readonly batchSizeMax?: number
  /** How long a span waits for others to share its request. Default 200 ms. */
  readonly delayMs?: number
  /** Told when the collector stays away for more than 10 s and when it is back, and when spans are lost; not of each span. */
  readonly onTrouble?: (trouble: ExportTrouble) => void
}

export type ExportTrouble =
  | { readonly kind: 'unreachable'; readonly why: string }
  | { readonly kind: 'back'; readonly dropped: number }
  | { readonly kind: 'refused'; readonly why: string; readonly spans: number }
  | { readonly kind: 'overflow'; readonly dropped: number }

/** Counts since the process began. */
export interface ExportStatus {
  readonly queued: number
  readonly exported: number
  /** Lost: the queue was full, the collector refused them, or the process ended first. */
  readonly dropped: number
}

/** Work that makes spans faster than the collector takes them does so for a while. */
const OVERFLOW_TOLD_EVERY_MS = 60_000
/** A collector that starts or is replaced is away for moments, and nothing is lost by it. */
const OUTAGE_TOLD_AFTER_MS = 10_000

const RETRY = exponential({ baseMs: 100, maxMs: 5_000, jitter: 'equal' })

/**
 * Finished spans on their way out. One request at a time, so that a slow collector meets batches that grow instead of
 * requests that pile up. A batch that did not arrive stays at the head of the queue and is sent again.
 */
export class SpanQueue implements SpanProcessor {
  readonly #transport: SpanTransport
  readonly #clock: Clock
  readonly #queueMax: number
  readonly #batchSizeMax: number
  readonly #delayMs: number
  readonly #onTrouble: (trouble: ExportTrouble) => void
  readonly #stopping = new AbortController()
  #waiting: ReadableSpan[] = []
  #timer: Timer | undefined
  #sending: Promise<void> | undefined
  /** Requests in a row that did not arrive, and what had been dropped before them. */
  #outage: { attempts: number; readonly sinceMs: number; readonly droppedBefore: number; isTold: boolean } | undefined
  #overflowToldMs = Number.NEGATIVE_INFINITY
  #exported = 0
  #dropped = 0
  #isClosed = false

  constructor(options: SpanQueueOptions) {
    this.#transport = options.transport
    this.#clock = options.clock
    this.#queueMax = options.queueMax ?? 8_192
    this.#batchSizeMax = options.batchSizeMax ?? 512
    this.#delayMs = options.delayMs ?? 200
    this.#onTrouble = options.onTrouble ?? (() => undefined)
  }

  get status(): ExportStatus {
    return { queued: this.#waiting.length, exported: this.#exported, dropped: this.#dropped }
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return
    if (this.#isClosed) {
      this.#dropped++
      return
    }
    this.#waiting.push(span)
    if (this.#waiting.length > this.#queueMax) this.#overflow()
    if (this.#sending !== undefined || this.#outage !== undefined) return
    if (this.#waiting.length >= this.#batchSizeMax) void this.#send()
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

  #overflow(): void {
    this.#dropOldest(Math.ceil(this.#queueMax / 10))
    const nowMs = this.#clock.monotonicMs()
    // The end of an outage tells what was lost in it.
    if (this.#outage !== undefined || nowMs - this.#overflowToldMs < OVERFLOW_TOLD_EVERY_MS) return
    this.#overflowToldMs = nowMs
    this.#onTrouble({ kind: 'overflow', dropped: this.#dropped })
  }

  // A tenth at once: taking one from the front for each that comes would move the whole array each time.
  #dropOldest(count: number): void {
    this.#waiting.splice(0, count)
    this.#dropped += count
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
    const batch = this.#waiting.splice(0, this.#batchSizeMax)
    const result = await this.#transport.send(batch, this.#stopping.signal)
    this.#sending = undefined
    const nextMs = this.#settle(batch, result)
    if (this.#waiting.length > 0 && !this.#isClosed) this.#timer ??= this.#sendAfter(nextMs)
  }

  /** Counts what became of the batch. @returns when to send the next one, in milliseconds from now */
  #settle(batch: readonly ReadableSpan[], result: SendResult): number {
    if (result.kind === 'unreachable') {
      this.#waiting = [...batch, ...this.#waiting]
      if (this.#waiting.length > this.#queueMax) this.#dropOldest(this.#waiting.length - this.#queueMax)
      const nowMs = this.#clock.monotonicMs()
      const outage = (this.#outage ??= { attempts: 0, sinceMs: nowMs, droppedBefore: this.#dropped, isTold: false })
      outage.attempts++
      if (!outage.isTold && nowMs - outage.sinceMs >= OUTAGE_TOLD_AFTER_MS && !this.#stopping.signal.aborted) {
        outage.isTold = true
        this.#onTrouble({ kind: 'unreachable', why: result.why })
      }
      return result.retryAfterMs ?? backoffMs(RETRY, outage.attempts)
    }
    if (this.#outage !== undefined) {
      const dropped = this.#dropped - this.#outage.droppedBefore
      if (this.#outage.isTold || dropped > 0) this.#onTrouble({ kind: 'back', dropped })
      this.#outage = undefined
    }
    const lost = result.kind === 'refused' ? batch.length : Math.min(batch.length, result.rejected)
    this.#exported += batch.length - lost
    this.#dropped += lost
    if (lost > 0) this.#onTrouble({ kind: 'refused', why: result.why, spans: lost })
    return this.#waiting.length >= this.#batchSizeMax ? 0 : this.#delayMs
  }
}
