import { channel } from 'node:diagnostics_channel'
import { type Backoff, type Clock, type Random, backoffMs, observed, sleep, traceHeaders } from 'seaworthy/core'
import type { AppendOnlyLog, EventEnvelope } from 'seaworthy/messaging'
import type { OutboxEntry, OutboxStore } from './outbox-store.ts'
import type { StallWatch } from './stall-watch.ts'

export interface LaneOptions {
  readonly topic: string
  readonly store: OutboxStore
  readonly watch: StallWatch
  readonly log: Pick<AppendOnlyLog, 'append'>
  readonly batchSizeMax: number
  readonly backoff: Backoff
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
}

export interface LaneStatus {
  readonly topic: string
  /**
   * - `idle`: nothing was unsent when it looked last.
   * - `sending`: a batch is on its way.
   * - `backing-off`: the broker or the store failed, and the same batch is tried again.
   */
  readonly state: 'idle' | 'sending' | 'backing-off'
  /** Messages that the broker confirmed, since the start. */
  readonly sent: number
  readonly failuresInARow: number
  readonly lastError: { readonly message: string; readonly atMs: number } | undefined
}

/** A topic whose messages do not leave. Published on the channel `seaworthy:relay.held-up` at the first failure in a row. */
export interface RelayHeldUp {
  readonly topic: string
  readonly error: unknown
}

/** They leave again. Published on the channel `seaworthy:relay.recovered`. */
export interface RelayRecovered {
  readonly topic: string
  /** Attempts that failed, and how long it took from the first of them, in milliseconds. */
  readonly failures: number
  readonly heldUpMs: number
}

const publishing = observed('outbox.publish')
const heldUpChannel = channel('seaworthy:relay.held-up')
const recoveredChannel = channel('seaworthy:relay.recovered')

/** Sends the messages of one topic, one batch after another. */
export class RelayLane {
  readonly #options: LaneOptions
  #running: Promise<void> | undefined
  #again = false
  #state: LaneStatus['state'] = 'idle'
  #sent = 0
  #failuresInARow = 0
  #heldUpSinceMs = 0
  #lastError: LaneStatus['lastError']

  constructor(options: LaneOptions) {
    this.#options = options
  }

  /** Looks for unsent messages, now or after the batch in progress. */
  wake(): void {
    this.#again = true
    this.#running ??= this.#run()
  }

  async idle(): Promise<void> {
    await this.#running
  }

  status(): LaneStatus {
    return {
      topic: this.#options.topic,
      state: this.#state,
      sent: this.#sent,
      failuresInARow: this.#failuresInARow,
      lastError: this.#lastError,
    }
  }

  async #run(): Promise<void> {
    const { store, watch, topic, batchSizeMax, signal } = this.#options
    try {
      while (this.#again && !signal.aborted) {
        this.#again = false
        const entries = await this.#untilDone(() => watch.run({ operation: 'read', topic }, () => store.unsent(topic, batchSizeMax)))
        if (entries.length === 0) continue
        await this.#publish(entries)
        // Confirmed: whatever fails from here on, the batch is only marked again, not sent again.
        const positions = entries.map((entry) => entry.position)
        await this.#untilDone(() => watch.run({ operation: 'mark', topic }, () => store.markSent(positions)))
        this.#sent += entries.length
        if (entries.length === batchSizeMax) this.#again = true
      }
    } catch (error) {
      // Only a stop ends the trying.
      if (!signal.aborted) throw error
    } finally {
      this.#state = 'idle'
      // Here and not when the promise has settled: who wakes the lane in between would find it running, and it would not look again.
      this.#running = undefined
    }
  }

  /**
   * Appends the batch once, in order, and again until the log confirms it. Each event has an operation of its own, from when it was added until the
   * confirmation, and takes that operation's trace headers along; those of a repetition are the same.
   */
  async #publish(entries: readonly OutboxEntry[]): Promise<void> {
    const { log, topic } = this.#options
    const stamped: EventEnvelope[] = []
    const confirmed = Promise.withResolvers<void>()
    // The body runs at once up to its await, so that the events are stamped in their order before the append.
    const operations = entries.map((entry) =>
      publishing.run(
        () => this.#describe(entry, entries.length),
        async () => {
          stamped.push({ ...entry.event, ...traceHeaders(entry.event) })
          await confirmed.promise
        },
      ),
    )
    const settled = Promise.allSettled(operations)
    try {
      await this.#untilDone(() => log.append(topic, stamped))
      confirmed.resolve()
    } catch (error) {
      confirmed.reject(error)
      throw error
    } finally {
      await settled
    }
  }

  #describe({ event, topic, addedAtMs }: OutboxEntry, batchSize: number) {
    return {
      name: `${topic} publish`,
      kind: 'producer' as const,
      parent: { traceparent: event.traceparent, tracestate: event.tracestate },
      startedAtMs: addedAtMs,
      attributes: {
        'messaging.system': 'seaworthy',
        'messaging.operation.name': 'publish',
        'messaging.operation.type': 'send',
        'messaging.destination.name': topic,
        'messaging.message.id': event.id,
        'messaging.batch.message_count': batchSize,
        'seaworthy.correlation_id': event.correlationId,
        'seaworthy.event.type': event.type,
        'seaworthy.outbox.wait_ms': Math.max(0, this.#options.clock.now() - addedAtMs),
      },
    }
  }

  /** Tries until it succeeds, with back-off. @throws the last error when the relay stops */
  async #untilDone<T>(work: () => Promise<T>): Promise<T> {
    const { backoff, random, clock, signal } = this.#options
    for (;;) {
      this.#state = 'sending'
      try {
        const result = await work()
        this.#recovered()
        return result
      } catch (error) {
        this.#failuresInARow++
        this.#lastError = { message: String(error), atMs: clock.now() }
        if (signal.aborted) throw error
        this.#state = 'backing-off'
        if (this.#failuresInARow === 1) {
          this.#heldUpSinceMs = clock.monotonicMs()
          if (heldUpChannel.hasSubscribers) heldUpChannel.publish({ topic: this.#options.topic, error } satisfies RelayHeldUp)
        }
        await sleep(clock, backoffMs(backoff, this.#failuresInARow, random), signal).catch(() => {
          throw error
        })
      }
    }
  }

  #recovered(): void {
    if (this.#failuresInARow === 0) return
    const { topic, clock } = this.#options
    const recovered: RelayRecovered = {
      topic,
      failures: this.#failuresInARow,
      heldUpMs: Math.round(clock.monotonicMs() - this.#heldUpSinceMs),
    }
    this.#failuresInARow = 0
    if (recoveredChannel.hasSubscribers) recoveredChannel.publish(recovered)
  }
}
