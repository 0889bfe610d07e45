import type { LogRecord, Position, TopicPartition } from './event-log.ts'

/** A record that was read. Settled: handled or set aside, so that the group need not see it again. */
export interface TrackedRecord {
  settled: boolean
  readonly offset: number
}

interface Partition extends TopicPartition {
  /** In the order of reading; the oldest that is not committed stands first. */
  readonly records: TrackedRecord[]
}

/** Positions to be committed; `confirm` after the log took them. */
export interface Commit {
  readonly positions: readonly Position[]
  confirm(): void
}

/** Knows how far each partition may be committed while its records settle in any order: never beyond one that is not settled. */
export class OffsetTracker {
  readonly #partitions = new Set<Partition>()
  readonly #current = new Map<string, Partition>()
  #uncommitted = 0

  /** Records that were read and are not committed. */
  get uncommitted(): number {
    return this.#uncommitted
  }

  add(record: Pick<LogRecord, 'topic' | 'partition' | 'offset'>): TrackedRecord {
    const name = nameOf(record)
    let partition = this.#current.get(name)
    if (partition === undefined) {
      partition = { topic: record.topic, partition: record.partition, records: [] }
      this.#current.set(name, partition)
      this.#partitions.add(partition)
    }
    const tracked: TrackedRecord = { settled: false, offset: record.offset }
    partition.records.push(tracked)
    this.#uncommitted++
    return tracked
  }

  /** What can be committed now. */
  commit(): Commit {
    const parts = [...this.#partitions].flatMap((partition) => {
      const firstOpen = partition.records.findIndex((record) => !record.settled)
      const count = firstOpen === -1 ? partition.records.length : firstOpen
      return count === 0 ? [] : [{ partition, count }]
    })
    return {
      positions: parts.map(({ partition: { topic, partition, records }, count }) => ({
        topic,
        partition,
        offset: records[count - 1]!.offset + 1,
      })),
      confirm: () => {
        for (const { partition, count } of parts) {
          if (!this.#partitions.has(partition)) continue
          partition.records.splice(0, count)
          this.#uncommitted -= count
        }
      },
    }
  }

  /**
   * The partitions go to another reader: what comes from them later begins a new count, as they may come back.
   * @returns a function that forgets what was not committed of them
   */
  release(partitions: readonly TopicPartition[]): () => void {
    const released = partitions.flatMap((partition) => this.#current.get(nameOf(partition)) ?? [])
    for (const partition of released) this.#current.delete(nameOf(partition))
    return () => {
      for (const partition of released) {
        if (this.#partitions.delete(partition)) this.#uncommitted -= partition.records.length
      }
    }
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${partition}/${topic}`
}
