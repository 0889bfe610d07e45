import { type Clock, ConfigurationError, UnavailableError, sleep, systemClock } from 'seaworthy/core'
import {
  type EventEnvelope,
  type EventLog,
  type LogReader,
  type LogReaderOptions,
  type LogRecord,
  type Position,
  type TopicPartition,
  type TopicStatus,
  GroupTakenError,
  PartitionRevokedError,
  TopicNotOwnedError,
} from 'seaworthy/messaging'

export interface InMemoryEventLogOptions {
  /** Of every topic. Default 4. */
  readonly partitions?: number
  /** The topics that may be appended to. Default all. */
  readonly owns?: readonly string[]
  readonly clock?: Clock
}

/** An event log in memory. A group has one member, as on embedded storage. Topics come to be when they are first used. */
export function inMemoryEventLog(options: InMemoryEventLogOptions = {}): InMemoryEventLog {
  return new InMemoryEventLog(options)
}

export class InMemoryEventLog implements EventLog {
  readonly #partitions: number
  readonly #owns: readonly string[] | undefined
  readonly #clock: Clock
  readonly #topics = new Map<string, LogRecord[][]>()
  // Committed offsets: group, then place.
  readonly #offsets = new Map<string, Map<string, number>>()
  readonly #members = new Map<string, InMemoryReader>()
  readonly #waiting = new Set<() => void>()
  #closed = false

  constructor(options: InMemoryEventLogOptions = {}) {
    this.#partitions = options.partitions ?? 4
    this.#owns = options.owns
    this.#clock = options.clock ?? systemClock
    if (!(this.#partitions >= 1)) throw new ConfigurationError(`A topic has at least 1 partition, not ${this.#partitions}.`)
  }

  append(topic: string, events: readonly EventEnvelope[]): Promise<void> {
    return this.appendUnchecked(topic, events)
  }

  /** Appends what may be no event at all, as another program could, to the partition of `key`. */
  async appendUnchecked(topic: string, messages: readonly unknown[], key?: string): Promise<void> {
    this.#assertOpen()
    if (this.#owns?.includes(topic) === false) throw new TopicNotOwnedError(topic, this.#owns)
    const partitions = this.partitions(topic)
    // All of them through JSON first, so that one that is none leaves nothing of its batch behind.
    const stored = messages.map((message) => ({ key: key ?? keyOf(message), event: JSON.parse(JSON.stringify(message)) as EventEnvelope }))
    for (const { key: name, event } of stored) {
      const partition = hash(name) % this.#partitions
      const records = partitions[partition]!
      records.push({ topic, partition, offset: records.length, appendedAtMs: this.#clock.now(), event })
    }
    for (const wake of this.#waiting) wake()
  }

  /** All records of a topic, by partition. */
  partitions(topic: string): readonly LogRecord[][] {
    let partitions = this.#topics.get(topic)
    if (partitions === undefined) {
      partitions = Array.from({ length: this.#partitions }, () => [])
      this.#topics.set(topic, partitions)
    }
    return partitions
  }

  async reader(options: LogReaderOptions): Promise<LogReader> {
    this.#assertOpen()
    if (options.topics.length === 0) throw new ConfigurationError(`Group ${options.group} reads no topic. Name at least one.`)
    if (this.#members.has(options.group)) throw new GroupTakenError(options.group)
    let offsets = this.#offsets.get(options.group)
    if (offsets === undefined) this.#offsets.set(options.group, (offsets = new Map()))
    const reader = new InMemoryReader(options, this, this.#clock, offsets, this.#waiting, () => {
      if (this.#members.get(options.group) === reader) this.#members.delete(options.group)
    })
    this.#members.set(options.group, reader)
    return reader
  }

  /** Takes the group from its member as if that member's process had died: what it has not committed comes again to the next. */
  evict(group: string): void {
    this.#members.get(group)?.die()
    this.#members.delete(group)
  }

  /**
   * Takes a partition from the group's member, as if it went to another one. Settles when the member has let it go, or at once after `graceMs`. It comes
   * back with the next `giveBack`, from where the group committed.
   */
  async revoke(group: string, partition: TopicPartition, { graceMs = Infinity } = {}): Promise<void> {
    await this.#members.get(group)?.revoke(partition, graceMs)
  }

  giveBack(group: string, partition: TopicPartition): void {
    this.#members.get(group)?.giveBack(partition)
  }

  async topics(): Promise<readonly TopicStatus[]> {
    return [...this.#topics].map(([topic, partitions]) => ({
      topic,
      partitions: partitions.length,
      records: partitions.reduce((sum, records) => sum + records.length, 0),
      groups: [...this.#offsets]
        .filter(([, offsets]) => partitions.some((_, partition) => offsets.has(placeOf(topic, partition))))
        .map(([group, offsets]) => ({ group, lag: lagOf(topic, partitions, offsets) })),
    }))
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#members.values()].map((member) => member.close()))
  }

  #assertOpen(): void {
    if (this.#closed) throw new UnavailableError('The in-memory event log is closed.')
  }
}

class InMemoryReader implements LogReader {
  readonly #options: LogReaderOptions
  readonly #log: InMemoryEventLog
  readonly #clock: Clock
  readonly #offsets: Map<string, number>
  readonly #waiting: Set<() => void>
  readonly #onClose: () => void
  readonly #next = new Map<string, number>()
  // Partitions that go to another member are held first, until this one has let them go.
  readonly #held = new Set<string>()
  readonly #revoked = new Set<string>()
  #turn = 0
  #closed = false

  constructor(
    options: LogReaderOptions,
    log: InMemoryEventLog,
    clock: Clock,
    offsets: Map<string, number>,
    waiting: Set<() => void>,
    onClose: () => void,
  ) {
    this.#options = options
    this.#log = log
    this.#clock = clock
    this.#offsets = offsets
    this.#waiting = waiting
    this.#onClose = onClose
    this.#eachPlace((place, records) => {
      // A group that begins at the latest keeps that place, also if it dies before its first commit.
      const offset = offsets.get(place) ?? (options.from === 'latest' ? records.length : 0)
      offsets.set(place, offset)
      this.#next.set(place, offset)
    })
  }

  async poll(options: { max: number; waitMs: number; signal?: AbortSignal }): Promise<readonly LogRecord[]> {
    if (!(options.max >= 1)) throw new ConfigurationError(`A poll asks for at least 1 record, not ${options.max}.`)
    const deadlineMs = this.#clock.monotonicMs() + options.waitMs
    for (;;) {
      this.#assertOpen()
      options.signal?.throwIfAborted()
      const records = this.#read(options.max)
      const leftMs = deadlineMs - this.#clock.monotonicMs()
      if (records.length > 0 || leftMs <= 0) return records
      await this.#untilAppended(leftMs, options.signal)
    }
  }

  async commit(positions: readonly Position[]): Promise<void> {
    this.#assertOpen()
    const gone: TopicPartition[] = []
    for (const { topic, partition, offset } of positions) {
      if (!this.#options.topics.includes(topic)) throw new ConfigurationError(`Group ${this.#options.group} does not read topic ${topic}.`)
      const place = placeOf(topic, partition)
      if (this.#revoked.has(place)) gone.push({ topic, partition })
      else if (offset <= (this.#next.get(place) ?? 0)) this.#offsets.set(place, Math.max(offset, this.#offsets.get(place) ?? 0))
    }
    if (gone.length > 0) throw new PartitionRevokedError(this.#options.group, gone)
  }

  async revoke({ topic, partition }: TopicPartition, graceMs: number): Promise<void> {
    const place = placeOf(topic, partition)
    this.#held.add(place)
    const done = this.#options.onRevoke?.([{ topic, partition }])
    const grace = new AbortController()
    await Promise.race([done, ...(graceMs === Infinity ? [] : [sleep(this.#clock, graceMs, grace.signal).catch(() => undefined)])])
    grace.abort()
    this.#revoked.add(place)
  }

  giveBack({ topic, partition }: TopicPartition): void {
    const place = placeOf(topic, partition)
    this.#next.set(place, this.#offsets.get(place) ?? 0)
    this.#held.delete(place)
    this.#revoked.delete(place)
    for (const wake of this.#waiting) wake()
  }

  async seek(to: Parameters<LogReader['seek']>[0]): Promise<void> {
    this.#assertOpen()
    this.#eachPlace((place, records) => {
      const offset = offsetOf(to, records)
      this.#next.set(place, offset)
      this.#offsets.set(place, offset)
    })
    for (const wake of this.#waiting) wake()
  }

  async lag(): Promise<number> {
    this.#assertOpen()
    return this.#options.topics.reduce((sum, topic) => sum + lagOf(topic, this.#log.partitions(topic), this.#offsets), 0)
  }

  async close(): Promise<void> {
    this.die()
    this.#onClose()
  }

  /** Refuses all further work, as the log does for a member that it takes for dead. */
  die(): void {
    this.#closed = true
    for (const wake of this.#waiting) wake()
  }

  #read(max: number): LogRecord[] {
    const places: { place: string; records: readonly LogRecord[] }[] = []
    this.#eachPlace((place, records) => {
      if (!this.#held.has(place)) places.push({ place, records })
    })
    const read: LogRecord[] = []
    // Another partition goes first each time, so that a busy one does not starve the others.
    for (let index = 0; index < places.length && read.length < max; index++) {
      const { place, records } = places[(this.#turn + index) % places.length]!
      const from = this.#next.get(place) ?? 0
      const some = records.slice(from, from + max - read.length)
      this.#next.set(place, from + some.length)
      read.push(...structuredClone(some))
    }
    this.#turn++
    return read
  }

  async #untilAppended(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    const appended = new AbortController()
    const wake = () => appended.abort()
    this.#waiting.add(wake)
    try {
      await sleep(this.#clock, waitMs, signal === undefined ? appended.signal : AbortSignal.any([appended.signal, signal]))
    } catch (error) {
      if (!appended.signal.aborted) throw error
    } finally {
      this.#waiting.delete(wake)
    }
  }

  #eachPlace(visit: (place: string, records: readonly LogRecord[]) => void): void {
    for (const topic of new Set(this.#options.topics)) {
      for (const [partition, records] of this.#log.partitions(topic).entries()) visit(placeOf(topic, partition), records)
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new UnavailableError(`This reader of group ${this.#options.group} is closed.`)
  }
}

function keyOf(message: unknown): string {
  return String((message as { readonly key?: unknown } | null)?.key)
}

function placeOf(topic: string, partition: number): string {
  return `${partition}/${topic}`
}

function lagOf(topic: string, partitions: readonly (readonly LogRecord[])[], offsets: ReadonlyMap<string, number>): number {
  return partitions.reduce((sum, records, partition) => sum + records.length - (offsets.get(placeOf(topic, partition)) ?? 0), 0)
}

function offsetOf(to: Parameters<LogReader['seek']>[0], records: readonly LogRecord[]): number {
  switch (to.kind) {
    case 'earliest':
      return 0
    case 'latest':
      return records.length
    case 'time': {
      const first = records.findIndex(({ appendedAtMs }) => appendedAtMs >= to.epochMs)
      return first === -1 ? records.length : first
    }
  }
}

/** FNV-1a, 32 bits (Fowler, Noll and Vo; RFC 9923), over UTF-16 code units. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value >>> 0
}
