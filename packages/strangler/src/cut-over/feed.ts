import type { Clock } from 'seaworthy/core'
import type { CutOverLimits } from './limits.ts'
import { type DirectedMapping, emptyEntity, isEmpty } from './mapping.ts'
import type { Tables } from './mapping.ts'
import type { Applied, Batch, ChangePage, CopyProgress, Entity, SetAsideKey, Side, SideState } from './side.ts'

export interface FeedParts {
  readonly mapping: DirectedMapping
  /** Of the target. */
  readonly tables: Tables
  readonly source: Side
  readonly target: Side
  readonly limits: CutOverLimits
  readonly clock: Clock
}

/**
 * - `busy`: something was done, and there may be more.
 * - `idle`: the target has all that there was.
 * - `outdated`: somebody else feeds or has decided. Look again.
 */
export type FeedProgress = 'busy' | 'idle' | 'outdated'

/**
 * Brings one side's data to the other: at first a copy of all that stands there, and at any time what was changed.
 *
 * A change names a key. What stands under it is read anew, and put in place of what the target has, in one transaction with the place in the source's changes. So a change that comes twice,
 * or in the middle of the copy, does no harm, and changes of one key that come together are one. Older never replaces newer: what is read is read after the target's revision,
 * and any other batch or decision in between makes it void.
 */
export class Feed {
  readonly #parts: FeedParts
  #copyAgainAtMs = 0
  #retryAtMs: number
  #trimAtMs = 0
  #advanceAtMs = 0
  #trimmed = 0

  constructor(parts: FeedParts) {
    this.#parts = parts
    this.#retryAtMs = parts.clock.monotonicMs() + parts.limits.retryParkedMs
  }

  /**
   * One batch of changes, and one of the copy.
   * @param state of the target, as it was read last: before anything that is read of the source
   * @param reach a position that must be stored even where nothing changed up to it
   */
  async step(state: SideState, reach = 0): Promise<FeedProgress> {
    const { source, limits } = this.#parts
    await this.#trim(state.position)
    const page = await source.changes({ after: state.position, max: limits.batchKeysMax })
    if (mustCopy(state, page)) return this.#beginCopy(state, page)
    const changed = await this.#applyChanges(state, page, reach)
    if (changed === 'outdated') return changed
    if (changed === 'idle') {
      if (state.copy.stage === 'done') return await this.#retryParked(state)
      return this.#copy(state)
    }
    return 'busy'
  }

  /** Copies everything once more. */
  async copyAgain(): Promise<FeedProgress> {
    const state = await this.#parts.target.state({})
    return this.#apply(state, [], { position: state.position, copy: { stage: 'scan', after: null } })
  }

  async #beginCopy(state: SideState, page: ChangePage): Promise<FeedProgress> {
    const { position: head } = await this.#parts.source.head({})
    // Before the first key is read, so that whatever is written meanwhile comes as a change.
    const position = page.all ? page.upTo : Math.max(head, page.from)
    return this.#apply(state, [], { position, copy: { stage: 'scan', after: null } })
  }

  async #applyChanges(state: SideState, page: ChangePage, reach: number): Promise<FeedProgress> {
    const { clock, limits } = this.#parts
    const keys = [...new Set(page.changes.map(({ key }) => key))]
    if (keys.length === 0) {
      // Nothing of it is news. Now and then the place is stored all the same, so that the source need not keep what lies before it.
      const isDue = state.position < reach || clock.monotonicMs() >= this.#advanceAtMs
      if (page.upTo <= state.position || !isDue) return 'idle'
    }
    this.#advanceAtMs = clock.monotonicMs() + limits.trimEveryMs
    const entities = await this.#read(keys, page.upTo)
    return this.#apply(state, entities, { position: page.upTo, copy: state.copy })
  }

  async #copy(state: SideState): Promise<FeedProgress> {
    const { clock, limits, source, target } = this.#parts
    const nowMs = clock.monotonicMs()
    if (nowMs < this.#copyAgainAtMs) return 'idle'
    const isScan = state.copy.stage === 'scan'
    const { keys } = await (isScan ? source : target).scan({ after: state.copy.after, max: limits.batchKeysMax })
    this.#copyAgainAtMs = nowMs + (keys.length / limits.copyKeysPerSecondMax) * 1_000
    const after = keys.at(-1)
    if (after === undefined) {
      const copy: CopyProgress = isScan ? { stage: 'sweep', after: null } : { stage: 'done', after: null }
      return this.#apply(state, [], { position: state.position, copy })
    }
    const read = await this.#read(keys, state.position)
    // Of what the target has, only what the source has not is news.
    const entities = isScan ? read : read.filter(({ tables }) => isEmpty(tables))
    return this.#apply(state, entities, { position: state.position, copy: { stage: state.copy.stage, after } })
  }

  /** A key that was set aside may go now: the mapping was mended, or a row that stood in its way has gone. */
  async #retryParked(state: SideState): Promise<FeedProgress> {
    const { clock, limits, target } = this.#parts
    if (!state.hasParked || clock.monotonicMs() < this.#retryAtMs) return 'idle'
    this.#retryAtMs = clock.monotonicMs() + limits.retryParkedMs
    const { keys } = await target.setAside({ kind: 'parked', max: limits.batchKeysMax })
    if (keys.length === 0) return 'idle'
    const entities = await this.#read(
      keys.map(({ key }) => key),
      state.position,
    )
    const progress = await this.#apply(state, entities, { position: state.position, copy: state.copy })
    return progress === 'busy' ? 'idle' : progress
  }

  async #read(keys: readonly string[], upTo: number): Promise<readonly Entity[]> {
    if (keys.length === 0) return []
    return (await this.#parts.source.read({ keys, upTo })).entities
  }

  /** A key that cannot be brought over is set aside, and those behind it go on. */
  async #apply(state: SideState, read: readonly Entity[], to: Pick<Batch, 'position' | 'copy'>): Promise<FeedProgress> {
    const parked: SetAsideKey[] = []
    let entities: Entity[] = []
    for (const { key, tables } of read) {
      try {
        entities.push({ key, tables: isEmpty(tables) ? emptyEntity(this.#parts.tables) : this.#parts.mapping.map(tables, key) })
      } catch (error) {
        parked.push({ key, reason: (error as Error).message })
      }
    }
    for (;;) {
      const batch: Batch = { epoch: state.epoch, revision: state.revision, entities, parked, ...to }
      const applied: Applied = await this.#parts.target.apply(batch)
      if (applied.kind === 'applied') return 'busy'
      if (applied.kind === 'outdated') return 'outdated'
      const { key, reason } = applied
      parked.push({ key, reason })
      entities = entities.filter((entity) => entity.key !== key)
    }
  }

  /** @param stored what the target has committed: only then may the source forget it */
  async #trim(stored: number): Promise<void> {
    const { clock, limits, source } = this.#parts
    const nowMs = clock.monotonicMs()
    if (stored <= this.#trimmed || nowMs < this.#trimAtMs) return
    this.#trimAtMs = nowMs + limits.trimEveryMs
    await source.trim({ upTo: stored })
    this.#trimmed = stored
  }
}

/** Whether the changes alone do not lead from what the target has to what the source has. */
function mustCopy(state: SideState, page: ChangePage): boolean {
  return state.copy.stage === 'none' || page.all || state.position < page.from
}
