import { type Clock, systemClock } from 'seaworthy/core'
import type { StoredEvent } from 'seaworthy/event-sourcing'
import type { EventEnvelope } from 'seaworthy/messaging'
import { type DocumentProjection, Drafts, partitionCheckpoint, partitionOf } from './document-projection.ts'
import { refusalOf } from './refused-document.ts'
import { type ParkingLimits, ParkedDocuments } from './parked-documents.ts'
import type { DocumentChange, DocumentWrite, Loaded, ModelVersion, ReadStore } from './read-store.ts'
import { type UpcastTypes, envelopeOf } from './stored-event.ts'
import { ApplyFailure, type ProjectionTarget } from './target.ts'

export interface DocumentTargetOptions extends ParkingLimits {
  readonly projection: DocumentProjection
  readonly store: ReadStore
  readonly partition: number
  readonly events?: UpcastTypes
  readonly clock?: Clock
}

/** One event, and those of its documents that this partition builds. */
interface Work {
  readonly index: number
  readonly stored: StoredEvent
  readonly keys: readonly string[]
  /** @throws when it cannot be brought up to date */
  readonly event: () => EventEnvelope
}

/**
 * The documents of one partition: each batch is one load and one write, with the checkpoint in it. A document that an event cannot be applied to stands still
 * from then on, and the others go on. What cannot be said to be of certain documents holds the partition up.
 */
export function documentTarget(options: DocumentTargetOptions): ProjectionTarget {
  const { projection, store, partition, clock = systemClock } = options
  const { name, version, partitions } = projection
  const model: ModelVersion = { projection: name, version }
  const checkpoint = partitionCheckpoint(partition, partitions)
  // As of our own last write. Another writer moves it too, and then our next write tells.
  let known: number | undefined

  const write = async (loaded: Loaded, parked: ParkedDocuments, rest: Pick<DocumentWrite, 'changes' | 'to'>): Promise<void> => {
    await parked.assertRoom(store, model)
    if (!(await store.write(model, { checkpoint, from: loaded.position, ...rest, parking: parked.changes() }))) return
    known = rest.to
    parked.announce(model)
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
      const work = workOf(batch, options)
      const keys = [...new Set(work.flatMap((one) => one.keys))]
      const nothing: Loaded = { position: from, documents: new Map(), parked: new Map() }
      const loaded = keys.length === 0 ? nothing : await store.load(model, { checkpoint, keys })
      if (loaded.position !== from) return
      const parked = new ParkedDocuments(loaded.parked, { ...options, clock })
      let changes: readonly DocumentChange[] = []
      try {
        changes = applied(projection, loaded, { work, parked })
        await write(loaded, parked, { changes, to })
      } catch (error) {
        const [first, ...others] = work
        const why = refusalOf(error, changes)
        if (first === undefined || why === undefined) throw error
        // One of them makes a document that cannot be listed or stored: half as many at a time, until it is met alone.
        const half = work[work.length >> 1]!
        if (others.length > 0) throw new ApplyFailure(half.stored, half.index, why)
        const standing = new ParkedDocuments(loaded.parked, { ...options, clock })
        for (const key of first.keys) if (!standing.holds(key, first)) standing.park(key, first, why)
        await write(loaded, standing, { changes: [], to })
      }
    },
  }
}

function workOf(batch: readonly StoredEvent[], { projection, partition, events }: DocumentTargetOptions): readonly Work[] {
  const types = new Set(projection.eventTypes)
  const work: Work[] = []
  for (const [index, stored] of batch.entries()) {
    if (!types.has(stored.type)) continue
    try {
      const { event, keys } = changing(stored, projection, events)
      const own = keys.filter((key) => partitionOf(key, projection.partitions) === partition)
      if (own.length > 0) work.push({ index, stored, event, keys: own })
    } catch (error) {
      throw new ApplyFailure(stored, index, error)
    }
  }
  return work
}

/** The documents that an event changes. Where each stream is a document, that is known of an event that cannot be read too. */
function changing(stored: StoredEvent, projection: DocumentProjection, events: UpcastTypes | undefined): Pick<Work, 'event' | 'keys'> {
  try {
    const event = envelopeOf(stored, events)
    return { event: () => event, keys: projection.keysOf(event) }
  } catch (error) {
    if (!projection.keyedByStream) throw error
    const event = () => {
      throw error
    }
    return { event, keys: [stored.stream] }
  }
}

/** @returns what has to be written of the documents that go on. @throws Unlisted, ApplyFailure */
function applied(projection: DocumentProjection, loaded: Loaded, { work, parked }: { work: readonly Work[]; parked: ParkedDocuments }) {
  const drafts = new Drafts(projection, loaded.documents)
  for (const one of work) {
    for (const key of one.keys) {
      if (parked.holds(key, one)) continue
      try {
        drafts.apply(one.event(), key)
      } catch (error) {
        parked.park(key, one, error)
      }
    }
  }
  return drafts.changes()
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
