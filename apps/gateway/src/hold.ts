import type { Clock, Timer } from 'seaworthy/core'

export interface HoldGateOptions {
  readonly clock: Clock
  readonly holdMaxMs: number
  /** The last hold was released. */
  readonly onOpen: () => void
}

/**
 * A gate before an instance that is being replaced. While it is held the instance gets no requests. A hold that nobody releases ends by itself, because
 * a supervisor that died must not stop the traffic.
 */
export class HoldGate {
  readonly #options: HoldGateOptions
  readonly #holds = new Map<string, Timer>()

  constructor(options: HoldGateOptions) {
    this.#options = options
  }

  get isHeld(): boolean {
    return this.#holds.size > 0
  }

  /** `onExpiry` is told when nobody released it in time. */
  hold(id: string, onExpiry: () => void = () => {}): void {
    const { clock, holdMaxMs } = this.#options
    this.#holds.get(id)?.cancel()
    const timer = clock.timer(
      holdMaxMs,
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
    if (this.#holds.delete(id) && !this.isHeld) this.#options.onOpen()
  }
}
