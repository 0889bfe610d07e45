import { type Backoff, type LeaseStore, PartitionShare, backoffMs, exponential, sleep, systemClock, systemRandom } from 'seaworthy/core'
import { type DocumentProjection, reachedByAll } from './document-projection.ts'
import { documentTarget } from './document-target.ts'
import { type FeedOptions, type ProjectionLag, type ProjectionStatus, ProjectionLoop } from './loop.ts'
import { type ParkingLimits, allParked } from './parked-documents.ts'
import type { ModelVersion, ParkedDocument, ReadStore } from './read-store.ts'
import { type RequeuedDocument, requeueDocument } from './requeue-document.ts'
import { lagBehind } from './runner.ts'
import type { UpcastTypes } from './stored-event.ts'
import { type WaitingEvent, waitingEvents } from './waiting-events.ts'

/** Several workers that build one version, each some of its partitions. */
export interface SharedBuild {
  readonly leases: LeaseStore
  /** This worker, unlike any other. */
  readonly holder: string
  /** After so long without a sign of life its partitions go to others. Default 10,000 ms. */
  readonly ttlMs?: number
}

export interface DocumentProjectionOptions extends FeedOptions, ParkingLimits {
  readonly projection: DocumentProjection
  readonly store: ReadStore
  /** Brings older events up to date before they are applied. Types that it does not declare are handed on as they are stored. */
  readonly events?: UpcastTypes
  /** Shares the partitions with other workers. Default: this one builds all of them. */
  readonly share?: SharedBuild
}

export interface DocumentLag extends ProjectionLag {
  /** Documents that stand still, however far the checkpoint is. */
  readonly parked: number
}

export interface RunningDocumentProjection extends ModelVersion {
  /** The partitions that are built here, and how each is doing. */
  readonly partitions: ReadonlyMap<number, ProjectionStatus>
  /** Of the whole version, whoever builds it: the checkpoint is the position that every partition has reached. */
  lag(): Promise<DocumentLag>
  /** Documents that stand still, whoever parked them. */
  parked(): Promise<readonly ParkedDocument[]>
  /** Events that wait for documents which stand still, whoever parked them, in the order of their positions. */
  waiting(options: { readonly after: number; readonly max: number }): Promise<readonly WaitingEvent[]>
  /** Applies what waits for a document again, with the code of this process: see {@link requeueDocument}. */
  requeue(key: string, options?: { readonly eventsMax?: number }): Promise<RequeuedDocument>
  /** Finishes the batches in progress, and gives the partitions back. */
  stop(): Promise<void>
}

const BATCH_SIZE_MAX = 1_000
const TTL_MS = 10_000
const RETRY_BACKOFF: Backoff = exponential({ baseMs: 50, maxMs: 5_000, jitter: 'equal' })

/**
 * Builds the documents of a projection's version from an event store, until it is stopped. Version 1 answers queries at once; a later one is built
 * beside it, until a switch. Of partitions that are shared, each worker reads all events and takes those of its own; a worker that lost a lease
 * without noticing writes nothing, because the checkpoint is no longer where it left it.
 */
export function startDocumentProjection(options: DocumentProjectionOptions): RunningDocumentProjection {
  return new DocumentRunner(options)
}

class DocumentRunner implements RunningDocumentProjection {
  readonly #options: DocumentProjectionOptions
  readonly #loops = new Map<number, ProjectionLoop>()
  readonly #stopping = new AbortController()
  readonly #sharing: Promise<void> | undefined

  constructor(options: DocumentProjectionOptions) {
    this.#options = options
    const { projection, share } = options
    if (share === undefined) this.#build(Array.from({ length: projection.partitions }, (_, partition) => partition))
    else this.#sharing = this.#share(share)
  }

  get partitions(): ReadonlyMap<number, ProjectionStatus> {
    return new Map([...this.#loops].map(([partition, { status }]) => [partition, status]))
  }

  get projection(): string {
    return this.#options.projection.name
  }

  get version(): number {
    return this.#options.projection.version
  }

  async lag(): Promise<DocumentLag> {
    const { source, store } = this.#options
    const [checkpoints, parked] = await Promise.all([store.checkpoints(this.#model), this.parked()])
    return { ...(await lagBehind(source, reachedByAll(checkpoints))), parked: parked.length }
  }

  parked(): Promise<readonly ParkedDocument[]> {
    return allParked(this.#options.store, this.#model)
  }

  waiting(options: { readonly after: number; readonly max: number }): Promise<readonly WaitingEvent[]> {
    return waitingEvents({ ...this.#options, ...this.#model, ...options })
  }

  requeue(key: string, { eventsMax }: { readonly eventsMax?: number } = {}): Promise<RequeuedDocument> {
    return requeueDocument({ ...this.#options, key, ...(eventsMax !== undefined && { eventsMax }) })
  }

  get #model(): ModelVersion {
    return { projection: this.projection, version: this.version }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#sharing
    await Promise.all([...this.#loops.values()].map((loop) => loop.stop()))
  }

  #build(partitions: readonly number[]): void {
    for (const partition of partitions) {
      if (this.#loops.has(partition)) continue
      const target = documentTarget({ ...this.#options, partition })
      this.#loops.set(partition, new ProjectionLoop(target, { batchSizeMax: BATCH_SIZE_MAX, ...this.#options }))
    }
  }

  async #share({ leases, holder, ttlMs = TTL_MS }: SharedBuild): Promise<void> {
    const { projection, signal: outer, clock = systemClock, random = systemRandom } = this.#options
    const signal = outer === undefined ? this.#stopping.signal : AbortSignal.any([outer, this.#stopping.signal])
    const { name, version, partitions } = projection
    const part = new PartitionShare({ leases, what: `projection/${name}/${version}`, holder, partitions, ttlMs, clock })
    for (let failures = 0; !signal.aborted;) {
      try {
        await part.refresh(() => new Set(this.#loops.keys()))
        failures = 0
      } catch {
        // What is held goes on until its leases end.
        failures++
      }
      if (signal.aborted) break
      const mine = new Set(part.partitions)
      await this.#leave([...this.#loops.keys()].filter((partition) => !mine.has(partition)))
      this.#build([...mine])
      const waitMs = failures === 0 ? ttlMs / 3 : Math.min(ttlMs / 3, backoffMs(RETRY_BACKOFF, failures, random))
      await sleep(clock, waitMs, signal).catch(() => undefined)
    }
    await this.#leave([...this.#loops.keys()])
    // They end by themselves, too.
    await part.handBack().catch(() => undefined)
  }

  async #leave(partitions: readonly number[]): Promise<void> {
    await Promise.all(partitions.map(async (partition) => this.#loops.get(partition)?.stop()))
    for (const partition of partitions) this.#loops.delete(partition)
  }
}
