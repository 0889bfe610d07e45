import { channel } from 'node:diagnostics_channel'
import { type Clock, LimitExceededError } from 'seaworthy/core'
import type { StoredEvent } from 'seaworthy/event-sourcing'
import { reasonOf } from 'seaworthy/messaging'
import type { ModelVersion, ParkedDocument, Parking, ParkingChange, ReadStore } from './read-store.ts'
import { ApplyFailure } from './target.ts'

/** What of a version may stand still before all of a partition does. */
export interface ParkingLimits {
  /** Documents of a version that may be parked. Default 100. */
  readonly parkedMax?: number
  /** Events that may wait for one of them. Default 1,000. */
  readonly waitingMax?: number
}

const PARKED_MAX = 100
const WAITING_MAX = 1_000

/** A document that was parked, as it happened: published on the channel `seaworthy:projection.parked`. */
export interface DocumentParked extends ModelVersion {
  readonly key: string
  /** Position of the event that could not be applied. */
  readonly position: number
  readonly type: string
  readonly reason: string
}

const parkedChannel = channel('seaworthy:projection.parked')

/** An event, and its place in the batch that is applied. */
interface Applied {
  readonly stored: StoredEvent
  readonly index: number
}

/** What stands still of the documents to which a batch of events is applied. */
export class ParkedDocuments {
  readonly #loaded: ReadonlyMap<string, ParkedDocument>
  readonly #clock: Clock
  readonly #waitingMax: number
  readonly #parkedMax: number
  readonly #changed = new Map<string, Parking>()
  readonly #news: (Applied & { readonly key: string; readonly reason: string })[] = []

  constructor(loaded: ReadonlyMap<string, ParkedDocument>, options: ParkingLimits & { readonly clock: Clock }) {
    this.#loaded = loaded
    this.#clock = options.clock
    this.#waitingMax = options.waitingMax ?? WAITING_MAX
    this.#parkedMax = options.parkedMax ?? PARKED_MAX
  }

  /** Lets the event wait if the document stands still. @returns whether it does. @throws ApplyFailure when no more may wait */
  holds(key: string, { stored, index }: Applied): boolean {
    const parking = this.#changed.get(key) ?? this.#loaded.get(key)
    if (parking === undefined) return false
    const { waiting, attempts, reason, parkedAtMs } = parking
    if (waiting.length >= this.#waitingMax) {
      const full = `${waiting.length} events wait for document ${key} already (waitingMax). Mend what could not be applied, and requeue it.`
      throw new ApplyFailure(stored, index, new LimitExceededError(full))
    }
    this.#changed.set(key, { waiting: [...waiting, stored.position], attempts, reason, parkedAtMs })
    return true
  }

  /** The document stands still from this event on. */
  park(key: string, { stored, index }: Applied, error: unknown): void {
    const reason = reasonOf(error)
    this.#changed.set(key, { waiting: [stored.position], attempts: 1, reason, parkedAtMs: this.#clock.now() })
    this.#news.push({ key, stored, index, reason })
  }

  changes(): readonly ParkingChange[] {
    return Array.from(this.#changed, ([key, parking]) => ({ key, parking, before: this.#loaded.get(key) }))
  }

  /** @throws ApplyFailure when no more documents may stand still. What other partitions park at this moment is not counted. */
  async assertRoom(store: ReadStore, model: ModelVersion): Promise<void> {
    if (this.#news.length === 0) return
    const parked = await store.parked(model, { after: '', max: this.#parkedMax })
    const tooMany = this.#news[this.#parkedMax - parked.length]
    if (tooMany === undefined) return
    const full = `${this.#parkedMax} documents of ${model.projection} stand still already (parkedMax), and ${tooMany.key} would be one more: ${tooMany.reason}. Mend the projection, and requeue them.`
    throw new ApplyFailure(tooMany.stored, tooMany.index, new LimitExceededError(full))
  }

  /** Tells of those that were parked, after that was written. */
  announce(model: ModelVersion): void {
    if (!parkedChannel.hasSubscribers) return
    for (const { key, stored, reason } of this.#news) {
      parkedChannel.publish({ ...model, key, position: stored.position, type: stored.type, reason } satisfies DocumentParked)
    }
  }
}

const PAGE_SIZE = 200

/** All documents of a version that stand still. */
export async function allParked(store: ReadStore, of: ModelVersion): Promise<readonly ParkedDocument[]> {
  const all: ParkedDocument[] = []
  for (;;) {
    const page = await store.parked(of, { after: all.at(-1)?.key ?? '', max: PAGE_SIZE })
    all.push(...page)
    if (page.length < PAGE_SIZE) return all
  }
}
