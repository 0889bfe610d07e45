import { ConfigurationError, UnavailableError, UnknownOutcomeError } from 'seaworthy/core'
import type { EventEnvelope, LogReader, LogReaderOptions, LogRecord, Position } from 'seaworthy/messaging'
import type { FaultKind } from '../faults/fault.ts'
import { labelOf } from '../kernel/execution-index.ts'
import { stackless } from '../kernel/stackless.ts'
import type { Incarnation } from '../world/incarnation.ts'
import { nameOf } from './event-name.ts'
import { EVENT_LOG, type StoredLog, type StoredRecord, lagOf, placeOf } from './stored-log.ts'
import { untilChanged } from './until-changed.ts'

const POLL: readonly FaultKind[] = ['crash', 'duplicate', 'delay', 'restart-broker']
const BEFORE_OFFSETS: readonly FaultKind[] = ['crash', 'lose', 'pause']
const AFTER_OFFSETS: readonly FaultKind[] = ['crash', 'lose-reply']
const LATENCY_MS = [0.3, 5] as const
const DELAY_MS = [10_000, 70_000] as const
/** How long a reader waits for an answer that does not come. */
const PATIENCE_MS = 5_000

interface Place {
  readonly topic: string
  readonly place: string
  readonly records: readonly StoredRecord[]
}

/** One member of a consumer group, in one life of its process. */
export class ProcessLogReader implements LogReader {
  readonly #process: Incarnation
  readonly #stored: StoredLog
  readonly #options: LogReaderOptions
  readonly #offsets: Map<string, number>
  readonly #next = new Map<string, number>()
  readonly #pollPoint: string
  readonly #offsetsPoint: string
  #topicsKnown = 0
  #placesKnown: readonly Place[] = []
  #turn = 0
  #closed = false
  /** The version of the log that this reader had read to its end. */
  #upToDateAt = -1

  constructor(process: Incarnation, stored: StoredLog, options: LogReaderOptions) {
    this.#process = process
    this.#stored = stored
    this.#options = options
    this.#offsets = stored.offsetsOf(options.group)
    const label = labelOf(options.group)
    this.#pollPoint = `${EVENT_LOG}:poll-${label}`
    this.#offsetsPoint = `${EVENT_LOG}:offsets-${label}`
    for (const { place, records } of this.#places()) {
      const offset = this.#offsets.get(place) ?? (options.from === 'latest' ? records.length : 0)
      // A group that begins at the latest keeps that place, also if it dies before its first commit.
      this.#offsets.set(place, offset)
      this.#next.set(place, offset)
    }
  }

  async poll(options: { max: number; waitMs: number; signal?: AbortSignal }): Promise<readonly LogRecord[]> {
    if (!(options.max >= 1)) throw new ConfigurationError(`A poll asks for at least 1 record, not ${options.max}.`)
    const { clock } = this.#process
    const deadlineMs = clock.monotonicMs() + options.waitMs
    for (;;) {
      if (!this.#process.alive) return this.#process.never()
      this.#assertOpen()
      options.signal?.throwIfAborted()
      if (this.#stored.isDown || !this.#process.world.network.reaches(EVENT_LOG, this.#process.node)) {
        return this.#process.later(this.#process.latency(`down ${clock.monotonicMs()}`, 10, 50), () => {
          throw stackless(() => new UnavailableError('The event log cannot be reached.'))
        })
      }
      if (this.#hasMore()) {
        const from = new Map(this.#next)
        return this.#deliver(this.#read(options.max), from)
      }
      const leftMs = deadlineMs - clock.monotonicMs()
      if (leftMs <= 0) return []
      await untilChanged(this.#process, { stored: this.#stored, waitMs: leftMs, signal: options.signal })
    }
  }

  async commit(positions: readonly Position[]): Promise<void> {
    if (!this.#process.alive) return this.#process.never()
    this.#assertOpen()
    for (const { topic } of positions) {
      if (!this.#options.topics.includes(topic)) throw new ConfigurationError(`Group ${this.#options.group} does not read topic ${topic}.`)
    }
    const before = this.#process.point(`${this.#offsetsPoint}:before`, BEFORE_OFFSETS, { peer: EVENT_LOG })
    if (!this.#process.alive) return this.#process.never()
    // What was read is asked now: a seek before the answer must not be undone.
    const taken = positions.filter(({ topic, partition, offset }) => offset <= (this.#next.get(placeOf(topic, partition)) ?? 0))
    await this.#process.later(this.#process.latency(before.index, ...LATENCY_MS), () => {
      if (before.fault === 'lose' || this.#stored.isDown)
        throw stackless(() => new UnavailableError('The event log did not take the offsets.'))
      for (const { topic, partition, offset } of taken) {
        const place = placeOf(topic, partition)
        if (offset <= (this.#next.get(place) ?? 0)) this.#offsets.set(place, Math.max(offset, this.#offsets.get(place) ?? 0))
      }
      const at = taken.map(({ topic, partition, offset }) => `${topic}/${partition}@${offset}`)
      this.#process.record({ kind: 'offsets', group: this.#options.group, positions: at, index: before.index, peer: EVENT_LOG })
    })
    const after = this.#process.point(`${this.#offsetsPoint}:after`, AFTER_OFFSETS, { peer: EVENT_LOG })
    if (!this.#process.alive) return this.#process.never()
    if (after.fault === 'lose-reply') {
      await this.#process.later(PATIENCE_MS, () => {
        throw stackless(() => new UnknownOutcomeError('The event log did not confirm the offsets.'))
      })
    }
  }

  async seek(to: Parameters<LogReader['seek']>[0]): Promise<void> {
    this.#assertOpen()
    for (const { place, records } of this.#places()) {
      const found =
        to.kind === 'earliest'
          ? 0
          : to.kind === 'latest'
            ? records.length
            : records.findIndex(({ appendedAtMs }) => appendedAtMs >= to.epochMs)
      const offset = found === -1 ? records.length : found
      this.#next.set(place, offset)
      this.#offsets.set(place, offset)
    }
    this.#upToDateAt = -1
    this.#stored.wake()
  }

  async lag(): Promise<number> {
    this.#assertOpen()
    return this.#options.topics.reduce((sum, topic) => sum + lagOf(topic, this.#stored.partitions(topic), this.#offsets), 0)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#stored.leave(this.#options.group, this)
    // Whoever polls it learns of that.
    this.#stored.wake()
  }

  /** Hands records over. Where a fault says so they come late, or come again with the next poll. */
  async #deliver(records: readonly LogRecord[], from: ReadonlyMap<string, number>): Promise<readonly LogRecord[]> {
    const { group } = this.#options
    const { index, fault } = this.#process.point(this.#pollPoint, POLL, { peer: EVENT_LOG })
    if (!this.#process.alive) return this.#process.never()
    if (fault === 'duplicate') for (const [place, offset] of from) this.#next.set(place, offset)
    const lateMs = fault === 'delay' ? this.#process.latency(`${index} late`, ...DELAY_MS) : 0
    return this.#process.later(lateMs + this.#process.latency(index, ...LATENCY_MS), () => {
      this.#process.record({ kind: 'poll', group, events: records.map(({ event, topic }) => nameOf(event, topic)), index, peer: EVENT_LOG })
      return records
    })
  }

  #hasMore(): boolean {
    const { version } = this.#stored
    if (version === this.#upToDateAt) return false
    if (this.#places().some(({ place, records }) => records.length > (this.#next.get(place) ?? 0))) return true
    this.#upToDateAt = version
    return false
  }

  #read(max: number): LogRecord[] {
    const places = this.#places()
    const read: LogRecord[] = []
    // Another partition goes first each time, so that a busy one does not starve the others.
    for (let count = 0; count < places.length && read.length < max; count++) {
      const { topic, place, records } = places[(this.#turn + count) % places.length]!
      const from = this.#next.get(place) ?? 0
      const some = records.slice(from, from + max - read.length)
      this.#next.set(place, from + some.length)
      for (const { partition, offset, appendedAtMs, text } of some) {
        read.push({ topic, partition, offset, appendedAtMs, event: JSON.parse(text) as EventEnvelope })
      }
    }
    this.#turn++
    return read
  }

  /** The partitions that there are. A topic has them from its first record on, and then for ever. */
  #places(): readonly Place[] {
    const { topicNames } = this.#stored
    if (topicNames.length !== this.#topicsKnown) {
      this.#topicsKnown = topicNames.length
      this.#placesKnown = [...new Set(this.#options.topics)].flatMap((topic) =>
        this.#stored.partitions(topic).map((records, partition) => ({ topic, place: placeOf(topic, partition), records })),
      )
    }
    return this.#placesKnown
  }

  #assertOpen(): void {
    if (this.#closed) throw new UnavailableError(`This reader of group ${this.#options.group} is closed.`)
  }
}
