import { type Clock, ConfigurationError, type SeaworthyError, Wakeup } from 'seaworthy/core'
import {
  type LogReader,
  type LogReaderOptions,
  type LogRecord,
  PartitionRevokedError,
  type Position,
  type TopicPartition,
} from 'seaworthy/messaging'
import type { Cluster, TopicMetadata } from './cluster.ts'
import { GroupSharedError, KafkaClosedError, asSeaworthyError } from './errors.ts'
import { Fetcher } from './fetcher.ts'
import { type AssignedPartition, GroupMember, nameOf } from './group-member.ts'
import { type OffsetQuery, committedOffsets, listOffsets, patiently } from './offsets.ts'
import { PartitionReader } from './partition-reader.ts'

export interface KafkaReaderOptions extends Omit<LogReaderOptions, 'topics' | 'group'> {
  readonly cluster: Cluster
  readonly clock: Clock
  /** Names on the cluster, and what comes off them for the caller's. */
  readonly group: string
  readonly topics: readonly string[]
  readonly prefix: string
  readonly bufferBytesMax: number
  readonly fetchBytesMax: number
  readonly rebalanceTimeoutMs: number
  readonly revokeGraceMs: number
  readonly soleMemberWaitMs: number
  readonly askTimeoutMs: number
  readonly onClose: (reader: LogReader) => void
}

// How long the broker holds a question while there is nothing; a poll that comes meanwhile asks again after it.
const LONG_POLL_MS = 500
const POSITION_RETRY_MS = 200
const FIRST_ASSIGNMENT_WAIT_MS = 3_000
const WHOLE_ASSIGNMENT_WAIT_MS = 1_500
const LOOK_MS = 100

/** One of the members of a consumer group. */
export class KafkaLogReader implements LogReader {
  readonly #options: KafkaReaderOptions
  readonly #cluster: Cluster
  readonly #clock: Clock
  readonly #member: GroupMember
  readonly #fetcher: Fetcher
  readonly #bell = new Wakeup()
  readonly #closing = new AbortController()
  readonly #readers = new Map<string, PartitionReader>()
  /** Topics that existed when this member came: what is appended to others is new to it. */
  #known: ReadonlySet<string> = new Set()
  #committing: Promise<unknown> = Promise.resolve()
  #failure: unknown
  #isSeeking = false
  #turn = 0
  #closed: Promise<void> | undefined

  constructor(options: KafkaReaderOptions) {
    this.#options = options
    this.#cluster = options.cluster
    this.#clock = options.clock
    this.#fetcher = new Fetcher({ ...options, onChange: (failure) => this.#changed(failure) })
    this.#member = new GroupMember({
      ...options,
      onAssigned: (partitions) => void this.#assigned(partitions),
      onRevoked: (partitions) => this.#revoked(partitions),
      onLost: (partitions) => this.#lost(partitions),
    })
  }

  /** Settles when this member knows what it reads, and from where. */
  async open(): Promise<void> {
    this.#known = new Set((await this.#cluster.topics(this.#options.topics)).keys())
    await this.#member.joined()
    // A coordinator that counted its members a moment ago has nothing for a new one yet, and one may hear of a new topic later than of its leaders.
    const joinedAtMs = this.#clock.monotonicMs()
    while (!(await this.#isThere(joinedAtMs))) {
      const { count } = this.#bell
      this.#throwFailure()
      await this.#bell.wait(count, { clock: this.#clock, waitMs: LOOK_MS, signal: this.#closing.signal })
    }
  }

  /** Whether it has a part of each topic, or nothing that it would get soon. A coordinator that does not say is believed after a while. */
  async #isThere(joinedAtMs: number): Promise<boolean> {
    if (!this.#isPositioned) return false
    const readers = [...this.#readers.values()]
    if ([...this.#known].every((topic) => readers.some((reader) => reader.topic === topic))) return true
    const waitMs = readers.length === 0 ? FIRST_ASSIGNMENT_WAIT_MS : WHOLE_ASSIGNMENT_WAIT_MS
    if (this.#clock.monotonicMs() >= joinedAtMs + waitMs) return true
    const isCounted = await this.#member.isCounted(this.#known).catch(() => false)
    // What it has by then, which may be more than before the question.
    return isCounted && this.#isPositioned
  }

  get #isPositioned(): boolean {
    return this.#member.assigned.every((partition) => this.#readers.get(nameOf(partition))?.isPositioned === true)
  }

  async poll(options: { max: number; waitMs: number; signal?: AbortSignal }): Promise<readonly LogRecord[]> {
    if (!(options.max >= 1)) throw new ConfigurationError(`A poll asks for at least 1 record, not ${options.max}.`)
    const deadlineMs = this.#clock.monotonicMs() + options.waitMs
    const { looks } = this.#fetcher
    for (;;) {
      const { count } = this.#bell
      this.#assertOpen()
      options.signal?.throwIfAborted()
      const records = this.#take(options.max)
      if (records.length > 0) {
        this.#fetchAhead()
        return records
      }
      this.#throwFailure()
      const leftMs = Math.max(0, deadlineMs - this.#clock.monotonicMs())
      const readers = this.#active()
      // An empty answer says that there was nothing: each partition was asked since the poll began.
      if (leftMs === 0 && readers.every(({ isPositioned, lookedAt }) => isPositioned && lookedAt > looks)) return []
      void this.#fetcher.ask(readers, Math.min(leftMs, LONG_POLL_MS))
      const waitMs = readers.length === 0 ? leftMs : leftMs === 0 ? LONG_POLL_MS : Math.min(leftMs, LONG_POLL_MS)
      await this.#bell.wait(count, { clock: this.#clock, waitMs, signal: options.signal })
    }
  }

  async commit(positions: readonly Position[]): Promise<void> {
    this.#assertOpen()
    const gone: TopicPartition[] = []
    const due: { readonly reader: PartitionReader; readonly offset: number; readonly generation: number }[] = []
    for (const { topic, partition, offset } of positions) {
      const reader = this.#reader(topic, partition)
      if (reader === undefined) gone.push({ topic, partition })
      // Not read since the last seek, and so before it.
      else if (offset <= reader.readTo && !this.#isSeeking) due.push({ reader, offset, generation: reader.generation })
    }
    // One at a time: the broker keeps the last that it gets, not the highest.
    const before = this.#committing
    const committing = (async () => {
      await before
      const forward = due.filter(({ reader, offset, generation }) => offset > reader.committed && generation === reader.generation)
      if (forward.length === 0) return
      const offsets = forward.map(({ reader: { topic, partition }, offset }) => ({ topic, partition, offset }))
      if (await this.#member.commit(offsets)) {
        for (const { reader, offset } of forward) reader.committed = Math.max(reader.committed, offset)
      } else gone.push(...forward.map(({ reader }) => this.#named(reader)))
    })()
    this.#committing = committing.catch(() => undefined)
    await committing
    if (gone.length > 0) throw new PartitionRevokedError(this.#options.group.slice(this.#options.prefix.length), gone)
  }

  async seek(to: OffsetQuery): Promise<void> {
    this.#assertOpen()
    // At once, so that a commit of what was read before no longer counts.
    this.#isSeeking = true
    for (const reader of this.#readers.values()) if (reader.isPositioned) reader.moveTo(reader.readTo)
    try {
      await this.#committing
      await this.#untilAlone()
      const offsets = await listOffsets(this.#asking(), this.#options.topics, to)
      const places = [...this.#readers.values()].flatMap((reader) => {
        const offset = offsets.get(reader.topic)?.[reader.partition]
        return offset === undefined ? [] : [{ reader, topic: reader.topic, partition: reader.partition, offset }]
      })
      if (places.length > 0 && !(await this.#member.commit(places))) throw this.#sharedError()
      for (const { reader, offset } of places) {
        reader.moveTo(offset)
        reader.committed = offset
      }
    } finally {
      this.#isSeeking = false
      this.#bell.wake()
    }
  }

  async lag(): Promise<number> {
    this.#assertOpen()
    const { topics, group } = this.#options
    const asking = this.#asking()
    const [first, next, committed] = await Promise.all([
      listOffsets(asking, topics, { kind: 'earliest' }),
      listOffsets(asking, topics, { kind: 'latest' }),
      patiently(asking, `a question for the offsets of group ${group}`, () =>
        committedOffsets(this.#cluster, { group, places: undefined }),
      ),
    ])
    let lag = 0
    for (const [topic, ends] of next) {
      for (const [partition, end] of ends.entries()) {
        const place = committed.find((candidate) => candidate.topic === topic && candidate.partition === partition)?.offset ?? 0
        lag += end - Math.min(end, Math.max(first.get(topic)?.[partition] ?? 0, place))
      }
    }
    return lag
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#closing.abort(this.#closedError())
    this.#bell.wake()
    await this.#committing
    await Promise.all([this.#member.close(), this.#fetcher.close()])
    this.#options.onClose(this)
  }

  #take(max: number): LogRecord[] {
    const readers = this.#active()
    const records: LogRecord[] = []
    // Another partition goes first each time, so that a busy one does not starve the others.
    for (let index = 0; index < readers.length && records.length < max; index++) {
      records.push(...readers[(this.#turn + index) % readers.length]!.take(max - records.length))
    }
    this.#turn++
    const { prefix } = this.#options
    return prefix === '' ? records : records.map((record) => ({ ...record, topic: record.topic.slice(prefix.length) }))
  }

  /** Asks for what is known to be there, while the caller works on what it has. */
  #fetchAhead(): void {
    const readers = this.#active()
    if (readers.some(({ hasMore, hasRecords }) => hasMore && !hasRecords)) void this.#fetcher.ask(readers, 0)
  }

  #active(): readonly PartitionReader[] {
    return this.#isSeeking ? [] : [...this.#readers.values()].filter(({ isHeld }) => !isHeld)
  }

  async #assigned(partitions: readonly AssignedPartition[]): Promise<void> {
    const { signal } = this.#closing
    let waiting = partitions
    while (waiting.length > 0 && !signal.aborted) {
      try {
        const named = await this.#byName(waiting)
        const added = named.map(({ assigned, topic }) => {
          const name = nameOf(assigned)
          const reader = this.#readers.get(name) ?? new PartitionReader({ ...assigned, topic })
          this.#readers.set(name, reader)
          return reader
        })
        await this.#position(added.filter(({ isPositioned }) => !isPositioned))
        return this.#bell.wake()
      } catch (error) {
        this.#changed(error)
        await this.#bell.wait(this.#bell.count, { clock: this.#clock, waitMs: POSITION_RETRY_MS, signal }).catch(() => undefined)
        // What went away meanwhile needs no position any more.
        waiting = waiting.filter((partition) => this.#member.owns(partition))
      }
    }
  }

  /** Where each begins: where the group is, or where a group begins that has not been there. */
  async #position(readers: readonly PartitionReader[]): Promise<void> {
    if (readers.length === 0) return
    const { group, from = 'earliest' } = this.#options
    const { memberId, epoch, pool } = this.#member
    const committed = await committedOffsets(this.#cluster, { group, places: readers, member: { memberId, epoch, pool } })
    const fresh: { reader: PartitionReader; topic: string; partition: number; offset: number }[] = []
    for (const reader of readers) {
      const place = committed.find(({ topic, partition }) => topic === reader.topic && partition === reader.partition)
      if (place === undefined) fresh.push({ reader, topic: reader.topic, partition: reader.partition, offset: 0 })
      else {
        reader.moveTo(place.offset)
        reader.committed = place.offset
      }
    }
    if (fresh.length === 0) return
    const topics = [...new Set(fresh.map(({ topic }) => topic))]
    const first = await listOffsets(this.#asking(), topics, { kind: 'earliest' })
    const next = from === 'latest' ? await listOffsets(this.#asking(), topics, { kind: 'latest' }) : first
    for (const place of fresh) {
      const offsets = this.#known.has(place.topic) ? next : first
      place.offset = offsets.get(place.topic)?.[place.partition] ?? 0
    }
    // A group that begins at the latest keeps that place, also if it dies before its first commit.
    if (from === 'latest') await this.#member.commit(fresh)
    for (const { reader, offset } of fresh) {
      reader.moveTo(offset)
      reader.committed = offset
    }
  }

  async #byName(partitions: readonly AssignedPartition[]): Promise<readonly { assigned: AssignedPartition; topic: string }[]> {
    const { topics } = this.#options
    const find = (metadata: ReadonlyMap<string, TopicMetadata>) =>
      partitions.flatMap((assigned) =>
        [...metadata].filter(([, { id }]) => id === assigned.topicId).map(([topic]) => ({ assigned, topic })),
      )
    const named = find(await this.#cluster.topics(topics))
    if (named.length === partitions.length) return named
    // A topic that has come to be, or was made anew.
    this.#cluster.doubt(topics)
    return find(await this.#cluster.topics(topics))
  }

  async #revoked(partitions: readonly AssignedPartition[]): Promise<void> {
    const leaving = partitions.flatMap((partition) => this.#readers.get(nameOf(partition)) ?? [])
    for (const reader of leaving) {
      reader.isHeld = true
      reader.drop()
    }
    await this.#options.onRevoke?.(leaving.map((reader) => this.#named(reader)))
    await this.#committing
  }

  #lost(partitions: readonly AssignedPartition[]): void {
    const lost: PartitionReader[] = []
    for (const partition of partitions) {
      const name = nameOf(partition)
      const reader = this.#readers.get(name)
      if (reader === undefined) continue
      this.#readers.delete(name)
      // Who let it go has been told.
      if (!reader.isHeld) lost.push(reader)
      reader.isHeld = true
      reader.drop()
    }
    if (lost.length > 0) this.#options.onRevoke?.(lost.map((reader) => this.#named(reader))).catch(() => undefined)
    this.#bell.wake()
  }

  /** Waits until this member reads everything: others would go on from where they are. */
  async #untilAlone(): Promise<void> {
    const { topics, soleMemberWaitMs } = this.#options
    const deadlineMs = this.#clock.monotonicMs() + soleMemberWaitMs
    for (;;) {
      const { count } = this.#bell
      this.#assertOpen()
      const metadata = await this.#cluster.topics(topics)
      const all = [...metadata.values()].reduce((sum, { leaders }) => sum + leaders.length, 0)
      const mine = [...this.#readers.values()].filter(({ isHeld, isPositioned }) => !isHeld && isPositioned).length
      if (mine >= all) return
      const leftMs = deadlineMs - this.#clock.monotonicMs()
      if (leftMs <= 0) throw this.#sharedError()
      await this.#bell.wait(count, { clock: this.#clock, waitMs: leftMs, signal: this.#closing.signal })
    }
  }

  #changed(failure: unknown): void {
    if (failure !== undefined) this.#failure = failure
    this.#bell.wake()
  }

  #throwFailure(): void {
    if (this.#member.failure !== undefined) throw this.#member.failure
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw asSeaworthyError(failure, `a question of group ${this.#options.group}`)
  }

  #reader(topic: string, partition: number): PartitionReader | undefined {
    const { group, prefix, topics } = this.#options
    if (!topics.includes(prefix + topic)) {
      throw new ConfigurationError(`Group ${group.slice(prefix.length)} does not read topic ${topic}.`)
    }
    return [...this.#readers.values()].find((reader) => reader.topic === prefix + topic && reader.partition === partition)
  }

  #named({ topic, partition }: PartitionReader): TopicPartition {
    return { topic: topic.slice(this.#options.prefix.length), partition }
  }

  #asking() {
    return { cluster: this.#cluster, clock: this.#clock, timeoutMs: this.#options.askTimeoutMs, signal: this.#closing.signal }
  }

  #sharedError(): SeaworthyError {
    const { group, prefix, soleMemberWaitMs } = this.#options
    return new GroupSharedError(group.slice(prefix.length), soleMemberWaitMs)
  }

  #closedError(): SeaworthyError {
    return new KafkaClosedError(`reader of group ${this.#options.group.slice(this.#options.prefix.length)}`)
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw this.#closedError()
  }
}
