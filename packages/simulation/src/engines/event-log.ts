import { ConfigurationError, UnavailableError, UnknownOutcomeError } from 'seaworthy/core'
import {
  type EventEnvelope,
  type EventLog,
  GroupTakenError,
  type LogReader,
  type LogReaderOptions,
  type LogRecord,
  type Position,
  TopicNotOwnedError,
  type TopicStatus,
} from 'seaworthy/messaging'
import type { FaultKind } from '../faults/fault.ts'
import { labelOf } from '../kernel/execution-index.ts'
import { hashText } from '../kernel/hash.ts'
import type { EventName } from '../kernel/history.ts'
import type { Incarnation } from '../world/incarnation.ts'
import type { SharedEngine } from '../world/world.ts'

/** The name of the one event log of a world, as a peer and as a broker. */
export const EVENT_LOG = 'event-log'

const BEFORE_APPEND: readonly FaultKind[] = ['crash', 'lose', 'duplicate', 'restart-broker', 'partition', 'pause']
const AFTER_APPEND: readonly FaultKind[] = ['crash', 'lose-reply']
const POLL: readonly FaultKind[] = ['crash', 'duplicate', 'delay', 'restart-broker']
const BEFORE_OFFSETS: readonly FaultKind[] = ['crash', 'lose', 'pause']
const AFTER_OFFSETS: readonly FaultKind[] = ['crash', 'lose-reply']
const LATENCY_MS = [0.3, 5] as const
const DELAY_MS = [10_000, 70_000] as const
/** How long a producer waits for an answer that does not come. */
const PATIENCE_MS = 5_000

/** The broker: its records and the groups' offsets survive everything. */
export class StoredLog implements SharedEngine {
  readonly #partitions: number
  readonly #nowMs: () => number
  readonly #topics = new Map<string, LogRecord[][]>()
  readonly #offsets = new Map<string, Map<string, number>>()
  readonly #members = new Map<string, Reader>()
  readonly #waiting = new Set<() => void>()
  #downUntilMs = 0

  constructor(options: { readonly partitions?: number; readonly nowMs: () => number }) {
    this.#partitions = options.partitions ?? 2
    this.#nowMs = options.nowMs
  }

  get isDown(): boolean {
    return this.#downUntilMs > this.#nowMs()
  }

  goDown(forMs: number): void {
    this.#downUntilMs = this.#nowMs() + forMs
    // Its readers' connections break: those that wait learn of it.
    this.wake()
  }

  heal(): void {
    this.#downUntilMs = 0
    this.wake()
  }

  /** Topics that were appended to. */
  get topicNames(): readonly string[] {
    return [...this.#topics.keys()]
  }

  /** All records of a topic, by partition. */
  partitions(topic: string): readonly LogRecord[][] {
    return this.#topics.get(topic) ?? []
  }

  get groups(): ReadonlyMap<string, ReadonlyMap<string, number>> {
    return this.#offsets
  }

  append(topic: string, texts: readonly { readonly key: string; readonly text: string }[]): void {
    let partitions = this.#topics.get(topic)
    if (partitions === undefined) {
      partitions = Array.from({ length: this.#partitions }, () => [])
      this.#topics.set(topic, partitions)
    }
    for (const { key, text } of texts) {
      const partition = hashText(key) % partitions.length
      const records = partitions[partition]!
      records.push({
        topic,
        partition,
        offset: records.length,
        appendedAtMs: Math.floor(this.#nowMs()),
        event: JSON.parse(text) as EventEnvelope,
      })
    }
    this.wake()
  }

  offsetsOf(group: string): Map<string, number> {
    let offsets = this.#offsets.get(group)
    if (offsets === undefined) this.#offsets.set(group, (offsets = new Map()))
    return offsets
  }

  join(group: string, reader: Reader): void {
    if (this.#members.has(group)) throw new GroupTakenError(group)
    this.#members.set(group, reader)
  }

  leave(group: string, reader: Reader): void {
    if (this.#members.get(group) === reader) this.#members.delete(group)
  }

  /** Calls `wake` at the next append, or when the broker goes or comes. @returns a function that stops it */
  onChange(wake: () => void): () => void {
    this.#waiting.add(wake)
    return () => this.#waiting.delete(wake)
  }

  wake(): void {
    for (const wake of this.#waiting) wake()
  }
}

/** The event log as one process sees it. `owns`: the topics that it may append to; all, if it does not say. */
export function eventLogOf(
  process: Incarnation,
  stored: StoredLog,
  options: { readonly owns?: readonly string[] | undefined } = {},
): EventLog {
  return new ProcessLog(process, stored, options.owns)
}

class ProcessLog implements EventLog {
  readonly #process: Incarnation
  readonly #stored: StoredLog
  readonly #owns: readonly string[] | undefined
  readonly #readers = new Set<Reader>()
  #closed = false

  constructor(process: Incarnation, stored: StoredLog, owns: readonly string[] | undefined) {
    this.#process = process
    this.#stored = stored
    this.#owns = owns
  }

  async append(topic: string, events: readonly EventEnvelope[]): Promise<void> {
    const { world } = this.#process
    if (!this.#process.alive) return this.#process.never()
    if (this.#closed) throw new UnavailableError('The event log is closed.')
    if (this.#owns?.includes(topic) === false) throw new TopicNotOwnedError(topic, this.#owns)
    // All of them first, so that one that is no JSON leaves nothing of its batch behind.
    const texts = events.map((event) => ({ key: event.key, text: JSON.stringify(event) }))
    if (texts.length === 0) return
    const names = events.map((event) => nameOf(event, topic))
    const { index, fault } = this.#process.point(`${EVENT_LOG}:append:before`, BEFORE_APPEND, EVENT_LOG)
    if (!this.#process.alive) return this.#process.never()
    const pauseMs = Math.max(0, this.#process.pausedUntilMs - world.scheduler.nowMs)
    const arrived = Promise.withResolvers<'stored' | 'refused' | 'lost'>()
    // The request is on its way even if the process dies meanwhile.
    world.scheduler.after(pauseMs + this.#process.latency(index, ...LATENCY_MS), () => {
      if (fault === 'lose' || !world.network.reaches(this.#process.node, EVENT_LOG)) return arrived.resolve('lost')
      if (this.#stored.isDown) return arrived.resolve('refused')
      this.#stored.append(topic, texts)
      this.#process.record({ kind: 'append', topic, events: names, index, peer: EVENT_LOG })
      if (fault === 'duplicate') {
        this.#stored.append(topic, texts)
        this.#process.record({ kind: 'append', topic, events: names, index, peer: EVENT_LOG, fault })
      }
      arrived.resolve('stored')
    })
    const outcome = await arrived.promise
    if (outcome === 'refused') {
      return this.#process.later(this.#process.latency(`${index} back`, ...LATENCY_MS), () => {
        throw new UnavailableError('The event log is down.')
      })
    }
    const after = outcome === 'stored' ? this.#process.point(`${EVENT_LOG}:append:after`, AFTER_APPEND, EVENT_LOG).fault : 'lose-reply'
    return this.#process.later(after === 'lose-reply' ? PATIENCE_MS : this.#process.latency(`${index} back`, ...LATENCY_MS), () => {
      if (after === 'lose-reply')
        throw new UnknownOutcomeError(`The event log did not confirm an append to ${topic} within ${PATIENCE_MS} ms.`)
    })
  }

  async reader(options: LogReaderOptions): Promise<LogReader> {
    if (!this.#process.alive) return this.#process.never()
    if (this.#closed) throw new UnavailableError('The event log is closed.')
    if (options.topics.length === 0) throw new ConfigurationError(`Group ${options.group} reads no topic. Name at least one.`)
    const reader = new Reader(this.#process, this.#stored, options)
    this.#stored.join(options.group, reader)
    this.#readers.add(reader)
    this.#process.onDeath(() => this.#stored.leave(options.group, reader))
    return reader
  }

  async topics(): Promise<readonly TopicStatus[]> {
    return this.#stored.topicNames.map((topic) => {
      const partitions = this.#stored.partitions(topic)
      return {
        topic,
        partitions: partitions.length,
        records: partitions.reduce((sum, records) => sum + records.length, 0),
        groups: [...this.#stored.groups]
          .filter(([, offsets]) => partitions.some((_, partition) => offsets.has(placeOf(topic, partition))))
          .map(([group, offsets]) => ({ group, lag: lagOf(topic, partitions, offsets) })),
      }
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#readers].map((reader) => reader.close()))
  }
}

class Reader implements LogReader {
  readonly #process: Incarnation
  readonly #stored: StoredLog
  readonly #options: LogReaderOptions
  readonly #offsets: Map<string, number>
  readonly #next = new Map<string, number>()
  readonly #closing = new AbortController()
  #turn = 0

  constructor(process: Incarnation, stored: StoredLog, options: LogReaderOptions) {
    this.#process = process
    this.#stored = stored
    this.#options = options
    this.#offsets = stored.offsetsOf(options.group)
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
          throw new UnavailableError('The event log cannot be reached.')
        })
      }
      const from = new Map(this.#next)
      const records = this.#read(options.max)
      if (records.length > 0) return this.#deliver(records, from)
      const leftMs = deadlineMs - clock.monotonicMs()
      if (leftMs <= 0) return records
      await this.#untilChanged(leftMs, options.signal)
    }
  }

  async commit(positions: readonly Position[]): Promise<void> {
    if (!this.#process.alive) return this.#process.never()
    this.#assertOpen()
    for (const { topic } of positions) {
      if (!this.#options.topics.includes(topic)) throw new ConfigurationError(`Group ${this.#options.group} does not read topic ${topic}.`)
    }
    const label = labelOf(this.#options.group)
    const before = this.#process.point(`${EVENT_LOG}:offsets-${label}:before`, BEFORE_OFFSETS, EVENT_LOG)
    if (!this.#process.alive) return this.#process.never()
    // What was read is asked now: a seek before the answer must not be undone.
    const taken = positions.filter(({ topic, partition, offset }) => offset <= (this.#next.get(placeOf(topic, partition)) ?? 0))
    await this.#process.later(this.#process.latency(before.index, ...LATENCY_MS), () => {
      if (before.fault === 'lose' || this.#stored.isDown) throw new UnavailableError('The event log did not take the offsets.')
      for (const { topic, partition, offset } of taken) {
        const place = placeOf(topic, partition)
        if (offset <= (this.#next.get(place) ?? 0)) this.#offsets.set(place, Math.max(offset, this.#offsets.get(place) ?? 0))
      }
      const at = taken.map(({ topic, partition, offset }) => `${topic}/${partition}@${offset}`)
      this.#process.record({ kind: 'offsets', group: this.#options.group, positions: at, index: before.index, peer: EVENT_LOG })
    })
    const after = this.#process.point(`${EVENT_LOG}:offsets-${label}:after`, AFTER_OFFSETS, EVENT_LOG)
    if (!this.#process.alive) return this.#process.never()
    if (after.fault === 'lose-reply') {
      await this.#process.later(PATIENCE_MS, () => {
        throw new UnknownOutcomeError('The event log did not confirm the offsets.')
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
    this.#stored.wake()
  }

  async lag(): Promise<number> {
    this.#assertOpen()
    return this.#options.topics.reduce((sum, topic) => sum + lagOf(topic, this.#stored.partitions(topic), this.#offsets), 0)
  }

  async close(): Promise<void> {
    this.#closing.abort(closedError(this.#options.group))
    this.#stored.leave(this.#options.group, this)
  }

  /** Hands records over. Where a fault says so they come late, or come again with the next poll. */
  async #deliver(records: readonly LogRecord[], from: ReadonlyMap<string, number>): Promise<readonly LogRecord[]> {
    const { group } = this.#options
    const { index, fault } = this.#process.point(`${EVENT_LOG}:poll-${labelOf(group)}`, POLL, EVENT_LOG)
    if (!this.#process.alive) return this.#process.never()
    if (fault === 'duplicate') for (const [place, offset] of from) this.#next.set(place, offset)
    const lateMs = fault === 'delay' ? this.#process.latency(`${index} late`, ...DELAY_MS) : 0
    return this.#process.later(lateMs + this.#process.latency(index, ...LATENCY_MS), () => {
      this.#process.record({ kind: 'poll', group, events: records.map(({ event, topic }) => nameOf(event, topic)), index, peer: EVENT_LOG })
      return records
    })
  }

  #read(max: number): LogRecord[] {
    const places = this.#places()
    const read: LogRecord[] = []
    // Another partition goes first each time, so that a busy one does not starve the others.
    for (let count = 0; count < places.length && read.length < max; count++) {
      const { place, records } = places[(this.#turn + count) % places.length]!
      const from = this.#next.get(place) ?? 0
      const some = records.slice(from, from + max - read.length)
      this.#next.set(place, from + some.length)
      for (const record of some) read.push(structuredClone(record))
    }
    this.#turn++
    return read
  }

  #untilChanged(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        timer.cancel()
        forget()
        forgetDeath()
        signal?.removeEventListener('abort', onAbort)
        this.#closing.signal.removeEventListener('abort', onChange)
      }
      const onChange = () => {
        leave()
        // In the reader's own time: whoever appended goes on first, and a dead reader never hears of it.
        void this.#process.later(0, resolve)
      }
      const onAbort = () => {
        leave()
        reject(signal?.reason)
      }
      const timer = this.#process.clock.timer(waitMs, () => {
        leave()
        resolve()
      })
      const forget = this.#stored.onChange(onChange)
      const forgetDeath = this.#process.onDeath(leave)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#closing.signal.addEventListener('abort', onChange, { once: true })
    })
  }

  #places(): { readonly place: string; readonly records: readonly LogRecord[] }[] {
    return [...new Set(this.#options.topics)].flatMap((topic) =>
      this.#stored.partitions(topic).map((records, partition) => ({ place: placeOf(topic, partition), records })),
    )
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw closedError(this.#options.group)
  }
}

function closedError(group: string): UnavailableError {
  return new UnavailableError(`This reader of group ${group} is closed.`)
}

function nameOf(event: EventEnvelope, topic: string): EventName {
  return { id: event.id, type: event.type, topic, key: event.key, sequence: event.sequence }
}

function placeOf(topic: string, partition: number): string {
  return `${partition}/${topic}`
}

function lagOf(topic: string, partitions: readonly (readonly LogRecord[])[], offsets: ReadonlyMap<string, number>): number {
  return partitions.reduce((sum, records, partition) => sum + records.length - (offsets.get(placeOf(topic, partition)) ?? 0), 0)
}
