/** Something that will happen in virtual time. Cancelling twice, or after it happened, does nothing. */
export interface Scheduled {
  readonly atMs: number
  cancel(): void
}

/** On whose behalf something is scheduled: it does not happen once that one is dead, and waits while it is paused. */
export interface Owner {
  readonly alive: boolean
  /** Until when, in virtual time, the owner stands still. */
  readonly pausedUntilMs: number
}

class Entry implements Scheduled {
  atMs: number
  readonly order: number
  readonly owner: Owner | undefined
  readonly armedAtMs: number
  /** Whether it is a wait of code, which keeps the system from being at rest until it ends. */
  readonly isTimer: boolean
  run: (() => void) | undefined

  constructor(atMs: number, order: number, owner: Owner | undefined, armedAtMs: number, isTimer: boolean, run: () => void) {
    this.atMs = atMs
    this.order = order
    this.owner = owner
    this.armedAtMs = armedAtMs
    this.isTimer = isTimer
    this.run = run
  }

  cancel(): void {
    this.run = undefined
  }
}

// Times are whole multiples of this part of a millisecond, which floating point adds without error: a wait computed from two readings of the clock ends
// when it should, and not an instant before, again and again.
export const TICKS_PER_MS = 1_024

/** Rounded up to a time that the scheduler knows. */
export function toTick(ms: number): number {
  return Math.ceil(ms * TICKS_PER_MS) / TICKS_PER_MS
}

/** Virtual time and the one queue of events, a binary heap by time and then by the order of asking. */
export class Scheduler {
  #nowMs = 0
  #order = 0
  #steps = 0
  readonly #heap: Entry[] = []

  /** Milliseconds since the history began. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** Moves on to a time before which nothing happens. */
  moveTo(ms: number): void {
    this.#nowMs = Math.max(this.#nowMs, toTick(ms))
  }

  /** Events that have happened. */
  get steps(): number {
    return this.#steps
  }

  /** Calls `run` after `delayMs`. */
  after(delayMs: number, run: () => void, options: { readonly owner?: Owner | undefined; readonly timer?: boolean } = {}): Scheduled {
    const atMs = this.#nowMs + toTick(Math.max(0, delayMs))
    const entry = new Entry(atMs, this.#order++, options.owner, this.#nowMs, options.timer === true, run)
    this.#push(entry)
    return entry
  }

  /** Lets the next event happen, if it does so by `untilMs`. False when there is none. Promises that it made ready have not run yet. */
  step(untilMs = Number.POSITIVE_INFINITY): boolean {
    for (let entry = this.#pop(); entry !== undefined; entry = this.#pop()) {
      const { run, owner } = entry
      if (run === undefined || owner?.alive === false) continue
      if (entry.atMs > untilMs) {
        this.#push(entry)
        return false
      }
      if (owner !== undefined && owner.pausedUntilMs > entry.atMs) {
        // In a process that stands still a timer comes late, after those that came due before it.
        entry.atMs = owner.pausedUntilMs
        this.#push(entry)
        continue
      }
      this.#nowMs = entry.atMs
      this.#steps++
      run()
      return true
    }
    return false
  }

  /** When the next event happens that is no timer: what engines do by themselves. */
  get nextWorkAtMs(): number | undefined {
    let next: number | undefined
    for (const { run, owner, isTimer, atMs } of this.#heap) {
      if (run !== undefined && owner?.alive !== false && !isTimer && (next === undefined || atMs < next)) next = atMs
    }
    return next
  }

  /**
   * Whether everything that waits began to wait after `sinceMs`. What wakes up by itself again and again, such as a poll, waits anew each time, so once
   * all waits are younger than the last thing that happened, nothing more will happen. Waits that end after `horizonMs` are left out.
   */
  allWaitsBeganAfter(sinceMs: number, horizonMs: number): boolean {
    for (const entry of this.#heap) {
      if (entry.run === undefined || entry.owner?.alive === false || entry.atMs > horizonMs) continue
      if (!entry.isTimer || entry.armedAtMs <= sinceMs) return false
    }
    return true
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let index = heap.length
    heap.push(entry)
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(entry, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = entry
  }

  #pop(): Entry | undefined {
    const heap = this.#heap
    const top = heap[0]
    const last = heap.pop()
    if (top === undefined || last === undefined || heap.length === 0) return top
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
    return top
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order)
}
