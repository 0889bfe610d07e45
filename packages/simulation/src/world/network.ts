import type { Scheduler } from '../kernel/scheduler.ts'

/** Which ways are cut, and until when. */
export class Network {
  readonly #scheduler: Scheduler
  readonly #cutUntilMs = new Map<string, number>()

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
  }

  /** What `to` sends does not reach `from` any more, and the other way round if `both`. */
  cut(from: string, to: string, forMs: number, both: boolean): void {
    const untilMs = this.#scheduler.nowMs + forMs
    this.#cutUntilMs.set(`${to}>${from}`, untilMs)
    if (both) this.#cutUntilMs.set(`${from}>${to}`, untilMs)
  }

  /** Whether a message that is sent now arrives. */
  reaches(from: string, to: string): boolean {
    const untilMs = this.#cutUntilMs.get(`${from}>${to}`)
    return untilMs === undefined || untilMs <= this.#scheduler.nowMs
  }

  heal(): void {
    this.#cutUntilMs.clear()
  }
}
