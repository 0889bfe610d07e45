import { type Backoff, type Clock, type Random, ConfigurationError, exponential, systemClock, systemRandom } from 'seaworthy/core'
import type { AppendOnlyLog } from 'seaworthy/messaging'
import type { OutboxStore } from './outbox-store.ts'
import { type LaneStatus, RelayLane } from './relay-lane.ts'
import { type OutboxStall, StallWatch } from './stall-watch.ts'

export interface RelayOptions {
  readonly store: OutboxStore
  readonly log: Pick<AppendOnlyLog, 'append'>
  /** Messages sent at once. Default 100. */
  readonly batchSizeMax?: number
  /** How often the outbox is looked at without being woken, in milliseconds: for messages that another process added. Default 1,000. */
  readonly pollMs?: number
  /** Wait after a failure of the broker or the store. Default exponential from 50 ms to 10 s with full jitter. */
  readonly backoff?: Backoff
  /** How long the store may take for one operation before it is asked who holds it up, in milliseconds. Default 2,000. */
  readonly stallAfterMs?: number
  /** Stops the relay as {@link Relay.stop} does. */
  readonly signal?: AbortSignal
  readonly clock?: Clock
  readonly random?: Random
}

export interface RelayStatus {
  readonly state: 'running' | 'stopping' | 'stopped'
  /** Messages that wait, and since when (milliseconds since the epoch). As known last, while the store does not answer. */
  readonly backlog: { readonly messages: number; readonly oldestAtMs: number | undefined }
  readonly topics: readonly LaneStatus[]
  /** What of the relay's work is held up now, and by whom. */
  readonly stalls: readonly OutboxStall[]
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
  for (const name of ['batchSizeMax', 'pollMs', 'stallAfterMs'] as const) {
    const value = options[name]
    if (value !== undefined && !(value >= 1)) throw new ConfigurationError(`${name} of the relay is ${value}; at least 1.`)
  }
  return new RunningRelay(options)
}

const STALL_AFTER_MS = 2_000

class RunningRelay implements Relay {
  readonly #options: RelayOptions
  readonly #clock: Clock
  readonly #watch: StallWatch
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
  #backlog: RelayStatus['backlog'] = { messages: 0, oldestAtMs: undefined }

  constructor(options: RelayOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    const { store } = options
    this.#watch = new StallWatch({
      explain: store.explainStall && (() => store.explainStall!()),
      stallAfterMs: options.stallAfterMs ?? STALL_AFTER_MS,
      clock: this.#clock,
    })
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
    const backlog = await this.#backlogInTime()
    const topics = [...this.#lanes.values()].map((lane) => lane.status())
    return { state: this.#state, backlog, topics, stalls: this.#watch.stalls, lastError: this.#lastError }
  }

  /** The backlog; as it was known last where the store does not answer in time, so that the status can say why. */
  async #backlogInTime(): Promise<RelayStatus['backlog']> {
    const { store, stallAfterMs = STALL_AFTER_MS } = this.#options
    const known = Promise.withResolvers<RelayStatus['backlog']>()
    const timer = this.#clock.timer(stallAfterMs, () => known.resolve(this.#backlog), { keepAlive: false })
    const asked = store.backlog()
    asked.then((backlog) => (this.#backlog = backlog)).catch(() => undefined)
    try {
      return await Promise.race([asked, known.promise])
    } finally {
      timer.cancel()
    }
  }

  async #run(): Promise<void> {
    const { store, pollMs = 1_000 } = this.#options
    const { signal } = this.#stopSignal
    let pollAtMs = this.#clock.monotonicMs()
    while (!signal.aborted) {
      if (this.#clock.monotonicMs() >= pollAtMs) {
        try {
          const topics = await this.#watch.run({ operation: 'look', topic: undefined }, () => store.topics())
          for (const topic of topics) this.#woken.add(topic)
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
      const shared = { watch: this.#watch, clock: this.#clock, signal: this.#stopSignal.signal }
      lane = new RelayLane({ topic, store, log, batchSizeMax, backoff, random, ...shared })
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
