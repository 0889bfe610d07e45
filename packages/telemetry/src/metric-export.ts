import type { Resource } from '@opentelemetry/resources'
import type { Clock, Timer } from 'seaworthy/core'
import type { Way } from './destinations.ts'
import { type ExportStatus, type ExportTrouble, RETRY_AFTER_MAX_MS, type SendResult } from './export-queue.ts'
import { type MetricsMoment, metricsMoment, pointsIn } from './otlp/metrics.ts'
import type { Prometheus } from './prometheus.ts'

export interface MetricExportOptions {
  readonly way: Way<MetricsMoment>
  readonly metrics: Pick<Prometheus, 'collect'>
  readonly resource: Resource
  readonly clock: Clock
  /** When the process started, in milliseconds since the epoch. */
  readonly startMs: number
  /** Told when metrics do not arrive any more, when they do again, and of a warning that is new; not of each time. */
  readonly onTrouble: (to: string, trouble: ExportTrouble) => void
}

const EVERY_MS = 60_000

/**
 * Sends all metrics to one place, now and then. Nothing is kept for a place that is away: counters count on, and what arrives next says all of it. A time that nobody
 * was told is a hole in a graph, and is counted as dropped points.
 */
export class MetricExport {
  readonly #options: MetricExportOptions
  readonly #everyMs: number
  readonly #stopping = new AbortController()
  #isLast = false
  #timer: Timer | undefined
  #sending: Promise<void> | undefined
  #failure: 'unreachable' | 'refused' | undefined
  #warning = ''
  /** What the collector wants to be left in peace for, if that is longer than until the next time. */
  #pauseMs = 0
  #droppedSinceFailure = 0
  #exported = 0
  #dropped = 0

  constructor(options: MetricExportOptions) {
    this.#options = options
    this.#everyMs = options.way.metricsEveryMs ?? EVERY_MS
    this.#schedule()
  }

  get status(): ExportStatus {
    return { queued: 0, exported: this.#exported, dropped: this.#dropped }
  }

  /** Sends what there is now. */
  flush(): Promise<void> {
    return (this.#sending ??= this.#send().finally(() => (this.#sending = undefined)))
  }

  /** Sends once more, for at most `timeoutMs`: the last minute of a process is the one that is looked at. */
  async shutdown(timeoutMs = 500): Promise<void> {
    this.#timer?.cancel()
    await this.#options.way.transport.prepare?.()
    const deadline = this.#options.clock.timer(timeoutMs, () => this.#stopping.abort())
    try {
      // One that is under way has the figures of a while ago.
      await this.#sending
      this.#isLast = true
      await this.flush()
    } finally {
      this.#stopping.abort()
      deadline.cancel()
      this.#options.way.transport.close()
    }
  }

  #schedule(): void {
    if (this.#stopping.signal.aborted) return
    const delayMs = Math.max(this.#everyMs, this.#pauseMs)
    this.#timer = this.#options.clock.timer(delayMs, () => void this.flush().finally(() => this.#schedule()), { keepAlive: false })
  }

  /** Never rejects. */
  async #send(): Promise<void> {
    const { way, metrics, resource, clock, startMs } = this.#options
    let points = 0
    let result: SendResult
    try {
      const families = await metrics.collect({ reader: this, isLast: this.#isLast })
      const moment = metricsMoment(families, { resource, startMs, nowMs: clock.now() })
      points = pointsIn(moment)
      result = await way.transport.send([moment], this.#stopping.signal)
    } catch (error) {
      result = { kind: 'refused', why: `They could not be collected: ${String(error)}` }
    }
    this.#settle(points, result)
  }

  #settle(points: number, result: SendResult): void {
    const lost = result.kind === 'stored' ? Math.min(points, result.rejected) : points
    this.#pauseMs = result.kind === 'unreachable' ? Math.min(result.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS) : 0
    this.#exported += points - lost
    this.#dropped += lost
    const failure = result.kind === 'stored' ? (lost > 0 ? 'refused' : undefined) : result.kind
    this.#droppedSinceFailure += lost
    if (failure !== this.#failure && !this.#stopping.signal.aborted) this.#tell(failure, result.why)
    if (failure === undefined) this.#droppedSinceFailure = 0
    this.#failure = failure
    const warning = failure === undefined ? result.why : ''
    if (warning !== '' && warning !== this.#warning) this.#options.onTrouble(this.#options.way.to, { kind: 'warned', why: warning })
    this.#warning = warning
  }

  #tell(failure: 'unreachable' | 'refused' | undefined, why: string): void {
    const { onTrouble, way } = this.#options
    switch (failure) {
      case undefined:
        return onTrouble(way.to, { kind: 'back', dropped: this.#droppedSinceFailure })
      case 'unreachable':
        return onTrouble(way.to, { kind: 'unreachable', why })
      case 'refused':
        return onTrouble(way.to, { kind: 'refused', why, count: this.#droppedSinceFailure })
    }
  }
}
