import type { Clock } from 'seaworthy/core'
import { groupsOf } from './group-offsets.ts'
import { type PartitionBounds, TopicView } from './topic-view.ts'
import type { TopicWriter } from './topic-writer.ts'

/** What a topic keeps. What a group known to the log has not committed yet is kept in any case, unless `evenUnread`. */
export interface Retention {
  /** Records kept in each partition. */
  readonly maxRecords?: number
  /** How long a record is kept, in milliseconds. */
  readonly maxAgeMs?: number
  /** How often the owner looks, in milliseconds. Default 60,000. */
  readonly everyMs?: number
  /** Deletes what groups have not read yet, too: one that is gone for good then holds nothing up, and a slow one misses records. Default false. */
  readonly evenUnread?: boolean
}

// Small, so that appends are not held up behind a deletion.
const DELETE_BATCH = 500

/** Deletes what need no longer be kept. @returns how many records that were */
export async function enforceRetention(options: {
  readonly writer: TopicWriter
  readonly directory: string
  readonly offsetsDirectory: string
  readonly retain: Retention
  readonly clock: Clock
  readonly signal: AbortSignal
}): Promise<number> {
  const { writer, retain, signal } = options
  const view = TopicView.open(options.directory, writer.topic)
  if (view === undefined) return 0
  let deleted = 0
  try {
    const keptForGroups = retain.evenUnread === true ? () => Infinity : lowestPlaces(options.offsetsDirectory, view)
    for (const bounds of view.bounds()) {
      const end = Math.min(expiredBefore(view, bounds, retain, options.clock.now()), keptForGroups(bounds.partition))
      for (let from = bounds.first; from < end && !signal.aborted; from += DELETE_BATCH) {
        deleted += await writer.deleteBefore(bounds.partition, Math.min(end, from + DELETE_BATCH))
      }
    }
  } finally {
    view.close()
  }
  return deleted
}

function expiredBefore(view: TopicView, bounds: PartitionBounds, retain: Retention, nowMs: number): number {
  const byNumber = retain.maxRecords === undefined ? bounds.first : bounds.next - retain.maxRecords
  const byAge = retain.maxAgeMs === undefined ? bounds.first : view.offsetAt(bounds, nowMs - retain.maxAgeMs)
  return Math.max(byNumber, byAge)
}

/** For each partition the lowest place of all groups. A group that has read some other log by this name needs all of this one. */
function lowestPlaces(offsetsDirectory: string, view: TopicView): (partition: number) => number {
  const groups = [...groupsOf(offsetsDirectory, view.topic).values()]
  return (partition) =>
    Math.min(
      Infinity,
      ...groups.map((places) => {
        const place = places.find((candidate) => candidate.partition === partition)
        return place?.logId === view.logId ? place.offset : 0
      }),
    )
}
