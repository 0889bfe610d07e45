import { type Clock, sleep } from 'seaworthy/core'
import type { DataMove } from './data-move.ts'
import { limited } from './http-readiness.ts'
import type { Side } from './rule.ts'

/** Stands for everybody: where nobody can be told from others, or too many have written. */
export const ANYBODY = ''

interface Written {
  readonly side: Side
  /** Writes that have not ended yet. */
  open: number
  /** Of its last end, among all ends. */
  endedAt: number
}

const WRITERS_MAX = 10_000
const LOOK_AGAIN_MS = { least: 10, most: 1_000 }
const ANSWER_TIMEOUT_MS = 5_000

/**
 * Who has lately written through a route whose data moves, and on which side: they read there until the other side has it, so that nobody misses what they
 * wrote themselves. Who that is, is a user's key, or {@link ANYBODY}. While the data's process gives no answer, everybody stays where they wrote.
 */
export class OwnWrites {
  readonly #clock: Clock
  readonly #written = new Map<string, Written>()
  readonly #stopping = new AbortController()
  #ends = 0
  #isFollowing = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The side on which this one has to read; undefined where either will do. */
  sideOf(who: string): Side | undefined {
    if (this.#written.size === 0) return undefined
    return (this.#written.get(who) ?? this.#written.get(ANYBODY))?.side
  }

  /**
   * A write begins, on a side.
   * @returns what ends it: with what moves the data, or without where nobody reads elsewhere
   */
  begin(who: string, side: Side): (data: DataMove | undefined) => void {
    const name = this.#written.has(who) || this.#written.size < WRITERS_MAX ? who : ANYBODY
    const before = this.#written.get(name)
    const written = before?.side === side ? before : { side, open: 0, endedAt: 0 }
    written.open++
    this.#written.set(name, written)
    return (data) => {
      written.open--
      written.endedAt = ++this.#ends
      if (data !== undefined) void this.#follow(data)
      else if (written.open === 0 && this.#written.get(name) === written) this.#written.delete(name)
    }
  }

  stop(): void {
    this.#stopping.abort()
  }

  /** Looks until the other side has everything. One for all: what has ended while it looked is dealt with together, in the next turn. */
  async #follow(data: DataMove): Promise<void> {
    if (this.#isFollowing) return
    this.#isFollowing = true
    let pauseMs = LOOK_AGAIN_MS.least
    const pause = () => sleep(this.#clock, pauseMs, this.#stopping.signal)
    try {
      for (let ended = this.#ended(); ended.length > 0; ended = this.#ended()) {
        const { side } = ended[0]![1]
        try {
          const token = await this.#ask((signal) => data.token(side, signal))
          for (pauseMs = LOOK_AGAIN_MS.least; !(await this.#ask((signal) => data.hasCome(token, side, signal))); await pause())
            pauseMs = Math.min(pauseMs * 2, LOOK_AGAIN_MS.most)
          this.#forget(ended.filter(([, written]) => written.side === side))
        } catch {
          pauseMs = LOOK_AGAIN_MS.most
          await pause()
        }
      }
    } catch {
      // It is over.
    } finally {
      this.#isFollowing = false
    }
  }

  #ended(): readonly (readonly [string, Written, number])[] {
    return [...this.#written].flatMap(([who, written]) => (written.open === 0 ? [[who, written, written.endedAt] as const] : []))
  }

  /** All but those who have written again meanwhile. */
  #forget(ended: readonly (readonly [string, Written, number])[]): void {
    for (const [who, written, endedAt] of ended)
      if (this.#written.get(who) === written && written.open === 0 && written.endedAt === endedAt) this.#written.delete(who)
  }

  async #ask<T>(question: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = limited(ANSWER_TIMEOUT_MS, this.#clock)
    try {
      return await question(AbortSignal.any([limit.signal, this.#stopping.signal]))
    } finally {
      limit.done()
    }
  }
}
