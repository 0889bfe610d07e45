import {
  type Backoff,
  type Clock,
  type Database,
  type Random,
  type Transaction,
  ConfigurationError,
  backoffMs,
  exponential,
  observed,
  rootContext,
  sleep,
  systemClock,
  systemRandom,
  withContext,
} from 'seaworthy/core'
import type { EventStore, StoredEvent } from 'seaworthy/event-sourcing'
import type { ProjectionStore } from './projection-store.ts'
import type { Projection } from './projection.ts'
import { type UpcastTypes, envelopeOf } from './stored-event.ts'
import { Bell } from './bell.ts'

export interface ProjectionOptions {
  readonly projection: Projection
  readonly source: EventStore
  /** Of the read model. */
  readonly database: Database
  readonly store: ProjectionStore
  /** Ends the projection. */
  readonly signal?: AbortSignal
  /** Brings older events up to date before they are applied. Types that it does not declare are handed on as they are stored. */
  readonly events?: UpcastTypes
  /** Events in one transaction. Default 200. */
  readonly batchSizeMax?: number
  /** How long to wait before looking again when nothing rang: for commits of other processes. Default 250 ms. */
  readonly pollMs?: number
  readonly clock?: Clock
  readonly random?: Random
}

/**
 * - `running`: applying events, or waiting for the next.
 * - `failing`: an event cannot be applied. It is tried again with back-off and never passed over: a read model with a hole is wrong for good.
 * - `stopped`: over.
 */
export type ProjectionStatus =
  | { readonly kind: 'running' }
  | {
      readonly kind: 'failing'
      /** The event; undefined when it was not an event that failed, but the source or the database. */
      readonly event: { readonly type: string; readonly position: number } | undefined
      readonly attempts: number
      readonly error: unknown
    }
  | { readonly kind: 'stopped' }

export interface ProjectionLag {
  /** Position of the last event in the read model. */
  readonly checkpoint: number
  /** Position of the last event in the source. */
  readonly head: number
  /** Positions in between: as many events, or fewer. */
  readonly positions: number
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

const BATCH_SIZE_MAX = 200
const POLL_MS = 250
const RETRY_BACKOFF: Backoff = exponential({ baseMs: 50, maxMs: 30_000, jitter: 'equal' })
const batch = observed('projections.batch')

/** Keeps a read model up to date with an event store, until it is stopped. Its checkpoint changes in the read model's own transaction. */
export function startProjection(options: ProjectionOptions): RunningProjection {
  return new Runner(options)
}

type Progress = { readonly kind: 'applied' } | { readonly kind: 'up-to-date' }

class Runner implements RunningProjection {
  readonly #options: ProjectionOptions
  readonly #clock: Clock
  readonly #random: Random
  readonly #stopping = new AbortController()
  readonly #bell: Bell
  readonly #ended: Promise<void>
  #status: ProjectionStatus = { kind: 'running' }

  constructor(options: ProjectionOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#bell = new Bell(this.#clock)
    // A context of its own, so that a projection never runs in the trace of whoever happened to start it.
    this.#ended = withContext(rootContext(), () => this.#run())
  }

  get status(): ProjectionStatus {
    return this.#status
  }

  async lag(): Promise<ProjectionLag> {
    const { projection, source, store } = this.#options
    const checkpoint = await store.checkpoint(projection.name, projection.version)
    const head = await source.head()
    return { checkpoint, head, positions: Math.max(0, head - checkpoint) }
  }

  async rebuild(): Promise<void> {
    const { projection, database, store } = this.#options
    const { name, version, reset } = projection
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
    this.#bell.ring()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#ended
  }

  async #run(): Promise<void> {
    const { source, signal: outer, pollMs = POLL_MS, batchSizeMax = BATCH_SIZE_MAX } = this.#options
    const signal = outer === undefined ? this.#stopping.signal : AbortSignal.any([outer, this.#stopping.signal])
    const stopListening = source.onAppended(() => this.#bell.ring())
    let attempts = 0
    let max = batchSizeMax
    while (!signal.aborted) {
      try {
        const progress = await this.#applyNext(max)
        attempts = 0
        max = batchSizeMax
        this.#status = { kind: 'running' }
        if (progress.kind === 'up-to-date') await this.#bell.wait(pollMs, signal)
      } catch (error) {
        if (error instanceof ApplyFailure && error.index > 0) {
          // The batch was rolled back because of one event: keep what stands before it, then meet it alone.
          max = error.index
          continue
        }
        attempts++
        this.#status =
          error instanceof ApplyFailure
            ? { kind: 'failing', event: error.event, attempts, error: error.cause }
            : { kind: 'failing', event: undefined, attempts, error }
        await this.#backOff(attempts, signal)
      }
    }
    stopListening()
    this.#status = { kind: 'stopped' }
  }

  async #backOff(attempts: number, signal: AbortSignal): Promise<void> {
    try {
      await sleep(this.#clock, backoffMs(RETRY_BACKOFF, attempts, this.#random), signal)
    } catch {
      // Stopped meanwhile: the loop sees it.
    }
  }

  async #applyNext(max: number): Promise<Progress> {
    const { projection, source, database, store } = this.#options
    const from = await store.checkpoint(projection.name, projection.version)
    const events = await source.readAll({ after: from, max })
    const last = events.at(-1)
    if (last === undefined) return { kind: 'up-to-date' }
    await batch.run(
      () => ({
        name: `project ${projection.name}`,
        kind: 'internal',
        attributes: {
          'seaworthy.projection': projection.name,
          'seaworthy.projection.version': projection.version,
          'seaworthy.projection.checkpoint': last.position,
          'messaging.batch.message_count': events.length,
        },
      }),
      () =>
        database.transaction(async (tx) => {
          // The checkpoint first: it is the lock that lets one runner through.
          const ours = await store.advance(tx, projection.name, projection.version, { from, to: last.position })
          if (!ours) return
          for (const [index, stored] of events.entries()) await this.#apply(tx, stored, index)
        }),
    )
    return { kind: 'applied' }
  }

  async #apply(tx: Transaction, stored: StoredEvent, index: number): Promise<void> {
    const { projection, events } = this.#options
    if (!projection.eventTypes.includes(stored.type)) return
    try {
      const event = envelopeOf(stored, events)
      await withContext({ ...stored.context, causationId: stored.id }, () => projection.apply(tx, event))
    } catch (error) {
      throw new ApplyFailure(stored, index, error)
    }
  }
}

/** An event whose handler threw. Never leaves this file. */
class ApplyFailure extends Error {
  readonly event: { readonly type: string; readonly position: number }
  /** Its place in the batch, from 0. */
  readonly index: number

  constructor(event: StoredEvent, index: number, cause: unknown) {
    super(`Event ${event.type} at position ${event.position} could not be applied.`, { cause })
    this.event = { type: event.type, position: event.position }
    this.index = index
  }
}
