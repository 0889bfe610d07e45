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
  /** Registers a part; parts stop in reverse order, one after another. */
  add(name: string, stop: () => Promise<void> | void): void
  ready(): void
  /** Stops intake, then every part. Settles when all are stopped; a second call gets the same promise. */
  stop(reason: string): Promise<void>
}

export interface LifecycleOptions {
  /** How long the whole stop may take before the process ends all the same. Default 4,000 ms. */
  readonly stopTimeoutMs?: number
  /** Told of parts that failed to stop. Default: the process's stderr. */
  readonly onStopError?: (part: string, error: unknown) => void
}
