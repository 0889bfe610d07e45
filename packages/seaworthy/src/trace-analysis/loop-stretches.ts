import { type Interval, without } from './interval.ts'
import type { Stretch } from './span-facts.ts'

/** What stretches of an event loop took of some intervals. */
export interface TakenByLoop {
  readonly cpuUs: number
  readonly blockedUs: number
  /** Of both together, in stretches for other requests. */
  readonly ofOthersUs: number
  readonly rest: readonly Interval[]
}

/** The stretches of one process, each once: every span that was in progress tells of the same one. */
export class LoopStretches {
  readonly #stretches: readonly Stretch[]

  constructor(told: readonly Stretch[]) {
    const apart: Stretch[] = []
    for (const stretch of told.toSorted((one, other) => one.startUs - other.startUs || other.endUs - one.endUs)) {
      const last = apart.at(-1)
      // A loop runs one stretch at a time: what overlaps is the same one, measured twice.
      if (last === undefined || stretch.startUs >= last.endUs) apart.push(stretch)
      else apart[apart.length - 1] = joined(last, stretch)
    }
    this.#stretches = apart
  }

  /** CPU and blocked time of all stretches within a window. */
  within(window: Interval): Pick<TakenByLoop, 'cpuUs' | 'blockedUs'> {
    const { cpuUs, blockedUs } = this.takeFrom([window])
    return { cpuUs, blockedUs }
  }

  takeFrom(intervals: readonly Interval[]): TakenByLoop {
    let cpuUs = 0
    let blockedUs = 0
    let ofOthersUs = 0
    const first = intervals.length === 0 ? this.#stretches.length : this.#firstEndingAfter(intervals[0]!.startUs)
    let next = first
    let end = first
    for (const { startUs, endUs } of intervals) {
      while (next < this.#stretches.length && this.#stretches[next]!.endUs <= startUs) next++
      for (let index = next; index < this.#stretches.length && this.#stretches[index]!.startUs < endUs; index++) {
        const stretch = this.#stretches[index]!
        const us = Math.min(endUs, stretch.endUs) - Math.max(startUs, stretch.startUs)
        const computedUs = Math.round((us * stretch.cpuUs) / (stretch.endUs - stretch.startUs))
        cpuUs += computedUs
        blockedUs += us - computedUs
        if (stretch.isOfOthers) ofOthersUs += us
        end = index + 1
      }
    }
    return { cpuUs, blockedUs, ofOthersUs, rest: without(intervals, this.#stretches.slice(first, end)) }
  }

  /** The stretch that was under way until shortly before a moment: what happened meanwhile could be seen at its end only. */
  until(us: number, toleranceUs: number): LoopStretches | undefined {
    const stretch = this.#stretches[this.#firstEndingAfter(us - toleranceUs - 1)]
    return stretch === undefined || stretch.startUs >= us ? undefined : new LoopStretches([stretch])
  }

  /** By halves: stretches that do not overlap end in the order in which they begin. */
  #firstEndingAfter(us: number): number {
    let low = 0
    let high = this.#stretches.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#stretches[middle]!.endUs > us) high = middle
      else low = middle + 1
    }
    return low
  }
}

function joined(one: Stretch, other: Stretch): Stretch {
  const endUs = Math.max(one.endUs, other.endUs)
  const cpuUs = Math.min(endUs - one.startUs, Math.max(one.cpuUs, other.cpuUs))
  // Whoever says that it was theirs knows.
  return { startUs: one.startUs, endUs, cpuUs, isOfOthers: one.isOfOthers && other.isOfOthers }
}
