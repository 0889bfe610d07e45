import { constants } from 'node:os'
import { type Clock, SeaworthyError, systemClock } from 'seaworthy/core'

/** A part of a process that must be stopped, in the reverse order of being started. */
export interface Part {
  readonly name: string
  /** Finishes what is in progress and releases what it holds. */
  stop(): Promise<void>
}

export interface Lifecycle {
  /** True from `ready()` until the stop begins: `/readyz` answers by it. */
  readonly isReady: boolean
  /** Aborted when the stop begins: loops end by it. */
  readonly signal: AbortSignal
  /** Registers a part; parts stop in reverse order, one after another. Added while the process stops, it is stopped too. */
  add(name: string, stop: () => Promise<void> | void): void
  ready(): void
  /**
   * Stops intake, then every part. Settles when all are stopped; a second call gets the same promise.
   * @throws StopError when a part failed to stop, after the others have stopped, or when time ran out
   */
  stop(reason: string): Promise<void>
}

export interface LifecycleOptions {
  /** How long the whole stop may take before the process ends all the same. Default 4,000 ms. */
  readonly stopTimeoutMs?: number
  /** Told of parts that failed to stop. Default: the process's stderr. */
  readonly onStopError?: (part: string, error: unknown) => void
  readonly clock?: Clock
}

/** The process did not stop cleanly. `parts` did not stop, or not in time. */
export class StopError extends SeaworthyError {
  readonly parts: readonly string[]

  constructor(message: string, parts: readonly string[], options: { cause?: unknown } = {}) {
    super('stop-failed', message, { ...options, executed: 'maybe', final: true })
    this.parts = parts
  }
}

const STOP_TIMEOUT_MS = 4_000

/** The life of a process: its parts are registered as they start, and stopped in the reverse order. Reads no signals itself. */
export function lifecycle(options: LifecycleOptions = {}): Lifecycle {
  return new ProcessLifecycle(options)
}

class ProcessLifecycle implements Lifecycle {
  readonly #stopTimeoutMs: number
  readonly #onStopError: (part: string, error: unknown) => void
  readonly #clock: Clock
  readonly #controller = new AbortController()
  readonly #parts: Part[] = []
  readonly #failed: string[] = []
  #state: 'starting' | 'ready' | 'stopping' | 'stopped' = 'starting'
  #stopped: Promise<void> | undefined
  #beingStopped: Part | undefined

  constructor(options: LifecycleOptions) {
    this.#stopTimeoutMs = options.stopTimeoutMs ?? STOP_TIMEOUT_MS
    this.#onStopError = options.onStopError ?? ((part, error) => console.error(`${part} failed to stop:`, error))
    this.#clock = options.clock ?? systemClock
  }

  get isReady(): boolean {
    return this.#state === 'ready'
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  add(name: string, stop: () => Promise<void> | void): void {
    this.#parts.push({ name, stop: async () => stop() })
    // A part that finished starting after the stop must not outlive it.
    if (this.#state === 'stopped') void this.#stopParts()
  }

  ready(): void {
    if (this.#state === 'starting') this.#state = 'ready'
  }

  stop(reason: string): Promise<void> {
    if (this.#stopped === undefined) {
      // The promise is there before the abort: whoever hears of that may call stop again.
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#stopped = promise
      resolve(this.#stop(reason))
    }
    return this.#stopped
  }

  async #stop(reason: string): Promise<void> {
    this.#state = 'stopping'
    // Not an error that says `executed: 'no'`: the signal also ends calls that are under way.
    this.#controller.abort(new DOMException(`The process is stopping: ${reason}.`, 'AbortError'))
    const timeUp = Promise.withResolvers<'time is up'>()
    const timer = this.#clock.timer(this.#stopTimeoutMs, () => timeUp.resolve('time is up'))
    const outcome = await Promise.race([this.#stopParts(), timeUp.promise])
    timer.cancel()
    if (outcome === 'time is up') {
      const left = [this.#beingStopped, ...this.#parts.toReversed()].flatMap((part) => part?.name ?? [])
      throw new StopError(`Not stopped within ${this.#stopTimeoutMs} ms (stopTimeoutMs): ${left.join(', ')}.`, [...this.#failed, ...left])
    }
    if (this.#failed.length > 0) throw new StopError(`Failed to stop: ${this.#failed.join(', ')}. Each error was reported.`, this.#failed)
  }

  async #stopParts(): Promise<void> {
    this.#state = 'stopping'
    for (let part = this.#parts.pop(); part !== undefined; part = this.#parts.pop()) {
      this.#beingStopped = part
      try {
        await part.stop()
      } catch (error) {
        this.#failed.push(part.name)
        this.#onStopError(part.name, error)
      }
    }
    this.#beingStopped = undefined
    this.#state = 'stopped'
  }
}

/**
 * Stops the process on SIGTERM and SIGINT. It exits with 0 after a clean stop, with 1 when `stop` rejects. A second
 * signal ends it at once, with 128 and the signal's number, as a shell would report it.
 * @returns a function that ends the handling
 */
export function onTerminationSignals(stop: (reason: string) => Promise<void>): () => void {
  let stopping = false
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(128 + constants.signals[signal])
    stopping = true
    stop(signal).then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  return () => {
    process.off('SIGTERM', onSignal)
    process.off('SIGINT', onSignal)
  }
}
