import {
  type Backoff,
  type Clock,
  type Random,
  backoffMs,
  exponential,
  observed,
  rootContext,
  sleep,
  systemClock,
  systemRandom,
  withContext,
} from 'seaworthy/core'
import type { EventStore } from 'seaworthy/event-sourcing'
import { Bell } from './bell.ts'
import { ApplyFailure, type ProjectionTarget } from './target.ts'

/** How events are brought from an event store to a read model. */
export interface FeedOptions {
  readonly source: EventStore
  /** Ends the projection. */
  readonly signal?: AbortSignal
  /** Events in one transaction. Default 200; of a projection into documents 1,000. */
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

const BATCH_SIZE_MAX = 200
const POLL_MS = 250
const RETRY_BACKOFF: Backoff = exponential({ baseMs: 50, maxMs: 30_000, jitter: 'equal' })
const batch = observed('projections.batch')

type Progress = { readonly kind: 'applied' } | { readonly kind: 'up-to-date' }

/** Feeds a read model, from its checkpoint on, until it is stopped. */
export class ProjectionLoop {
  readonly #target: ProjectionTarget
  readonly #options: FeedOptions
  readonly #clock: Clock
  readonly #random: Random
  readonly #stopping = new AbortController()
  readonly #bell: Bell
  readonly #ended: Promise<void>
  #status: ProjectionStatus = { kind: 'running' }

  constructor(target: ProjectionTarget, options: FeedOptions) {
    this.#target = target
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

  /** Makes it look again at once. */
  ring(): void {
    this.#bell.ring()
  }

  /** Finishes the batch in progress. */
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
    const { projection, version } = this.#target
    const from = await this.#target.position()
    const events = await this.#options.source.readAll({ after: from, max })
    const last = events.at(-1)
    if (last === undefined) return { kind: 'up-to-date' }
    await batch.run(
      () => ({
        name: `project ${projection}`,
        kind: 'internal',
        attributes: {
          'seaworthy.projection': projection,
          'seaworthy.projection.version': version,
          'seaworthy.projection.checkpoint': last.position,
          'messaging.batch.message_count': events.length,
        },
      }),
      () => this.#target.apply(events, { from, to: last.position }),
    )
    return { kind: 'applied' }
  }
}
