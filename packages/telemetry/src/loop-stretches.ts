import { loopStretch } from 'seaworthy/trace-analysis'

/** One stretch in which the event loop did not come to an end, on the monotonic clock. */
export interface LoopStretch {
  readonly startMs: number
  readonly endMs: number
  readonly cpuMs: number
  /** Whose code it was, as far as spans that began and ended around it tell. */
  readonly owner: object | undefined
}

/** What the loop and the thread had done at one moment. */
export interface LoopMoment {
  readonly atMs: number
  readonly activeMs: number
  readonly cpuMs: number
}

/** A span of somebody's began or ended. */
interface Mark {
  readonly owner: object
  readonly atMs: number
}

// Of the last window that is not over; beyond it the first ones are kept, between which the stretch may lie, and the last.
const MARKS_MAX = 1_000
const STRETCHES_MAX = 100

/**
 * Finds stretches from moments that follow each other closely while the loop turns: where the next one is late, the loop was busy, or the whole process stood still.
 */
export class LoopStretches {
  readonly #tickMs: number
  readonly #marks: Mark[] = []
  readonly #found: LoopStretch[] = []
  #last: LoopMoment

  constructor(options: { readonly tickMs: number; readonly begin: LoopMoment }) {
    this.#tickMs = options.tickMs
    this.#last = options.begin
  }

  /** Notes that a span of `owner` begins or ends now. */
  mark(owner: object, atMs: number): void {
    if (this.#marks.length >= MARKS_MAX) this.#marks.pop()
    this.#marks.push({ owner, atMs })
  }

  /** The loop has turned, or nobody has watched it meanwhile and it is watched again from here. */
  turned(moment: LoopMoment, wasWatched = true): void {
    const stretch = wasWatched ? this.#since(moment) : undefined
    if (stretch !== undefined) {
      if (this.#found.length >= STRETCHES_MAX) this.#found.shift()
      this.#found.push(stretch)
    }
    this.#marks.length = 0
    this.#last = moment
  }

  /** Those that overlap a time that ends now, and the one that is in progress. */
  between(sinceMs: number, now: LoopMoment): readonly LoopStretch[] {
    const overlapping: LoopStretch[] = []
    for (let index = this.#found.length - 1; index >= 0 && this.#found[index]!.endMs > sinceMs; index--)
      overlapping.unshift(this.#found[index]!)
    const inProgress = this.#since(now)
    if (inProgress !== undefined && inProgress.endMs > sinceMs) overlapping.push(inProgress)
    return overlapping
  }

  #since(now: LoopMoment): LoopStretch | undefined {
    // The tick itself is late by its interval before anything is wrong.
    if (now.atMs - this.#last.atMs < this.#tickMs + loopStretch.minMs) return undefined
    const activeMs = Math.min(now.activeMs - this.#last.activeMs, now.atMs - this.#last.atMs)
    if (activeMs <= loopStretch.minMs) return undefined
    return {
      startMs: now.atMs - activeMs,
      endMs: now.atMs,
      cpuMs: Math.min(activeMs, now.cpuMs - this.#last.cpuMs),
      owner: this.#ownerIn(now.atMs - activeMs, now.atMs),
    }
  }

  /** The longest time without a mark is the stretch proper: it belongs to whoever has the marks at both ends of it, or at the only end that has one. */
  #ownerIn(startMs: number, endMs: number): object | undefined {
    let before: Mark | undefined
    let longestMs = 0
    let owner: object | undefined
    const take = (after: Mark | undefined) => {
      const ms = (after?.atMs ?? endMs) - Math.max(startMs, before?.atMs ?? startMs)
      if (ms > longestMs) {
        longestMs = ms
        owner = before === undefined ? after?.owner : after === undefined || after.owner === before.owner ? before.owner : undefined
      }
      before = after
    }
    for (const mark of this.#marks) take(mark)
    take(undefined)
    return owner
  }
}
