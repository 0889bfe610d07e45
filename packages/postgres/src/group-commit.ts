import { AsyncResource } from 'node:async_hooks'
import { type Clock, LimitExceededError } from 'seaworthy/core'

export interface GroupCommitOptions<Entry, Outcome> {
  /** Writes a group in one transaction. @returns what came of each, in the order of the group. A rejection is that of all, but for those of `isOfOne` */
  readonly commit: (group: readonly Entry[]) => Promise<readonly Outcome[]>
  /** Whether a rejection may be that of one entry in the group, of which nothing was written. Then each is written by itself, and the next group waits for none of them. */
  readonly isOfOne: (error: unknown) => boolean
  /** Writes one by itself, in the context of its caller. */
  readonly alone: (entry: Entry) => Promise<Outcome>
  /** Entries in one group at most. */
  readonly groupSizeMax: number
  /** Groups under way at one time at most: one that waits for something does not hold up all others. */
  readonly groupsMax: number
  /** How large an entry is. Beyond `groupLengthMax` no other joins its group. Default: all are small. */
  readonly lengthOf?: (entry: Entry) => number
  readonly groupLengthMax?: number
  /** Default: whoever waits behind groups that end by themselves is not counted. */
  readonly waiting?: WaitingLimits
}

export interface WaitingLimits {
  /** What waits, as in `statements on orders`. */
  readonly what: string
  /** Who waits at most. */
  readonly queueMax: number
  /** How long one waits at most, in milliseconds. */
  readonly waitMs: number
  readonly clock: Clock
}

interface Waiting<Entry, Outcome> {
  readonly entry: Entry
  readonly settle: (outcome: Outcome | Promise<Outcome>) => void
  /** The asynchronous context of its caller, to whose trace the work of the group belongs if it is the first, and its own if it goes by itself. */
  readonly caller: AsyncResource
  /** Its wait is over: neither its limit nor its signal ends it any more. */
  readonly admit: () => void
}

/**
 * What many callers write at one time, in few transactions: what comes while these are under way goes with the next, and shares its round trip and its wait for
 * the disk. Whoever comes while there is room waits for nobody.
 */
export class GroupCommit<Entry, Outcome> {
  readonly #options: GroupCommitOptions<Entry, Outcome>
  readonly #waiting = new Set<Waiting<Entry, Outcome>>()
  #groups = 0
  #isDue = false

  constructor(options: GroupCommitOptions<Entry, Outcome>) {
    this.#options = options
  }

  /** @throws LimitExceededError when too many wait, or one waits for too long; the signal's reason when it is aborted while one waits: it was not written */
  add(entry: Entry, signal?: AbortSignal): Promise<Outcome> {
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    const { waiting: limits } = this.#options
    if (limits !== undefined && this.#waiting.size >= limits.queueMax) {
      const message = `${this.#waiting.size} ${limits.what} wait, which is the queueMax. Send less, or make them shorter.`
      return Promise.reject(new LimitExceededError(message, { retryAfterMs: 100 }))
    }
    return new Promise((settle) => {
      const giveUp = (reason: unknown) => {
        this.#waiting.delete(waiting)
        admit()
        settle(Promise.reject(reason))
      }
      const onAbort = () => giveUp(signal?.reason)
      const timer = limits?.clock.timer(limits.waitMs, () => giveUp(waitedTooLong(limits)))
      signal?.addEventListener('abort', onAbort, { once: true })
      const admit = () => {
        timer?.cancel()
        signal?.removeEventListener('abort', onAbort)
      }
      const waiting: Waiting<Entry, Outcome> = { entry, settle, caller: new AsyncResource('seaworthy.group-commit'), admit }
      this.#waiting.add(waiting)
      this.#begin()
    })
  }

  /** Begins the next group if there is room for it. */
  #begin(): void {
    if (this.#isDue || this.#waiting.size === 0 || this.#groups >= this.#options.groupsMax) return
    this.#isDue = true
    // Behind all promises that are settled by now: callers that were answered together, and go on, are in one group again.
    process.nextTick(() => {
      this.#isDue = false
      const group = this.#take()
      const [first] = group
      if (first === undefined) return
      void first.caller.runInAsyncScope(() => this.#write(group))
      this.#begin()
    })
  }

  #take(): readonly Waiting<Entry, Outcome>[] {
    const { groupSizeMax, lengthOf, groupLengthMax = Infinity } = this.#options
    const group: Waiting<Entry, Outcome>[] = []
    let length = 0
    for (const waiting of this.#waiting) {
      length += lengthOf?.(waiting.entry) ?? 0
      if (group.length === groupSizeMax || (group.length > 0 && length > groupLengthMax)) break
      waiting.admit()
      this.#waiting.delete(waiting)
      group.push(waiting)
    }
    return group
  }

  /** Never rejects. */
  async #write(group: readonly Waiting<Entry, Outcome>[]): Promise<void> {
    this.#groups++
    try {
      const outcomes = await this.#options.commit(group.map(({ entry }) => entry))
      for (const [place, { settle }] of group.entries()) settle(outcomes[place]!)
    } catch (error) {
      const isIsolated = group.length > 1 && this.#options.isOfOne(error)
      for (const { entry, settle, caller } of group) {
        settle(isIsolated ? caller.runInAsyncScope(this.#options.alone, undefined, entry) : Promise.reject(error))
      }
    }
    this.#groups--
    this.#begin()
  }
}

function waitedTooLong({ what, waitMs }: WaitingLimits): LimitExceededError {
  const message = `None of the ${what} before it ended within ${waitMs} ms, so that another could begin. Make them shorter, or send less.`
  return new LimitExceededError(message, { retryAfterMs: waitMs })
}
