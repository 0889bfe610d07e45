import { channel } from 'node:diagnostics_channel'
import {
  type Backoff,
  type Clock,
  type Random,
  type Timer,
  SeaworthyError,
  UnavailableError,
  backoffMs,
  exponential,
  isFinal,
  sleep,
  systemClock,
  systemRandom,
} from 'seaworthy/core'
import { runAttempt } from './attempt.ts'
import type { Consumer, ConsumerOptions, ConsumerStatus } from './consumer.ts'
import { type Admission, type DeadLetterKind, type MessageName, type NewDeadLetter, consumerName } from './consumer-store.ts'
import { type RequeueLimits, type Requeued, MALFORMED_EVENT, announce, readEvent, reasonOf, requeueLetters } from './dead-letter.ts'
import { type EventEnvelope, assertEnvelope } from './event.ts'
import { type LogReader, type LogRecord, PartitionRevokedError, type TopicPartition } from './event-log.ts'
import { HeldPartitions } from './held-partitions.ts'
import { KeyLanes } from './key-lanes.ts'
import { OffsetTracker } from './offset-tracker.ts'
import { Slots } from './slots.ts'

/** The consumer stopped by itself: too much lies aside. Nothing is lost; it goes on where it stopped, once the dead letters are dealt with. */
export class ConsumerStoppedError extends SeaworthyError {
  constructor(group: string, why: string, options: { cause?: unknown } = {}) {
    super('consumer-stopped', `Consumer ${group} stopped: ${why}`, { ...options, executed: 'no' })
  }
}

const RETRY_AFTER_MAX_MS = 60_000
const stoppedChannel = channel('seaworthy:consumer.stopped')

/** A record on its way through the handler. */
interface Message {
  readonly record: LogRecord
  readonly event: EventEnvelope
  /** Why it is no event that could be handled. */
  readonly problem: unknown
  /** Aborted when it shall not be tried any more: the consumer stops, or its partition goes to another member. */
  readonly signal: AbortSignal
}

/** What follows an attempt. */
type Next =
  | { readonly kind: 'settled' }
  | { readonly kind: 'suspect' }
  | { readonly kind: 'retry'; readonly delayMs: number; readonly attempt: number; readonly reason: string }

const SETTLED: Next = { kind: 'settled' }

/** @internal */
export class RunningConsumer implements Consumer {
  readonly done: Promise<void>
  readonly #options: ConsumerOptions
  readonly #reader: LogReader
  readonly #consumer: string
  readonly #clock: Clock
  readonly #backoff: Backoff
  readonly #random: Random
  readonly #attemptsMax: number
  readonly #limit: { readonly deadLettersMax: number }
  readonly #offsets = new OffsetTracker()
  readonly #held = new HeldPartitions()
  readonly #lanes = new KeyLanes()
  readonly #slots: Slots
  readonly #stopSignal = new AbortController()
  readonly #reading: Promise<void>
  readonly #onAbort = () => void this.stop()
  readonly #retrying = new Map<string, ConsumerStatus['retrying'][number]>()
  #state: ConsumerStatus['state'] = 'running'
  #failure: ConsumerStoppedError | undefined
  #stopped: Promise<void> | undefined
  #finish = Promise.withResolvers<void>()
  // Messages that were handled and still have attempts in the store.
  #counted: MessageName[] = []
  #commitTimer: Timer | undefined
  #committing: Promise<void> | undefined
  #commitFailures = 0
  #wakeReading: (() => void) | undefined
  #handled = 0
  #failedAttempts = 0
  #setAside = 0
  #lastError: ConsumerStatus['lastError']

  constructor(options: ConsumerOptions, reader: LogReader) {
    this.#options = options
    this.#reader = reader
    this.#consumer = consumerName(options.group, options.generation ?? 1)
    this.#clock = options.clock ?? systemClock
    this.#backoff = options.backoff ?? exponential({ baseMs: 100, maxMs: 30_000 })
    this.#random = options.random ?? systemRandom
    this.#attemptsMax = options.attemptsMax ?? 10
    this.#limit = { deadLettersMax: options.deadLettersMax ?? 10_000 }
    this.#slots = new Slots(options.concurrencyMax ?? 8)
    this.done = this.#finish.promise
    this.#reading = this.#read()
    options.signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (options.signal?.aborted === true) this.#onAbort()
  }

  status(): ConsumerStatus {
    return {
      group: this.#options.group,
      state: this.#state,
      handled: this.#handled,
      failedAttempts: this.#failedAttempts,
      setAside: this.#setAside,
      uncommitted: this.#offsets.uncommitted,
      retrying: [...this.#retrying.values()],
      lastError: this.#lastError,
    }
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#drain()
    return this.#stopped
  }

  async requeue({ topic, key }: { topic: string; key: string }, limits: RequeueLimits = {}): Promise<Requeued> {
    const { signal } = this.#stopSignal
    if (signal.aborted) throw new UnavailableError(`Consumer ${this.#options.group} is stopping. Requeue when it runs again.`)
    return this.#lanes.run(laneOf(topic, key), () =>
      requeueLetters({
        ...limits,
        store: this.#options.store,
        consumer: this.#consumer,
        topic,
        key,
        clock: this.#clock,
        signal,
        handle: ({ event, kind }, attempt) =>
          this.#slots.use(signal, 1, async () => {
            // What came may be an event to newer code; the envelope around it is ours and nobody handles it.
            const message: unknown = event.type === MALFORMED_EVENT ? event.data : event
            assertEnvelope(message)
            await this.#attempt({ event: message, topic, attempt, outOfOrder: kind === 'skipped' })
          }),
      }),
    )
  }

  async #read(): Promise<void> {
    const { batchSizeMax = 100, uncommittedMax = 5_000, pollWaitMs = 1_000 } = this.#options
    const { signal } = this.#stopSignal
    let failures = 0
    while (!signal.aborted) {
      const room = uncommittedMax - this.#offsets.uncommitted
      if (room <= 0) {
        await new Promise<void>((resolve) => (this.#wakeReading = resolve))
        continue
      }
      try {
        const records = await this.#reader.poll({ max: Math.min(batchSizeMax, room), waitMs: pollWaitMs, signal })
        failures = 0
        if (!signal.aborted) for (const record of records) this.#accept(record)
      } catch (error) {
        await this.#pause(error, ++failures, signal)
      }
    }
  }

  /** Waits after a failure of the log or the store, which are tried for ever; an abort ends it early. */
  async #pause(cause: unknown, failures: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    this.#note(cause)
    await sleep(this.#clock, this.#jittered(failures), signal).catch(() => undefined)
  }

  #accept(record: LogRecord): void {
    const { event, problem } = readEvent(record, this.#clock)
    const tracked = this.#offsets.add(record)
    const held = this.#held.of(record)
    const { signal } = held
    const lane = laneOf(record.topic, event.key)
    held.enter()
    void this.#lanes.run(lane, async () => {
      try {
        await this.#process({ record, event, problem, signal }, lane)
      } catch (error) {
        // Given up: it was not handled, and comes again, here or to another. Anything else is a failure of the consumer itself.
        if (!signal.aborted) this.#fail('an error that it does not know.', error)
        return
      } finally {
        held.leave()
      }
      tracked.settled = true
      this.#scheduleCommit()
    })
  }

  /** Settles when the message was handled or set aside. @throws when it is given up first */
  async #process(message: Message, lane: string): Promise<void> {
    const { signal } = message
    let alone = false
    let countSuspect = false
    try {
      for (;;) {
        const next: Next = await this.#slots.use(signal, alone ? this.#slots.count : 1, () => this.#tryOnce(message, countSuspect))
        if (next.kind === 'settled') return
        // What fails by an error from here on is known to have been tried by this process.
        countSuspect = true
        alone = next.kind === 'suspect'
        if (next.kind === 'suspect') continue
        this.#retrying.set(lane, { topic: message.record.topic, key: message.event.key, attempt: next.attempt, reason: next.reason })
        await sleep(this.#clock, next.delayMs, signal)
      }
    } finally {
      this.#retrying.delete(lane)
    }
  }

  async #tryOnce(message: Message, countSuspect: boolean): Promise<Next> {
    const { record, event, problem } = message
    if (problem !== undefined) return this.#bury(message, 'skipped', 0, reasonOf(problem))
    const admission = await this.#begin(message, countSuspect)
    switch (admission.kind) {
      case 'suspect':
        return { kind: 'suspect' }
      case 'held':
        this.#setAside++
        return SETTLED
      case 'dead':
        return SETTLED
      case 'full':
        throw this.#full()
      case 'run': {
        const { attempt } = admission
        const kind = this.#options.onPoison === 'skip' ? 'skipped' : 'parked'
        if (attempt > this.#attemptsMax) {
          const reason = `The process ended during the last of ${this.#attemptsMax} attempts: the message may be what ended it.`
          return this.#bury(message, kind, this.#attemptsMax, reason)
        }
        try {
          await this.#attempt({ event, topic: record.topic, attempt, outOfOrder: false, appendedAtMs: record.appendedAtMs })
        } catch (error) {
          this.#failedAttempts++
          const reason = reasonOf(error)
          if (isFinal(error) || attempt >= this.#attemptsMax) return this.#bury(message, kind, attempt, reason)
          return { kind: 'retry', delayMs: this.#delayMs(error, attempt), attempt, reason }
        }
        this.#handled++
        this.#counted.push({ topic: record.topic, messageId: event.id })
        return SETTLED
      }
    }
  }

  async #begin({ record, event, signal }: Message, countSuspect: boolean): Promise<Admission> {
    const handled = this.#counted
    this.#counted = []
    try {
      const message = { consumer: this.#consumer, topic: record.topic, event }
      return await this.#untilStored(signal, () =>
        this.#options.store.begin(message, { ...this.#limit, atMs: this.#clock.now(), countSuspect, handled }),
      )
    } catch (error) {
      this.#counted = [...handled, ...this.#counted]
      throw error
    }
  }

  #attempt(of: { event: EventEnvelope; topic: string; attempt: number; outOfOrder: boolean; appendedAtMs?: number }): Promise<void> {
    const { handler, group, handlerTimeoutMs = 30_000 } = this.#options
    return runAttempt({ ...of, handler, group, timeoutMs: handlerTimeoutMs, clock: this.#clock })
  }

  #delayMs(error: unknown, attempt: number): number {
    const asked = error instanceof SeaworthyError ? (error.retryAfterMs ?? 0) : 0
    return Math.max(this.#jittered(attempt), Math.min(asked, RETRY_AFTER_MAX_MS))
  }

  #jittered(failures: number): number {
    return backoffMs(this.#backoff, failures, this.#random)
  }

  async #bury(message: Message, kind: DeadLetterKind, attempts: number, reason: string): Promise<Next> {
    const { event, record, signal } = message
    const diedAtMs = this.#clock.now()
    const letter: NewDeadLetter = { consumer: this.#consumer, topic: record.topic, event, kind, attempts, reason, diedAtMs }
    if ((await this.#untilStored(signal, () => this.#options.store.bury(letter, this.#limit))) === 'full') throw this.#full()
    this.#setAside++
    announce(letter)
    return SETTLED
  }

  /** Tries until the store answers: without it nothing can be handled, so that the slot may as well be held. @throws when the message is given up */
  async #untilStored<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await ask()
      } catch (error) {
        signal.throwIfAborted()
        await this.#pause(error, failures, signal)
        signal.throwIfAborted()
      }
    }
  }

  #scheduleCommit(): void {
    if (this.#commitTimer !== undefined || this.#committing !== undefined || this.#stopSignal.signal.aborted) return
    const { commitEveryMs = 100 } = this.#options
    const delayMs = this.#commitFailures === 0 ? commitEveryMs : Math.max(commitEveryMs, this.#jittered(this.#commitFailures))
    this.#commitTimer = this.#clock.timer(delayMs, () => {
      this.#commitTimer = undefined
      this.#committing = this.#commit().finally(() => {
        this.#committing = undefined
        this.#wakeReading?.()
        if (this.#counted.length > 0 || this.#offsets.commit().positions.length > 0) this.#scheduleCommit()
      })
    })
  }

  async #commit(): Promise<void> {
    const handled = this.#counted
    this.#counted = []
    const commit = this.#offsets.commit()
    try {
      // Before the offsets: after a crash in between, messages that were handled come again and are counted from 1.
      if (handled.length > 0) await this.#options.store.forgetAttempts(this.#consumer, handled)
      if (commit.positions.length > 0) await this.#reader.commit(commit.positions)
      commit.confirm()
      this.#commitFailures = 0
    } catch (error) {
      this.#note(error)
      if (error instanceof PartitionRevokedError) {
        // The rest was stored. Those are another member's, who handles again what was not committed before: there is nothing to try again here.
        commit.confirm()
        return
      }
      this.#commitFailures++
      this.#counted = [...handled, ...this.#counted]
    }
  }

  /** Partitions go to another member of the group: what is in progress of them is finished and committed, and what has not begun is left to that one. */
  async revoke(partitions: readonly TopicPartition[]): Promise<void> {
    const forget = this.#offsets.release(partitions)
    await this.#held.release(partitions, new UnavailableError(`Consumer ${this.#options.group} no longer reads the partition.`))
    this.#commitTimer?.cancel()
    this.#commitTimer = undefined
    await this.#committing
    await this.#commit()
    forget()
    this.#wakeReading?.()
  }

  async #drain(): Promise<void> {
    this.#state = 'stopping'
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    this.#stopSignal.abort(new UnavailableError(`Consumer ${this.#options.group} is stopping.`))
    this.#held.endAll(this.#stopSignal.signal.reason)
    this.#wakeReading?.()
    await this.#reading
    await this.#lanes.idle()
    this.#commitTimer?.cancel()
    await this.#committing
    await this.#commit()
    // What could not be committed comes again; a log that cannot be closed must not keep the process from ending.
    await this.#reader.close().catch((error: unknown) => this.#note(error))
    if (this.#failure === undefined) {
      this.#state = 'stopped'
      this.#finish.resolve()
    } else {
      this.#state = 'failed'
      this.#finish.reject(this.#failure)
    }
  }

  #full(): ConsumerStoppedError {
    const why = `${this.#limit.deadLettersMax} messages lie among its dead letters, its limit. Mend the cause and requeue them, or raise deadLettersMax.`
    return this.#fail(why)
  }

  #fail(why: string, cause?: unknown): ConsumerStoppedError {
    if (this.#failure === undefined) {
      this.#failure = new ConsumerStoppedError(this.#options.group, why, cause === undefined ? {} : { cause })
      this.#note(this.#failure)
      if (stoppedChannel.hasSubscribers) stoppedChannel.publish(this.#failure)
      void this.stop()
    }
    return this.#failure
  }

  #note(error: unknown): void {
    this.#lastError = { message: reasonOf(error), atMs: this.#clock.now() }
  }
}

function laneOf(topic: string, key: string): string {
  return `${topic}\n${key}`
}
