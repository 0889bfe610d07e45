import { ConflictError } from 'seaworthy/core'
import type { DocumentProjection } from './document-projection.ts'
import { type DocumentProjectionOptions, type RunningDocumentProjection, startDocumentProjection } from './document-runner.ts'
import type { LiveVersions } from './read-store.ts'
import { type SwitchOptions, type SwitchReport, goBack, switchVersion } from './switch.ts'

export interface RebuildableOptions extends Omit<DocumentProjectionOptions, 'projection'> {
  /** The projection in a version: the same functions in each, under one name. */
  readonly declare: (version: number) => DocumentProjection
  /** Told of each version that is built from now on, and afterwards of its end by calling what this returns. */
  readonly onStarted?: (running: RunningDocumentProjection) => () => void
}

/** A read model that can be built again while it answers. */
export interface RebuildableProjection {
  readonly projection: string
  /** The versions that are built here, the oldest first, and which of them answers. */
  versions(): Promise<LiveVersions & { readonly running: readonly RunningDocumentProjection[] }>
  /**
   * Builds everything again from the first event, as the next version beside the live one, and switches to it when it has caught up and been checked. The live one is
   * built on, to go back to; the one before it is removed.
   * @throws ConflictError when a rebuild is under way here, or nothing is live yet; what {@link switchVersion} throws: then the new version is removed, and the live one
   * goes on answering
   */
  rebuild(options?: Pick<SwitchOptions, 'sampleSize' | 'mayDiffer' | 'timeoutMs' | 'random'>): Promise<SwitchReport>
  /** Lets the version answer again that did before the last switch. @throws what `goBack` throws */
  goBack(): Promise<{ readonly from: number; readonly to: number }>
  /** Finishes the batches in progress. A rebuild that is under way is given up: what there is of it, the next one removes. */
  stop(): Promise<void>
}

/**
 * Builds a read model from an event store, in the version that answers and in the one to go back to, whichever those are by now: for a store that was lost or spoilt, and for
 * functions that were mended. Where the functions are to differ from version to version, start each by {@link startDocumentProjection} and switch by a release.
 */
export async function startRebuildable(options: RebuildableOptions): Promise<RebuildableProjection> {
  const rebuildable = new Rebuildable(options)
  await rebuildable.start()
  return rebuildable
}

class Rebuildable implements RebuildableProjection {
  readonly projection: string
  readonly #options: RebuildableOptions
  readonly #running = new Map<number, { readonly runner: RunningDocumentProjection; readonly ended: () => void }>()
  readonly #stopping = new AbortController()
  #rebuilding: Promise<unknown> | undefined

  constructor(options: RebuildableOptions) {
    this.#options = options
    this.projection = options.declare(1).name
  }

  async start(): Promise<void> {
    const { live, previous } = await this.#options.store.versions(this.projection)
    for (const version of new Set([previous, live === 0 ? 1 : live])) if (version > 0) this.#build(version)
  }

  async versions(): Promise<LiveVersions & { readonly running: readonly RunningDocumentProjection[] }> {
    const versions = await this.#options.store.versions(this.projection)
    const running = [...this.#running].toSorted(([one], [other]) => one - other).map(([, { runner }]) => runner)
    return { ...versions, running }
  }

  rebuild(options: Parameters<RebuildableProjection['rebuild']>[0] = {}): Promise<SwitchReport> {
    if (this.#rebuilding !== undefined) {
      return Promise.reject(new ConflictError(`${this.projection} is being rebuilt already. Wait until that has come to its end.`))
    }
    const rebuilding = this.#rebuild(options).finally(() => (this.#rebuilding = undefined))
    this.#rebuilding = rebuilding.catch(() => undefined)
    return rebuilding
  }

  async goBack(): Promise<{ readonly from: number; readonly to: number }> {
    const { store } = this.#options
    const { live } = await store.versions(this.projection)
    return goBack(store, this.projection, { from: live })
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#rebuilding
    await Promise.all([...this.#running.keys()].map((version) => this.#end(version)))
  }

  async #rebuild(options: NonNullable<Parameters<RebuildableProjection['rebuild']>[0]>): Promise<SwitchReport> {
    const { store, declare } = this.#options
    const { live, previous } = await store.versions(this.projection)
    if (live === 0) throw new ConflictError(`No version of ${this.projection} answers yet, so there is nothing to take the place of.`)
    const version = Math.max(live, previous) + 1
    // What a rebuild left that was given up may be of other code.
    await store.remove({ projection: this.projection, version })
    this.#build(version)
    try {
      const { source, events, clock } = this.#options
      const switching = { source, store, projection: declare(version), signal: this.#stopping.signal, ...options }
      const report = await switchVersion({ ...switching, ...(events && { events }), ...(clock && { clock }) })
      if (previous > 0 && previous !== live) await this.#remove(previous)
      return report
    } catch (error) {
      if (!this.#stopping.signal.aborted) await this.#remove(version)
      throw error
    }
  }

  #build(version: number): void {
    const { declare, onStarted, ...options } = this.#options
    const runner = startDocumentProjection({ ...options, projection: declare(version) })
    this.#running.set(version, { runner, ended: onStarted?.(runner) ?? (() => undefined) })
  }

  async #remove(version: number): Promise<void> {
    await this.#end(version)
    await this.#options.store.remove({ projection: this.projection, version })
  }

  async #end(version: number): Promise<void> {
    const running = this.#running.get(version)
    if (running === undefined) return
    this.#running.delete(version)
    await running.runner.stop()
    running.ended()
  }
}
