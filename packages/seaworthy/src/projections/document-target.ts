import type { StoredEvent } from 'seaworthy/event-sourcing'
import type { EventEnvelope } from 'seaworthy/messaging'
import { type DocumentProjection, Drafts, partitionCheckpoint, partitionOf } from './document-projection.ts'
import type { ModelVersion, ReadStore } from './read-store.ts'
import { type UpcastTypes, envelopeOf } from './stored-event.ts'
import { ApplyFailure, type ProjectionTarget } from './target.ts'

export interface DocumentTargetOptions {
  readonly projection: DocumentProjection
  readonly store: ReadStore
  readonly partition: number
  readonly events?: UpcastTypes
}

/** One event, and those of its documents that this partition builds. */
interface Work {
  readonly index: number
  readonly stored: StoredEvent
  readonly event: EventEnvelope
  readonly keys: readonly string[]
}

/** The documents of one partition: each batch is one load and one write, with the checkpoint in it. */
export function documentTarget({ projection, store, partition, events }: DocumentTargetOptions): ProjectionTarget {
  const { name, version, partitions } = projection
  const model = { projection: name, version }
  const types = new Set(projection.eventTypes)
  const checkpoint = partitionCheckpoint(partition, partitions)
  // As of our own last write. Another writer moves it too, and then our next write tells.
  let known: number | undefined

  const workOf = (batch: readonly StoredEvent[]): Work[] => {
    const work: Work[] = []
    for (const [index, stored] of batch.entries()) {
      if (!types.has(stored.type)) continue
      try {
        const event = envelopeOf(stored, events)
        const keys = projection.keysOf(event).filter((key) => partitionOf(key, partitions) === partition)
        if (keys.length > 0) work.push({ index, stored, event, keys })
      } catch (error) {
        throw new ApplyFailure(stored, index, error)
      }
    }
    return work
  }
  return {
    ...model,
    async position() {
      if (known === undefined) {
        await makeFirstLive(store, model)
        known = (await store.load(model, { checkpoint, keys: [] })).position
      }
      return known
    },
    async apply(batch, { from, to }) {
      known = undefined
      const work = workOf(batch)
      const keys = [...new Set(work.flatMap((one) => one.keys))]
      const loaded = keys.length === 0 ? { position: from, documents: new Map() } : await store.load(model, { checkpoint, keys })
      if (loaded.position !== from) return
      const drafts = new Drafts(projection, loaded.documents)
      for (const { index, stored, event, keys } of work) {
        try {
          for (const key of keys) drafts.apply(event, key)
        } catch (error) {
          throw new ApplyFailure(stored, index, error)
        }
      }
      if (await store.write(model, { checkpoint, from, to, changes: drafts.changes() })) known = to
    },
  }
}

/**
 * Version 1 answers queries from its first event on, where none does yet. A later one waits for its switch: it may have been started by a release whose
 * version 1 could not even begin.
 */
export async function makeFirstLive(store: ReadStore, { projection, version }: ModelVersion): Promise<void> {
  if (version !== 1) return
  const { live } = await store.versions(projection)
  if (live === 0) await store.makeLive(projection, { from: 0, to: version })
}
