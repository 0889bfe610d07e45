import type { SpanReference } from 'seaworthy/core'
import type { LockHolder } from './lock-holder.ts'

/** One body's time with the writer, on the monotonic clock. */
export interface WriterTurn {
  readonly span: SpanReference | undefined
  readonly fromMs: number
  readonly untilMs: number
  /** Of it, its statements at work; undefined for a body that nobody recorded. */
  readonly executeMs: number | undefined
}

// Shorter turns explain no wait that anybody asks about.
const TURN_MS_MIN = 5
const TURNS_MAX = 64

/** Who had a file's write lock of late: bodies of this process, and other processes. */
export class WriterHistory {
  readonly #turns: WriterTurn[] = []
  #busyMs = 0
  #busySinceMs: number | undefined
  /** The other process that had the lock last. */
  otherProcess: LockHolder | undefined

  /** A body has had the writer. */
  add(turn: WriterTurn): void {
    if (turn.untilMs - turn.fromMs < TURN_MS_MIN) return
    if (this.#turns.length >= TURNS_MAX) this.#turns.shift()
    this.#turns.push(turn)
  }

  /** Another process has the lock. */
  busy(sinceMs: number): void {
    this.#busySinceMs ??= sinceMs
  }

  free(nowMs: number): void {
    if (this.#busySinceMs === undefined) return
    this.#busyMs += nowMs - this.#busySinceMs
    this.#busySinceMs = undefined
  }

  /** How long other processes have had it so far. */
  busyMs(nowMs: number): number {
    return this.#busyMs + (this.#busySinceMs === undefined ? 0 : nowMs - this.#busySinceMs)
  }

  /** The turn that took the most of some stretches of time, except for what lies outside of them; undefined where none took anything worth telling. */
  longestIn(stretches: readonly (readonly [fromMs: number, untilMs: number])[]): WriterTurn | undefined {
    let longest: WriterTurn | undefined
    let longestMs = TURN_MS_MIN
    for (const turn of this.#turns) {
      let ms = 0
      for (const [fromMs, untilMs] of stretches) ms += Math.max(0, Math.min(untilMs, turn.untilMs) - Math.max(fromMs, turn.fromMs))
      if (ms < longestMs) continue
      longest = turn
      longestMs = ms
    }
    return longest
  }
}
