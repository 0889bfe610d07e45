import { type Database, type Transaction, withContext } from 'seaworthy/core'
import type { StoredEvent } from 'seaworthy/event-sourcing'
import type { ProjectionStore } from './projection-store.ts'
import type { Projection } from './projection.ts'
import { type UpcastTypes, envelopeOf } from './stored-event.ts'
import { ApplyFailure, type ProjectionTarget } from './target.ts'

export interface TransactionalTargetOptions {
  readonly projection: Projection
  readonly database: Database
  readonly store: ProjectionStore
  readonly events?: UpcastTypes
}

/** A read model in tables of its own: each batch is a transaction, with the checkpoint in it. */
export function transactionalTarget({ projection, database, store, events }: TransactionalTargetOptions): ProjectionTarget {
  const { name, version } = projection
  const apply = async (tx: Transaction, stored: StoredEvent, index: number): Promise<void> => {
    if (!projection.eventTypes.includes(stored.type)) return
    try {
      const event = envelopeOf(stored, events)
      await withContext({ ...stored.context, causationId: stored.id }, () => projection.apply(tx, event))
    } catch (error) {
      throw new ApplyFailure(stored, index, error)
    }
  }
  return {
    projection: name,
    version,
    position: () => store.checkpoint(name, version),
    apply: (batch, move) =>
      database.transaction(async (tx) => {
        // The checkpoint first: it is the lock that lets one runner through.
        const ours = await store.advance(tx, name, version, move)
        if (!ours) return
        for (const [index, stored] of batch.entries()) await apply(tx, stored, index)
      }),
  }
}
