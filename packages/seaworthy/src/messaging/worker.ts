import {
  type Backoff,
  type Clock,
  type Operation,
  type Random,
  type Timer,
  ConfigurationError,
  SeaworthyError,
  TimeoutError,
  UnavailableError,
  backoffMs,
  exponential,
  isFinal,
  observed,
  shielded,
  sleep,
  systemClock,
  systemRandom,
  withContext,
} from 'seaworthy/core'
import { reasonOf } from './dead-letter.ts'
import { type Delivery, type Queue, LeaseLostError } from './queue.ts'

/** A message as its handler gets it. */
export interface WorkerMessage {
  readonly id: string
  readonly body: unknown
  /** From 1. */
  readonly attempt: number
  /** Aborted when the time is up, when the lease is lost, or when the worker will wait no longer: stop, for somebody else may have the message. */
  readonly signal: AbortSignal
}

/** What went wrong, and what becomes of the message; nothing does when its lease was lost, or the queue itself failed. */
export interface WorkerFailure {
  readonly error: unknown
  readonly messageId: string | undefined
  readonly outcome: 'retry' | 'dead' | 'none'
}

export interface WorkerOptions {
  readonly queue: Queue
  /** Of the queue, for traces. */
  readonly name: string
  /** Does the job. It may be called again with the same message: make its effect idempotent, by the message's id. A final error (`isFinal`) sets the message aside at once. */
  readonly handler: (message: WorkerMessage) => Promise<void>
  /** Messages handled at the same time. Default 8. */
  readonly concurrencyMax?: number
  /** How soon a message comes back after this process died. Extended while the handler runs. Default 30,000 ms. */
  readonly leaseMs?: number
  /** For one message. Default 300,000 ms. */
  readonly handlerTimeoutMs?: number
  /** Between attempts. Default exponential from 1 s to 5 minutes with full jitter. */
  readonly backoff?: Backoff
  /** How long `stop` waits for handlers before it aborts them and hands their messages back. Default 4,000 ms. */
  readonly drainTimeoutMs?: number
  /** Stops the worker as {@link Worker.stop} does. */
  readonly signal?: AbortSignal
  /** Told of everything that goes wrong. What it throws is ignored. */
  readonly onFailure?: (failure: WorkerFailure) => void
  readonly clock?: Clock
  readonly random?: Random
}

export interface Worker {
  /** Takes no more, waits for the handlers in progress, hands back what they do not finish in time. */
  stop(): Promise<void>
  /** Messages being handled. */
  readonly active: number
}

const RECEIVE_WAIT_MS = 20_000
const RECEIVE_BACKOFF = exponential({ baseMs: 100, maxMs: 10_000, jitter: 'equal' })

const processing = observed('queue.process')

/** Works off a queue until it is stopped. Each message is leased only when a place is free for it. */
export function startWorker(options: WorkerOptions): Worker {
  for (const name of ['concurrencyMax', 'leaseMs', 'handlerTimeoutMs'] as const) {
    const value = options[name]
    if (value !== undefined && !(value >= 1)) throw new ConfigurationError(`${name} of worker ${options.name} is ${value}; at least 1.`)
  }
  return new RunningWorker(options)
}

class RunningWorker implements Worker {
  readonly #options: WorkerOptions
  readonly #clock: Clock
  readonly #random: Random
  readonly #leaseMs: number
  readonly #backoff: Backoff
  /** Aborted at stop: no more is taken in. */
  readonly #intake = new AbortController()
  readonly #running = new Map<Promise<void>, AbortController>()
  readonly #receiving: Promise<void>
  readonly #onAbort = () => void this.stop()
  #placeIsFree: (() => void) | undefined
  #stopped: Promise<void> | undefined

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#leaseMs = options.leaseMs ?? 30_000
    this.#backoff = options.backoff ?? exponential({ baseMs: 1_000, maxMs: 300_000 })
    this.#receiving = this.#receive()
    options.signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (options.signal?.aborted === true) this.#onAbort()
  }

  get active(): number {
    return this.#running.size
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#drain()
    return this.#stopped
  }

  async #receive(): Promise<void> {
    const { signal } = this.#intake
    const { queue, concurrencyMax = 8 } = this.#options
    let failures = 0
    while (!signal.aborted) {
      const free = concurrencyMax - this.#running.size
      if (free <= 0) {
        await new Promise<void>((resolve) => (this.#placeIsFree = resolve))
        continue
      }
      try {
        const deliveries = await queue.receive({ max: free, leaseMs: this.#leaseMs, waitMs: RECEIVE_WAIT_MS, signal })
        failures = 0
        for (const delivery of deliveries) this.#begin(delivery)
      } catch (error) {
        if (signal.aborted) return
        this.#report(error, undefined, 'none')
        await sleep(this.#clock, backoffMs(RECEIVE_BACKOFF, ++failures, this.#random), signal).catch(() => undefined)
      }
    }
  }

  #begin(delivery: Delivery): void {
    const controller = new AbortController()
    const work = this.#handle(delivery, controller).finally(() => {
      this.#running.delete(work)
      this.#placeIsFree?.()
    })
    this.#running.set(work, controller)
  }

  /** Handles one message and answers for it. Never rejects. */
  async #handle(delivery: Delivery, controller: AbortController): Promise<void> {
    const stopExtending = this.#keepLease(delivery, controller)
    try {
      await processing.run(
        () => this.#describe(delivery),
        () => this.#runHandler(delivery, controller),
      )
    } catch (error) {
      stopExtending()
      await this.#giveBack(delivery, error, controller.signal)
      return
    }
    stopExtending()
    // A failed acknowledgement means that the message comes again, as at-least-once delivery allows.
    await delivery.acknowledge().catch((error: unknown) => this.#report(error, delivery.id, 'none'))
  }

  #runHandler(delivery: Delivery, controller: AbortController): Promise<void> {
    const { handler, handlerTimeoutMs = 300_000 } = this.#options
    const { signal } = controller
    // Made inside the span, whose trace headers it takes on. The budget is the job's own: what sent it does not wait for it.
    const context = {
      ...shielded(delivery.context),
      causationId: delivery.id,
      signal,
      deadlineMs: this.#clock.monotonicMs() + handlerTimeoutMs,
    }
    return new Promise<void>((resolve, reject) => {
      const timer = this.#clock.timer(handlerTimeoutMs, () => controller.abort(this.#tooLate(delivery, handlerTimeoutMs)))
      // A handler that ignores its signal must not hold the place, nor pass for success after its lease has gone.
      const onAbort = () => {
        timer.cancel()
        reject(signal.reason)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      withContext(context, async () => handler({ id: delivery.id, body: delivery.body, attempt: delivery.attempt, signal }))
        .finally(() => {
          timer.cancel()
          signal.removeEventListener('abort', onAbort)
        })
        .then(resolve, reject)
    })
  }

  /** Extends the lease at every third of it, until told to stop. A lost lease aborts the work. */
  #keepLease(delivery: Delivery, controller: AbortController): () => void {
    let timer: Timer | undefined
    let over = false
    const arm = () => {
      if (!over) timer = this.#clock.timer(this.#leaseMs / 3, () => void extend())
    }
    const extend = async () => {
      try {
        await delivery.extend(this.#leaseMs)
      } catch (error) {
        if (over) return
        if (error instanceof LeaseLostError) {
          controller.abort(error)
          return
        }
        // Two more tries fit into the lease.
        this.#report(error, delivery.id, 'none')
      }
      arm()
    }
    arm()
    return () => {
      over = true
      timer?.cancel()
    }
  }

  async #giveBack(delivery: Delivery, error: unknown, signal: AbortSignal): Promise<void> {
    const aborted = signal.aborted && error === signal.reason
    // Its own lease, that is: a handler may well have lost that of another message.
    if (aborted && error instanceof LeaseLostError) {
      this.#report(error, delivery.id, 'none')
      return
    }
    const dead = isFinal(error)
    const asked = error instanceof SeaworthyError ? (error.retryAfterMs ?? 0) : 0
    // What is handed back because this worker ends waits for nothing but the next worker.
    const delayMs = aborted && this.#intake.signal.aborted ? 0 : Math.max(asked, backoffMs(this.#backoff, delivery.attempt, this.#random))
    this.#report(error, delivery.id, dead ? 'dead' : 'retry')
    // If it cannot be given back, it comes back when the lease ends.
    await delivery
      .reject({ reason: reasonOf(error), delayMs, dead })
      .catch((rejection: unknown) => this.#report(rejection, delivery.id, 'none'))
  }

  async #drain(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    const why = new UnavailableError(`Worker ${this.#options.name} is stopping.`)
    this.#intake.abort(why)
    this.#placeIsFree?.()
    const timer = this.#clock.timer(this.#options.drainTimeoutMs ?? 4_000, () => {
      for (const controller of this.#running.values()) controller.abort(why)
    })
    await this.#receiving
    await Promise.all(this.#running.keys())
    timer.cancel()
  }

  #describe(delivery: Delivery): Operation {
    const { name } = this.#options
    return {
      name: `${name} process`,
      kind: 'consumer',
      parent: { traceparent: delivery.context.traceparent, tracestate: delivery.context.tracestate },
      attributes: {
        'messaging.system': 'seaworthy',
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.destination.name': name,
        'messaging.message.id': delivery.id,
        'seaworthy.correlation_id': delivery.context.correlationId,
        'seaworthy.queue.attempt': delivery.attempt,
        ...(delivery.readyForMs !== undefined && { 'seaworthy.time.queue_wait_ms': delivery.readyForMs }),
      },
    }
  }

  #tooLate(delivery: Delivery, timeoutMs: number): TimeoutError {
    return new TimeoutError(
      `The handler of ${this.#options.name} did not finish message ${delivery.id} within ${timeoutMs} ms. Make it faster, or raise handlerTimeoutMs.`,
      timeoutMs,
    )
  }

  #report(error: unknown, messageId: string | undefined, outcome: WorkerFailure['outcome']): void {
    try {
      this.#options.onFailure?.({ error, messageId, outcome })
    } catch {
      // A listener that fails is no reason to lose a message.
    }
  }
}
