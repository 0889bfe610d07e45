import { type Clock, sleep } from 'seaworthy/core'
import type { DataMove } from './data-move.ts'
import { limited } from './http-readiness.ts'

const LOOK_AGAIN_MS = { least: 20, most: 1_000 }
const ANSWER_TIMEOUT_MS = 5_000

/**
 * The keys of a route that its old side does not have yet after a rollback: the new side wrote them last, and they are on their way back. Whoever reads one is
 * still answered there, and whoever writes one waits, so that it has one writer at a time; all other keys are the old side's at once.
 * While the data's process gives no answer, what was held last is held on.
 */
export class HeldKeys {
  readonly #clock: Clock
  readonly #onGivenBack: () => void
  readonly #stopping = new AbortController()
  #keys: ReadonlySet<string> = new Set()
  /** Counts the moves of the data: what is heard of an earlier one is of no use. */
  #move = 0

  constructor(clock: Clock, onGivenBack: () => void) {
    this.#clock = clock
    this.#onGivenBack = onGivenBack
  }

  get keys(): ReadonlySet<string> {
    return this.#keys
  }

  has(key: string | undefined): boolean {
    return key !== undefined && this.#keys.has(key)
  }

  /**
   * The data has just gone back, or may have at an earlier start.
   * @returns once it is known what is held. From then on it is looked after until nothing is
   * @throws what kept that from being known. It is asked for again until it is
   */
  async begin(data: DataMove, signal: AbortSignal): Promise<void> {
    const move = ++this.#move
    let isKnown = false
    try {
      const keys = await data.held(signal)
      if (this.#move !== move) return
      this.#set(keys ?? [])
      isKnown = true
    } finally {
      void this.#follow(data, { move, isKnown })
    }
  }

  /** The data goes to the new side again. */
  end(): void {
    this.#move++
    this.#set([])
  }

  stop(): void {
    this.#stopping.abort()
  }

  async #follow(data: DataMove, { move, isKnown }: { readonly move: number; readonly isKnown: boolean }): Promise<void> {
    const { signal } = this.#stopping
    let pauseMs = LOOK_AGAIN_MS.least
    let isOver = isKnown && this.#keys.size === 0
    while (!signal.aborted && this.#move === move && !isOver) {
      await sleep(this.#clock, pauseMs, signal).catch(() => undefined)
      const limit = limited(ANSWER_TIMEOUT_MS, this.#clock)
      const before = this.#keys.size
      try {
        const keys = (await data.held(AbortSignal.any([limit.signal, signal]))) ?? []
        if (this.#move !== move) return
        this.#set(keys)
        isOver = keys.length === 0
      } catch {
        // It may be starting again.
      } finally {
        limit.done()
      }
      pauseMs = this.#keys.size < before ? LOOK_AGAIN_MS.least : Math.min(pauseMs * 2, LOOK_AGAIN_MS.most)
    }
  }

  #set(keys: readonly string[]): void {
    this.#keys = new Set(keys)
    this.#onGivenBack()
  }
}
