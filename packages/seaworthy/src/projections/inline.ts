import { type Transaction, withContext } from 'seaworthy/core'
import type { EventStore } from 'seaworthy/event-sourcing'
import type { Projection } from './projection.ts'
import { type UpcastTypes, envelopeOf } from './stored-event.ts'

/**
 * The event store with read models that change in the transaction that appends: queries see a command's effect as soon as it commits, and a handler that
 * throws rolls the command back. For few and small read models in the database of the events, because every command waits for them.
 */
export function withInlineProjections(
  store: EventStore,
  projections: readonly Projection[],
  options: { readonly events?: UpcastTypes } = {},
): EventStore {
  const project = async (tx: Transaction, stream: string, after: number, count: number) => {
    for (const stored of await store.read(stream, { after, max: count, tx })) {
      const event = envelopeOf(stored, options.events)
      await withContext({ ...stored.context, causationId: stored.id }, async () => {
        for (const projection of projections) await projection.apply(tx, event)
      })
    }
  }
  return {
    async append(tx, stream, events, expected) {
      const [first] = events
      if (first === undefined) return store.append(tx, stream, events, expected)
      // What is stored already was applied with it: by an earlier transaction, or by one that committed since this one looked.
      const isStored = (await store.find(stream, first.id, tx)) !== undefined
      const version = await store.append(tx, stream, events, expected)
      const isKnown = isStored || (await store.find(stream, first.id)) !== undefined
      if (!isKnown) await project(tx, stream, version - events.length, events.length)
      return version
    },
    read: (stream, read) => store.read(stream, read),
    readBackwards: (stream, read) => store.readBackwards(stream, read),
    find: (stream, eventId, tx) => store.find(stream, eventId, tx),
    readAll: (read) => store.readAll(read),
    head: () => store.head(),
    archive: (tx, stream) => store.archive(tx, stream),
    restore: (tx, stream) => store.restore(tx, stream),
    archivedAtMs: (stream, tx) => store.archivedAtMs(stream, tx),
    loadSnapshot: (stream, tx) => store.loadSnapshot(stream, tx),
    saveSnapshot: (tx, snapshot) => store.saveSnapshot(tx, snapshot),
    onAppended: (listener) => store.onAppended(listener),
  }
}
