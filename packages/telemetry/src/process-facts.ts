import { AsyncResource } from 'node:async_hooks'
import { SpanKind } from '@opentelemetry/api'
import type { Span, SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Clock, Timer } from 'seaworthy/core'
import { loopStretch, timeFact } from 'seaworthy/trace-analysis'
import { type LoopMoment, LoopStretches } from './loop-stretches.ts'
import type { ProcessReading } from './process-reading.ts'

export interface ProcessFactsOptions {
  readonly clock: Clock
  /** Milliseconds since the epoch, with fractions. */
  readonly wallMs: () => number
  readonly reading: ProcessReading
}

/** The first span of this process in a trace, or a request or message that it takes in: work that somebody waits for. */
interface Entry {
  readonly spanId: string
  readonly begin: LoopMoment
  /** How long the thread had waited for a processor, a moment before it began. */
  readonly processorWaitMs: number | undefined
}

// Ticks while an entry is open: often enough to tell where a stretch of 20 ms began, seldom enough to cost nothing.
const TICK_MS = 10
// How old the last reading of the time in the processor's queue may be; it costs a system call.
const PROCESSOR_WAIT_AGE_MS = 20
// The same for CPU and activity of the loop: under load a request begins or ends every few microseconds, and a reading costs one.
const READING_AGE_MS = 0.05
// Below it, what is neither CPU nor waiting for one is the coarseness of the clocks.
const UNACCOUNTED_MS_MIN = 1
// Spans whose entry is known. Those that never end must not fill the memory.
const SPANS_MAX = 10_000
const EVENTS_MAX = 32
// What a span has to have in common with a stretch.
const OVERLAP_MS_MIN = 5
const THIS_PROCESS_BEGINS: ReadonlySet<SpanKind> = new Set([SpanKind.SERVER, SpanKind.CONSUMER])

/**
 * States on the entry spans of this process, whoever makes them, what its one thread did in their time, whichever request it did that for: CPU, activity of the event
 * loop, and activity without CPU, which is a call that blocks. Long stretches are told one by one, with whose they were where that is known.
 */
export class ProcessFacts implements SpanProcessor {
  readonly #clock: Clock
  readonly #wallMs: () => number
  readonly #reading: ProcessReading
  readonly #stretches: LoopStretches
  /** By span id: the entry that an open span belongs to. */
  readonly #entryOf = new Map<string, Entry>()
  // The timer is set by whichever request comes first, and must not keep what belongs to it.
  readonly #outside = new AsyncResource('SEAWORTHY_PROCESS_FACTS', { requireManualDestroy: true })
  #open = 0
  #timer: Timer | undefined
  #read: LoopMoment
  #processorWaitMs: number | undefined
  #processorWaitAtMs = Number.NEGATIVE_INFINITY

  constructor({ clock, wallMs, reading }: ProcessFactsOptions) {
    this.#clock = clock
    this.#wallMs = wallMs
    this.#reading = reading
    this.#read = this.#readingAt(clock.monotonicMs())
    this.#stretches = new LoopStretches({ tickMs: TICK_MS, begin: this.#read })
  }

  onStart(span: Span): void {
    const { parentSpanContext: parent } = span
    const isEntry = parent === undefined || parent.isRemote === true || THIS_PROCESS_BEGINS.has(span.kind)
    if (!isEntry) {
      const entry = this.#entryOf.get(parent.spanId)
      if (entry === undefined) return
      this.#stretches.mark(entry, this.#clock.monotonicMs())
      this.#remember(span, entry)
      return
    }
    const begin = this.#moment()
    if (this.#open === 0) {
      this.#stretches.turned(begin, false)
      if (this.#timer === undefined) this.#arm()
    }
    this.#open++
    this.#lookAtProcessorWait(begin.atMs)
    const entry: Entry = { spanId: span.spanContext().spanId, begin, processorWaitMs: this.#processorWaitMs }
    this.#stretches.mark(entry, begin.atMs)
    this.#remember(span, entry)
  }

  onEnding(span: Span): void {
    const { spanId } = span.spanContext()
    const entry = this.#entryOf.get(spanId)
    if (entry === undefined) return
    this.#entryOf.delete(spanId)
    if (entry.spanId !== spanId) {
      this.#stretches.mark(entry, this.#clock.monotonicMs())
      return
    }
    this.#open--
    const now = this.#moment()
    this.#stretches.mark(entry, now.atMs)
    this.#state(span, entry, now)
  }

  onEnd(): void {}

  forceFlush(): Promise<void> {
    return Promise.resolve()
  }

  shutdown(): Promise<void> {
    this.#timer?.cancel()
    return Promise.resolve()
  }

  #state(span: Span, entry: Entry, now: LoopMoment): void {
    const cpuMs = now.cpuMs - entry.begin.cpuMs
    const activeMs = now.activeMs - entry.begin.activeMs
    const unaccountedMs = activeMs - cpuMs
    let processorWaitMs = 0
    if (unaccountedMs >= UNACCOUNTED_MS_MIN) {
      const waited = this.#reading.processorWaitMs()
      if (waited !== undefined && entry.processorWaitMs !== undefined)
        processorWaitMs = Math.min(waited - entry.processorWaitMs, unaccountedMs)
    }
    const blockedMs = unaccountedMs >= UNACCOUNTED_MS_MIN ? unaccountedMs - processorWaitMs : 0
    // In place, as the attributes of operations are.
    const { attributes } = span
    attributes[timeFact.cpuMs] = rounded(cpuMs)
    attributes[timeFact.loopActiveMs] = rounded(activeMs)
    attributes[timeFact.loopBlockedMs] = rounded(blockedMs)
    if (processorWaitMs > 0) attributes[timeFact.processorWaitMs] = rounded(processorWaitMs)
    if (now.atMs - entry.begin.atMs >= OVERLAP_MS_MIN) this.#tellStretches(span, entry, now)
  }

  #tellStretches(span: Span, entry: Entry, now: LoopMoment): void {
    const toWallMs = this.#wallMs() - now.atMs
    // One that was over as soon as the span began explains nothing of it.
    const stretches = this.#stretches.between(entry.begin.atMs + OVERLAP_MS_MIN, now)
    for (const stretch of stretches.slice(-EVENTS_MAX)) {
      span.addEvent(
        loopStretch.event,
        {
          [loopStretch.ms]: rounded(stretch.endMs - stretch.startMs),
          [loopStretch.cpuMs]: rounded(stretch.cpuMs),
          ...(stretch.owner !== undefined && { own: stretch.owner === entry }),
        },
        stretch.startMs + toWallMs,
      )
    }
  }

  #remember(span: Span, entry: Entry): void {
    if (this.#entryOf.size >= SPANS_MAX) this.#forgetOldest()
    this.#entryOf.set(span.spanContext().spanId, entry)
  }

  #forgetOldest(): void {
    const [oldest] = this.#entryOf
    if (oldest === undefined) return
    const [spanId, entry] = oldest
    this.#entryOf.delete(spanId)
    if (entry.spanId === spanId) this.#open--
  }

  #arm(): void {
    this.#timer = this.#outside.runInAsyncScope(() => this.#clock.timer(TICK_MS, () => this.#tick(), { keepAlive: false }))
  }

  #tick(): void {
    this.#timer = undefined
    // Ended here and not with the last span: where one follows the other at once, each would set a timer and take it back.
    if (this.#open === 0) return
    const moment = this.#moment()
    this.#stretches.turned(moment)
    this.#lookAtProcessorWait(moment.atMs)
    this.#arm()
  }

  /** Now, by the last reading where that is young: whoever asks is at work on this thread, and has been for some of the time since. */
  #moment(): LoopMoment {
    const atMs = this.#clock.monotonicMs()
    const sinceMs = atMs - this.#read.atMs
    if (sinceMs < READING_AGE_MS)
      return sinceMs === 0 ? this.#read : { atMs, activeMs: this.#read.activeMs + sinceMs, cpuMs: this.#read.cpuMs + sinceMs }
    this.#read = this.#readingAt(atMs)
    return this.#read
  }

  #readingAt(atMs: number): LoopMoment {
    return { atMs, activeMs: this.#reading.loopActiveMs(), cpuMs: this.#reading.cpuMs() }
  }

  #lookAtProcessorWait(nowMs: number): void {
    if (nowMs - this.#processorWaitAtMs < PROCESSOR_WAIT_AGE_MS) return
    this.#processorWaitMs = this.#reading.processorWaitMs()
    this.#processorWaitAtMs = nowMs
  }
}

const rounded = (ms: number) => Math.round(Math.max(0, ms) * 1_000) / 1_000
