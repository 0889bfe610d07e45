import { isDeepStrictEqual } from 'node:util'
import type { Clock, Transaction } from 'seaworthy/core'
import type { EventStore } from './event-store.ts'
import type { FoldedStream } from './load-stream.ts'

export interface SnapshotsOptions {
  readonly store: EventStore
  /** Version of the state's shape. */
  readonly schemaVersion: number
  /** One once so many events were read or stored since the last. */
  readonly snapshotEvery?: number
  /** One with the next events once the last one, or the first event where there is none, is so old. */
  readonly snapshotAfterMs?: number
  readonly clock: Clock
}

/** When states of streams are kept, and which can be. */
export class Snapshots<State> {
  /** Whoever switched snapshots off does not want old ones back. */
  readonly areUsed: boolean
  readonly #options: SnapshotsOptions
  readonly #warned = new Set<string>()

  constructor(options: SnapshotsOptions) {
    this.#options = options
    this.areUsed = options.snapshotEvery !== undefined || options.snapshotAfterMs !== undefined
  }

  isDue({ snapshotVersion, sinceMs }: FoldedStream<State>, version: number): boolean {
    const { snapshotEvery, snapshotAfterMs, clock } = this.#options
    if (snapshotEvery !== undefined && version - snapshotVersion >= snapshotEvery) return true
    return snapshotAfterMs !== undefined && sinceMs !== undefined && clock.now() - sinceMs >= snapshotAfterMs
  }

  /**
   * Without snapshots loading stays slower, but right: a state that cannot be kept is no reason to refuse the command.
   * @returns whether it is kept
   */
  async save(tx: Transaction, stream: string, version: number, state: State): Promise<boolean> {
    const { store, schemaVersion, clock } = this.#options
    if (!survivesJson(state)) {
      this.#warnOnce(
        `The state of stream ${stream} does not survive JSON, so no snapshot of it is kept. Use plain objects, arrays, strings, finite numbers, booleans and null.`,
        'state',
      )
      return false
    }
    await store.saveSnapshot(tx, { stream, version, schemaVersion, state, takenAtMs: clock.now() })
    return true
  }

  /** @param schemaVersion of the code that made it */
  warnOfNewer(stream: string, schemaVersion: number): void {
    this.#warnOnce(
      `The snapshot of stream ${stream} was made by newer code (schema version ${schemaVersion}, this is ${this.#options.schemaVersion}), and is ignored: the stream is loaded from its events.`,
      'newer snapshot',
    )
  }

  #warnOnce(message: string, about: string): void {
    if (this.#warned.has(about)) return
    this.#warned.add(about)
    process.emitWarning(message, { code: 'SEAWORTHY_SNAPSHOT' })
  }
}

/**
 * True when a state comes back from JSON as it went in. A Map or a Date would not: a stream loaded from such a snapshot would differ from
 * the stream itself.
 */
function survivesJson(state: unknown): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(JSON.stringify(state)), state)
  } catch {
    // Nothing at all, a bigint or a circle: JSON has no form for it.
    return false
  }
}
