import { type Backoff, type Clock, type Random, ConfigurationError, exponential, systemClock, systemRandom } from 'seaworthy/core'
import type { EventLog } from 'seaworthy/messaging'
import type { OutboxStore } from './outbox-store.ts'
import { type LaneStatus, RelayLane } from './relay-lane.ts'

export interface RelayOptions {
  readonly store: OutboxStore
  readonly log: EventLog
  /** Messages sent at once. Default 100. */
  readonly batchSizeMax?: number
  /** How often the outbox is looked at without being woken, in milliseconds: for messages that another process added. Default 1,000. */
  readonly pollMs?: number
  /** Wait after a failure of the broker or the store. Default exponential from 50 ms to 10 s with full jitter. */
  readonly backoff?: Backoff
  /** Stops the relay as {@link Relay.stop} does. */
  readonly signal?: AbortSignal
  readonly clock?: Clock
  readonly random?: Random
}

export interface RelayStatus {
  readonly state: 'running' | 'stopping' | 'stopped'
  /** Messages that wait, and since when (milliseconds since the epoch). */
  readonly backlog: { readonly messages: number; readonly oldestAtMs: number | undefined }
  readonly topics: readonly LaneStatus[]
  /** The last failure to look for work, if it has not succeeded since. */
  readonly lastError: { readonly message: string; readonly atMs: number } | undefined
}

export interface Relay {
  /** Finishes the batch in progress. What is not sent stays in the outbox; a batch that the broker did not confirm is sent again at the next start. */
  stop(): Promise<void>
  /** Asks the store for its backlog. */
  status(): Promise<RelayStatus>
}

/**
 * Takes committed messages from the outbox to the event log: each key in order, each message at least once. A failure is tried again for
 * ever, with back-off; nothing is skipped, so what the broker refuses holds up its topic, and shows in the status. Topics do not wait for each other.
 *
 * One relay runs for an outbox: on embedded storage the process that owns the database. A topic is a lane here. Where several processes
 * share an outbox, a lane becomes a leased part of a topic's keys, and `markSent` carries the lease's fencing token.
 */
export function startRelay(options: RelayOptions): Relay {
  for (const name of ['batchSizeMax', 'pollMs'] as const) {
    const value = options[name]
    if (value !== undefined && !(value >= 1)) throw new ConfigurationError(`${name} of the relay is ${value}; at least 1.`)
  }
  return new RunningRelay(options)
}

class RunningRelay implements Relay {
  readonly #options: RelayOptions
  readonly #clock: Clock
  readonly #lanes = new Map<string, RelayLane>()
  readonly #stopSignal = new AbortController()
  readonly #stopListening: () => void
  readonly #running: Promise<void>
  readonly #onAbort = () => void this.stop()
  // Topics that were added to since the loop looked last. The listener does no more than this: it runs in the context of
  // whoever committed, and a lane started there would carry that caller's trace and deadline for ever.
  #woken = new Set<string>()
  #wake: (() => void) | undefined
  #stopped: Promise<void> | undefined
  #state: RelayStatus['state'] = 'running'
  #lastError: RelayStatus['lastError']

  constructor(options: RelayOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#stopListening = options.store.onAdded((topic) => {
      this.#woken.add(topic)
      this.#wake?.()
    })
    this.#running = this.#run()
    options.signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (options.signal?.aborted === true) this.#onAbort()
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#drain()
    return this.#stopped
  }

  async status(): Promise<RelayStatus> {
    const backlog = await this.#options.store.backlog()
    const topics = [...this.#lanes.values()].map((lane) => lane.status())
    return { state: this.#state, backlog, topics, lastError: this.#lastError }
  }

  async #run(): Promise<void> {
    const { store, pollMs = 1_000 } = this.#options
    const { signal } = this.#stopSignal
    let pollAtMs = this.#clock.monotonicMs()
    while (!signal.aborted) {
      if (this.#clock.monotonicMs() >= pollAtMs) {
        try {
          for (const topic of await store.topics()) this.#woken.add(topic)
          this.#lastError = undefined
        } catch (error) {
          this.#lastError = { message: String(error), atMs: this.#clock.now() }
        }
        pollAtMs = this.#clock.monotonicMs() + pollMs
      }
      const woken = this.#woken
      this.#woken = new Set()
      for (const topic of woken) this.#lane(topic).wake()
      if (this.#woken.size === 0 && !signal.aborted) await this.#untilWoken(pollAtMs - this.#clock.monotonicMs())
    }
  }

  #lane(topic: string): RelayLane {
    let lane = this.#lanes.get(topic)
    if (lane === undefined) {
      const { store, log, batchSizeMax = 100, backoff = exponential({ baseMs: 50, maxMs: 10_000 }), random = systemRandom } = this.#options
      lane = new RelayLane({ topic, store, log, batchSizeMax, backoff, random, clock: this.#clock, signal: this.#stopSignal.signal })
      this.#lanes.set(topic, lane)
    }
    return lane
  }

  #untilWoken(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        timer.cancel()
        this.#wake = undefined
        resolve()
      }
      const timer = this.#clock.timer(delayMs, wake)
      this.#wake = wake
    })
  }

  async #drain(): Promise<void> {
    this.#state = 'stopping'
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    this.#stopListening()
    this.#stopSignal.abort()
    this.#wake?.()
    await this.#running
    await Promise.all([...this.#lanes.values()].map((lane) => lane.idle()))
    this.#state = 'stopped'
  }
}
