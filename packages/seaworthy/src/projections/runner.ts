import { type Database, ConfigurationError } from 'seaworthy/core'
import type { EventStore } from 'seaworthy/event-sourcing'
import { type FeedOptions, type ProjectionLag, type ProjectionStatus, ProjectionLoop } from './loop.ts'
import type { ProjectionStore } from './projection-store.ts'
import type { Projection } from './projection.ts'
import type { UpcastTypes } from './stored-event.ts'
import { transactionalTarget } from './transactional-target.ts'

export interface ProjectionOptions extends FeedOptions {
  readonly projection: Projection
  /** Of the read model. */
  readonly database: Database
  readonly store: ProjectionStore
  /** Brings older events up to date before they are applied. Types that it does not declare are handed on as they are stored. */
  readonly events?: UpcastTypes
}

export interface RunningProjection {
  readonly status: ProjectionStatus
  lag(): Promise<ProjectionLag>
  /**
   * Empties the read model and applies everything again, from the first event on. Queries see it grow; to keep the old one answering
   * meanwhile, declare a new version with tables of its own instead.
   * @throws ConfigurationError when the projection declares no `reset`
   */
  rebuild(): Promise<void>
  /** Finishes the batch in progress. */
  stop(): Promise<void>
}

/** Keeps a read model up to date with an event store, until it is stopped. Its checkpoint changes in the read model's own transaction. */
export function startProjection(options: ProjectionOptions): RunningProjection {
  const { projection, database, store, source } = options
  const { name, version, reset } = projection
  const loop = new ProjectionLoop(transactionalTarget(options), options)
  return {
    get status() {
      return loop.status
    },
    lag: async () => lagBehind(source, await store.checkpoint(name, version)),
    async rebuild() {
      if (reset === undefined) {
        throw new ConfigurationError(
          `Projection ${name} declares no reset, so it cannot be rebuilt in place. Declare one, or raise its version.`,
        )
      }
      await database.transaction(async (tx) => {
        for (;;) {
          const from = await store.checkpoint(name, version, tx)
          if (await store.advance(tx, name, version, { from, to: 0 })) break
        }
        await reset(tx)
      })
      loop.ring()
    },
    stop: () => loop.stop(),
  }
}

/** How far a checkpoint is behind the source now. */
export async function lagBehind(source: EventStore, checkpoint: number): Promise<ProjectionLag> {
  const head = await source.head()
  return { checkpoint, head, positions: Math.max(0, head - checkpoint) }
}
