import type { LogReaderOptions, LogRecord } from 'seaworthy/messaging'
import { listenToBell } from './doorbell.ts'
import type { GroupOffsets, Place } from './group-offsets.ts'
import { bellPath } from './topic-file.ts'
import { type PartitionBounds, TopicView } from './topic-view.ts'

export type SeekTarget = { kind: 'earliest' } | { kind: 'latest' } | { kind: 'time'; epochMs: number }

interface PartitionCursor {
  /** The next offset to be read. What is beyond it was not read since the last seek. */
  next: number
  /** As stored for the group. */
  committed: number
}

/** Where a group is in one topic. The topic may not exist yet: `attach` is called until it does. */
export class TopicCursor {
  readonly topic: string
  readonly #directory: string
  readonly #offsets: GroupOffsets
  readonly #onRing: () => void
  #from: LogReaderOptions['from']
  #view: TopicView | undefined
  #bell: { close(): void } | undefined
  #partitions: PartitionCursor[] = []
  #turn = 0
  #versionRead: unknown
  #closed = false

  constructor(options: { topic: string; directory: string; offsets: GroupOffsets; from: LogReaderOptions['from']; onRing: () => void }) {
    this.topic = options.topic
    this.#directory = options.directory
    this.#offsets = options.offsets
    this.#from = options.from
    this.#onRing = options.onRing
  }

  get attached(): boolean {
    return this.#view !== undefined
  }

  /** Opens the topic if it is there, and finds the group's place. */
  async attach(): Promise<void> {
    if (this.#view !== undefined || this.#closed) return
    const view = TopicView.open(this.#directory, this.topic)
    if (view === undefined) {
      // What comes into a topic that was not there when the group joined is new to the group.
      this.#from = 'earliest'
      return
    }
    try {
      const stored = new Map((await this.#offsets.places(this.topic)).map((place) => [place.partition, place]))
      const bounds = view.bounds()
      const partitions = bounds.map((bound): PartitionCursor => {
        const offset = this.#beginning(view.logId, bound, stored.get(bound.partition))
        return { next: offset, committed: offset }
      })
      // Stored at once: a group that began at the latest must not begin later still after a restart, and retention must know the group.
      await this.#offsets.set(partitions.map(({ next }, partition) => ({ topic: this.topic, partition, logId: view.logId, offset: next })))
      if (this.#closed) {
        view.close()
        return
      }
      this.#partitions = partitions
      this.#bell = listenToBell(bellPath(this.#directory, this.topic), this.#onRing)
      this.#view = view
    } catch (error) {
      view.close()
      throw error
    }
  }

  /** The next records, at most `max`. Partitions take turns at being first. */
  read(max: number): LogRecord[] {
    const view = this.#view
    if (view === undefined) return []
    const version = view.version()
    if (version === this.#versionRead) return []
    const pages: { readonly cursor: PartitionCursor; readonly page: readonly LogRecord[] }[] = []
    const count = this.#partitions.length
    let left = max
    for (let index = 0; index < count && left > 0; index++) {
      const partition = (this.#turn + index) % count
      const cursor = this.#partitions[partition]!
      const page = view.page(partition, cursor.next, left)
      left -= page.length
      pages.push({ cursor, page })
    }
    // Moved on only when all was read: an error half-way must not skip what was not handed out.
    const records = pages.flatMap(({ cursor, page }) => advance(cursor, page))
    this.#turn = (this.#turn + 1) % count
    // All partitions were read to their ends: until the next commit there is nothing to look for.
    if (left > 0) this.#versionRead = version
    return records
  }

  /** The place to be stored for a position, or nothing when it was read before the last seek. */
  placeOf(partition: number, offset: number): Place | undefined {
    const cursor = this.#partitions[partition]
    if (cursor === undefined || this.#view === undefined || offset > cursor.next || offset <= cursor.committed) return undefined
    return { topic: this.topic, partition, logId: this.#view.logId, offset }
  }

  committed({ partition, offset }: Place): void {
    const cursor = this.#partitions[partition]
    // A seek may have come in between; its place stands.
    if (cursor !== undefined && offset <= cursor.next) cursor.committed = Math.max(cursor.committed, offset)
  }

  /** Moves the group in memory, and tells what to store. */
  seek(to: SeekTarget): readonly Place[] {
    const view = this.#view
    if (view === undefined) return []
    this.#versionRead = undefined
    return view.bounds().map((bounds) => {
      const offset = offsetOf(view, bounds, to)
      this.#partitions[bounds.partition] = { next: offset, committed: offset }
      return { topic: this.topic, partition: bounds.partition, logId: view.logId, offset }
    })
  }

  lag(): number {
    const bounds = this.#view?.bounds() ?? []
    return bounds.reduce((sum, { partition, first, next }) => sum + next - Math.max(first, this.#partitions[partition]!.committed), 0)
  }

  close(): void {
    this.#closed = true
    this.#bell?.close()
    this.#view?.close()
    this.#view = undefined
  }

  #beginning(logId: string, { partition, first, next }: PartitionBounds, stored: Place | undefined): number {
    if (stored === undefined) return this.#from === 'latest' ? next : first
    if (stored.logId === logId && stored.offset <= next) return stored.offset
    warn(
      `The log of ${this.topic}/${partition} is not the one that this group read: it was created anew, or restored from a backup. The group begins it from the start.`,
    )
    return first
  }
}

function advance(cursor: PartitionCursor, page: readonly LogRecord[]): readonly LogRecord[] {
  const [first] = page
  if (first === undefined) return page
  if (first.offset > cursor.next) {
    warn(`Records ${cursor.next} to ${first.offset - 1} of ${first.topic}/${first.partition} were deleted before this group had read them.`)
  }
  cursor.next = page.at(-1)!.offset + 1
  return page
}

function offsetOf(view: TopicView, bounds: PartitionBounds, to: SeekTarget): number {
  switch (to.kind) {
    case 'earliest':
      return bounds.first
    case 'latest':
      return bounds.next
    case 'time':
      return view.offsetAt(bounds, to.epochMs)
  }
}

function warn(message: string): void {
  process.emitWarning(message, { code: 'SEAWORTHY_LOG_CHANGED' })
}
