import { type Clock, type Wakeup, ConfigurationError } from 'seaworthy/core'
import type { LogReader, LogRecord, Position } from 'seaworthy/messaging'
import { SqliteBusyError, SqliteClosedError } from './errors.ts'
import type { GroupOffsets } from './group-offsets.ts'
import type { SeekTarget, TopicCursor } from './topic-cursor.ts'

// How soon a reader sees what a writer committed that died before it rang, and a topic that was just created.
const LOOK_EVERY_MS = 250

/** The one member of an embedded consumer group. */
export class GroupReader implements LogReader {
  readonly #group: string
  readonly #cursors: ReadonlyMap<string, TopicCursor>
  readonly #offsets: GroupOffsets
  readonly #bell: Wakeup
  readonly #clock: Clock
  readonly #onClose: (reader: LogReader) => void
  #turn = 0
  #attaching: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor(options: {
    group: string
    cursors: readonly TopicCursor[]
    offsets: GroupOffsets
    bell: Wakeup
    clock: Clock
    onClose: (reader: LogReader) => void
  }) {
    this.#group = options.group
    this.#cursors = new Map(options.cursors.map((cursor) => [cursor.topic, cursor]))
    this.#offsets = options.offsets
    this.#bell = options.bell
    this.#clock = options.clock
    this.#onClose = options.onClose
  }

  async poll(options: { max: number; waitMs: number; signal?: AbortSignal }): Promise<readonly LogRecord[]> {
    if (!(options.max >= 1)) throw new ConfigurationError(`A poll asks for at least 1 record, not ${options.max}.`)
    const deadlineMs = this.#clock.monotonicMs() + options.waitMs
    for (;;) {
      options.signal?.throwIfAborted()
      const { count } = this.#bell
      await this.attach()
      const records = this.#read(options.max)
      if (records.length > 0) return records
      const leftMs = deadlineMs - this.#clock.monotonicMs()
      if (leftMs <= 0) return []
      await this.#bell.wait(count, { clock: this.#clock, waitMs: Math.min(leftMs, LOOK_EVERY_MS), signal: options.signal })
    }
  }

  async commit(positions: readonly Position[]): Promise<void> {
    this.#assertOpen()
    const places = positions.flatMap(({ topic, partition, offset }) => this.#cursor(topic).placeOf(partition, offset) ?? [])
    if (places.length === 0) return
    await this.#offsets.advance(places)
    for (const place of places) this.#cursor(place.topic).committed(place)
  }

  async seek(to: SeekTarget): Promise<void> {
    await this.attach()
    // Moved in memory first, so that a commit of what was read before the seek no longer counts.
    const places = [...this.#cursors.values()].flatMap((cursor) => cursor.seek(to))
    this.#bell.wake()
    if (places.length > 0) await this.#offsets.set(places)
  }

  async lag(): Promise<number> {
    await this.attach()
    return [...this.#cursors.values()].reduce((sum, cursor) => sum + cursor.lag(), 0)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Opens the topics that have come to be. One at a time: two would open the same file twice. */
  async attach(): Promise<void> {
    this.#assertOpen()
    if ([...this.#cursors.values()].every((cursor) => cursor.attached)) return
    const before = this.#attaching
    const attaching = (async () => {
      await before
      for (const cursor of this.#cursors.values()) await cursor.attach()
    })()
    this.#attaching = attaching.catch(() => undefined)
    await attaching
    this.#assertOpen()
  }

  async #close(): Promise<void> {
    this.#bell.wake()
    for (const cursor of this.#cursors.values()) cursor.close()
    await this.#attaching
    await this.#offsets.close()
    this.#onClose(this)
  }

  #read(max: number): readonly LogRecord[] {
    const cursors = [...this.#cursors.values()]
    const records: LogRecord[] = []
    for (let index = 0; index < cursors.length && records.length < max; index++) {
      try {
        records.push(...cursors[(this.#turn + index) % cursors.length]!.read(max - records.length))
      } catch (error) {
        // What was read already would be skipped if this look failed as a whole; the error is still there at the next.
        if (records.length > 0) break
        // The writer is recovering its file after a crash: there will be another look.
        if (!(error instanceof SqliteBusyError)) throw error
      }
    }
    this.#turn = (this.#turn + 1) % cursors.length
    return records
  }

  #cursor(topic: string): TopicCursor {
    const cursor = this.#cursors.get(topic)
    if (cursor === undefined) throw new ConfigurationError(`Group ${this.#group} does not read topic ${topic}.`)
    return cursor
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new SqliteClosedError(`of group ${this.#group}`)
  }
}
