import type { Clock, Timer } from 'seaworthy/core'

/**
 * A gate before an upstream that is being replaced. Open, it costs nothing; held, requests are parked in order of
 * arrival until the last hold is released. A hold that nobody releases ends by itself, because a supervisor that died
 * must not stop the traffic.
 */
export class HoldGate {
  readonly #clock: Clock
  readonly #holdMaxMs: number
  readonly #holds = new Map<string, Timer>()
  readonly #parked = new Set<() => void>()

  constructor(options: { clock: Clock; holdMaxMs: number }) {
    this.#clock = options.clock
    this.#holdMaxMs = options.holdMaxMs
  }

  get isHeld(): boolean {
    return this.#holds.size > 0
  }

  get parked(): number {
    return this.#parked.size
  }

  /** `onExpiry` is told when nobody released it in time. */
  hold(id: string, onExpiry: () => void = () => {}): void {
    this.#holds.get(id)?.cancel()
    const timer = this.#clock.timer(
      this.#holdMaxMs,
      () => {
        this.release(id)
        onExpiry()
      },
      { keepAlive: false },
    )
    this.#holds.set(id, timer)
  }

  /** True while this hold lasts. */
  has(id: string): boolean {
    return this.#holds.has(id)
  }

  release(id: string): void {
    this.#holds.get(id)?.cancel()
    this.#holds.delete(id)
    if (this.isHeld) return
    // In order: each goes on in its own microtask, before any request that comes later.
    const parked = [...this.#parked]
    this.#parked.clear()
    for (const go of parked) go()
  }

  /** Resolves when the gate is open. An abort ends the wait with its reason. */
  pass(signal: AbortSignal): Promise<void> {
    if (!this.isHeld) return Promise.resolve()
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason)
        return
      }
      const onAbort = () => {
        this.#parked.delete(go)
        reject(signal.reason)
      }
      const go = () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      this.#parked.add(go)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }
}
