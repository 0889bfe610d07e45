import { type Clock, ConfigurationError, type Random, sleep } from 'seaworthy/core'
import type { SagaStore } from './saga-store.ts'

/** How long sagas that are over are kept. Those under way and parked ones are kept whole, whatever their age. */
export interface SagaRetention {
  /** Input, journal and what they were told, since they were over. Default 30 days. */
  readonly keepMs?: number
  /** So many of them at most keep that: those that were over last. Default 100,000. */
  readonly keepMax?: number
  /** Their ids, since they were over: so long a start by the same id starts nothing. At least `keepMs`. Default 365 days. */
  readonly rememberIdsMs?: number
  /** Time between two looks. Default 1 hour. */
  readonly everyMs?: number
}

const DAY_MS = 86_400_000
const KEEP_MS = 30 * DAY_MS
const KEEP_MAX = 100_000
const REMEMBER_IDS_MS = 365 * DAY_MS
const EVERY_MS = 3_600_000
/** Sagas of one transaction: a writer must not be held up for long. */
const BATCH = 200
const BATCHES_MAX = 5_000

/** Lets go of what need not be kept of sagas that are over, now and then. Processes that share a store may all do so. */
export class SagaPruner {
  readonly #store: SagaStore
  readonly #clock: Clock
  readonly #random: Random
  readonly #report: (error: unknown) => void
  readonly #settings: Required<SagaRetention>

  /** @throws ConfigurationError for a time or a number that cannot be */
  constructor(options: { store: SagaStore; clock: Clock; random: Random; report: (error: unknown) => void; retention: SagaRetention }) {
    const {
      keepMs = KEEP_MS,
      keepMax = KEEP_MAX,
      rememberIdsMs = Math.max(REMEMBER_IDS_MS, keepMs),
      everyMs = EVERY_MS,
    } = options.retention
    if (!(keepMs >= 0 && keepMax >= 0 && everyMs > 0)) {
      throw new ConfigurationError(
        `The retention of sagas takes times and numbers from 0; it was given ${JSON.stringify(options.retention)}.`,
      )
    }
    if (!(rememberIdsMs >= keepMs)) {
      throw new ConfigurationError(
        `rememberIdsMs is ${rememberIdsMs}, less than keepMs, ${keepMs}: an id is remembered as long as its saga is kept. Raise it.`,
      )
    }
    this.#store = options.store
    this.#clock = options.clock
    this.#random = options.random
    this.#report = options.report
    this.#settings = { keepMs, keepMax, rememberIdsMs, everyMs }
  }

  /** Until the signal. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const stopped = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => stopped.resolve(), { once: true })
    while (!signal.aborted) {
      // Not all at one time: processes that were deployed together would prune together.
      const due = Promise.withResolvers<void>()
      const restMs = this.#settings.everyMs * (0.75 + this.#random.float() / 4)
      const timer = this.#clock.timer(restMs, () => due.resolve(), { keepAlive: false })
      await Promise.race([due.promise, stopped.promise])
      timer.cancel()
      try {
        if (!signal.aborted) await this.#prune(signal)
      } catch (error) {
        // What is kept too long does no harm, and the next look finds it.
        if (!signal.aborted) this.#report(error)
      }
    }
  }

  async #prune(signal: AbortSignal): Promise<void> {
    const { keepMs, keepMax, rememberIdsMs } = this.#settings
    const nowMs = this.#clock.now()
    const pruning = { overBeforeMs: nowMs - keepMs, keepMax, forgetBeforeMs: nowMs - rememberIdsMs, nowMs, max: BATCH }
    for (let batch = 0; batch < BATCHES_MAX && !signal.aborted; batch++) {
      const { pruned, forgotten } = await this.#store.prune(pruning)
      if (pruned < BATCH && forgotten < BATCH) return
      // Others write between two of them.
      await sleep(this.#clock, 0, signal)
    }
  }
}
