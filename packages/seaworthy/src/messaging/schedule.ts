import {
  type Clock,
  type Lease,
  type LeaseStore,
  type Random,
  ConfigurationError,
  backoffMs,
  exponential,
  newId,
  propagated,
  rootContext,
  sleep,
  systemClock,
  systemRandom,
} from 'seaworthy/core'
import type { Queue } from './queue.ts'

export interface ScheduleOptions {
  readonly queue: Queue
  /** Of the schedule, the same in all processes. Its messages have the ids `NAME@TIME`, with the tick's time in ISO 8601. */
  readonly name: string
  /** Between two ticks, in milliseconds. Ticks are counted from midnight of 1970-01-01 UTC, so that all processes have the same. */
  readonly everyMs: number
  /** Moves the ticks: every 86,400,000 ms with an offset of 10,800,000 is daily at 03:00 UTC. Default 0. */
  readonly offsetMs?: number
  /** What a tick's message says. Default `{ tickMs }`. */
  readonly body?: (tickMs: number) => unknown
  /**
   * Lets one of several processes send, and another one when it dies. Needless where the queue remembers ids for longer than processes differ in
   * time: it stores a tick once, whoever sends it.
   */
  readonly leases?: LeaseStore
  /** How long the others wait after the sender died, in milliseconds. Default 10,000. */
  readonly leaseTtlMs?: number
  /**
   * How long ago the last tick may be to be sent at the start: a process that is restarted just then misses none. A queue that remembers ids drops what
   * was sent before; with another one, a start within this time sends it again. Default 60,000 ms.
   */
  readonly catchUpMs?: number
  /** Told of everything that goes wrong. It is tried again. What it throws is ignored. */
  readonly onFailure?: (error: unknown) => void
  readonly clock?: Clock
  readonly random?: Random
}

export interface Schedule {
  /** Sends no more, and gives the lease back. */
  stop(): Promise<void>
}

const RETRY = exponential({ baseMs: 100, maxMs: 10_000, jitter: 'equal' })
const CATCH_UP_MS = 60_000
// A wall clock that was set is noticed by then.
const LOOK_EVERY_MS = 30_000

/**
 * Recurring jobs: sends a message to a queue at every tick, for workers to do. Each process of a service may run it.
 *
 * A tick's message is sent at least once while a process runs, always under the same id: its worker tells a repetition by that. Of the ticks that passed
 * while nothing ran, or that the clock jumped over, only the last is sent, if it is not too long ago.
 */
export function startSchedule(options: ScheduleOptions): Schedule {
  const { name, everyMs, offsetMs = 0, leaseTtlMs = 10_000 } = options
  if (!Number.isInteger(everyMs) || everyMs < 1_000)
    throw new ConfigurationError(`everyMs of schedule ${name} is a whole number of milliseconds from 1,000, not ${everyMs}.`)
  if (!Number.isInteger(offsetMs)) throw new ConfigurationError(`offsetMs of schedule ${name} is a whole number, not ${offsetMs}.`)
  if (!(leaseTtlMs >= 1_000)) throw new ConfigurationError(`leaseTtlMs of schedule ${name} is at least 1,000, not ${leaseTtlMs}.`)
  return new RunningSchedule({ ...options, offsetMs, leaseTtlMs })
}

class RunningSchedule implements Schedule {
  readonly #options: ScheduleOptions & { readonly offsetMs: number; readonly leaseTtlMs: number }
  readonly #clock: Clock
  readonly #random: Random
  readonly #holder = newId()
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  #lease: Lease | undefined
  /** The last tick that is settled: sent, or not ours to send. */
  #settledMs: number

  constructor(options: ScheduleOptions & { readonly offsetMs: number; readonly leaseTtlMs: number }) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#settledMs = this.#tickBefore(this.#clock.now() - (options.catchUpMs ?? CATCH_UP_MS))
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    if (this.#lease !== undefined) await this.#options.leases!.release([this.#lease]).catch((error: unknown) => this.#report(error))
    this.#lease = undefined
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    let failures = 0
    while (!signal.aborted) {
      let waitMs: number
      try {
        waitMs = await this.#look()
        failures = 0
      } catch (error) {
        this.#report(error)
        waitMs = backoffMs(RETRY, ++failures, this.#random)
      }
      await sleep(this.#clock, waitMs, signal).catch(() => undefined)
    }
  }

  /** Sends the last tick if it is due and not settled. @returns when to look again, in milliseconds from now */
  async #look(): Promise<number> {
    const { queue, name, everyMs, leases, leaseTtlMs, body = (tickMs) => ({ tickMs }) } = this.#options
    const tickMs = this.#tickBefore(this.#clock.now())
    const mayDo = leases === undefined || (await this.#holdLease(leases))
    if (tickMs > this.#settledMs && mayDo) {
      const context = propagated(rootContext())
      await queue.send({ id: `${name}@${new Date(tickMs).toISOString()}`, body: body(tickMs), context })
      this.#settledMs = tickMs
    }
    // Who does not hold the lease keeps unsettled what its holder may have died of; it is over when the holder has lived on for long enough.
    if (!mayDo) this.#settledMs = Math.max(this.#settledMs, this.#tickBefore(this.#clock.now() - 2 * leaseTtlMs))
    const untilNextMs = tickMs + everyMs - this.#clock.now()
    return Math.min(untilNextMs, LOOK_EVERY_MS, leases === undefined ? LOOK_EVERY_MS : leaseTtlMs / 3)
  }

  async #holdLease(leases: LeaseStore): Promise<boolean> {
    const { name, leaseTtlMs } = this.#options
    const [lease] = await leases.acquire([`schedule/${name}`], this.#holder, leaseTtlMs)
    this.#lease = lease
    return lease !== undefined
  }

  #tickBefore(nowMs: number): number {
    const { everyMs, offsetMs } = this.#options
    return Math.floor((nowMs - offsetMs) / everyMs) * everyMs + offsetMs
  }

  #report(error: unknown): void {
    try {
      this.#options.onFailure?.(error)
    } catch {
      // A listener that fails is no reason to miss a tick.
    }
  }
}
