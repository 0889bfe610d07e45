import type { AttemptFailure, ForwardedRequest, Forwarding, ResponseHead, Upstream } from '@seaworthy/http-proxy'
import { type Clock, type Timer, UnavailableError } from 'seaworthy/core'

const PARKED_MAX = 10_000
/** A hold that nobody releases ends by itself. */
const HOLD_MAX_MS = 30_000

/**
 * The requests of one route that change something, where its data moves along with them. While the data moves they wait, and then go to whoever owns it:
 * that is decided when a request goes on, not when it came.
 */
export class MovingWrites {
  readonly #parked = new Set<HeldForwarding>()
  #inFlight = 0
  #onIdle: (() => void) | undefined
  #timer: Timer | undefined

  get isHeld(): boolean {
    return this.#timer !== undefined
  }

  /** Keeps new ones waiting. @returns once those in flight are over, or after `drainMs` */
  hold({ clock, drainMs }: { readonly clock: Clock; readonly drainMs: number }): Promise<void> {
    this.#timer?.cancel()
    this.#timer = clock.timer(HOLD_MAX_MS, () => this.release(), { keepAlive: false })
    if (this.#inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const limit = clock.timer(drainMs, resolve, { keepAlive: false })
      this.#onIdle = () => {
        limit.cancel()
        resolve()
      }
    })
  }

  release(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    const parked = [...this.#parked]
    this.#parked.clear()
    for (const each of parked) each.go()
  }

  /** @returns whether it waits. @throws UnavailableError when too many do */
  parks(forwarding: HeldForwarding): boolean {
    if (!this.isHeld) return false
    if (this.#parked.size >= PARKED_MAX)
      throw new UnavailableError(`The route is being moved, and ${PARKED_MAX} requests wait for it already.`, { retryAfterMs: 1_000 })
    this.#parked.add(forwarding)
    return true
  }

  unpark(forwarding: HeldForwarding): void {
    this.#parked.delete(forwarding)
  }

  begun(): void {
    this.#inFlight++
  }

  ended(): void {
    this.#inFlight--
    if (this.#inFlight === 0) this.#onIdle?.()
  }
}

/** Where a request that changes something goes on, and what is told of its end. */
interface Onward {
  readonly upstream: Upstream
  readonly onEnd: () => void
}

/** Leads a request to the upstream that has the route when it goes on. */
export class HeldForwarding implements Forwarding {
  readonly #request: ForwardedRequest
  readonly #writes: MovingWrites
  readonly #onward: (wasHeld: boolean) => Onward
  #inner: Forwarding | undefined
  #wasHeld = false
  #onEnd: (() => void) | undefined

  constructor(request: ForwardedRequest, writes: MovingWrites, onward: (wasHeld: boolean) => Onward) {
    this.#request = request
    this.#writes = writes
    this.#onward = onward
  }

  begin(): void {
    try {
      this.#wasHeld = this.#writes.parks(this)
      if (!this.#wasHeld) this.go()
    } catch (error) {
      this.#request.fail(error)
    }
  }

  go(): void {
    this.#writes.begun()
    const { upstream, onEnd } = this.#onward(this.#wasHeld)
    this.#onEnd = onEnd
    this.#inner = upstream.forwarding(this.#request)
    this.#inner.begin()
  }

  onArrived(): void {
    this.#inner?.onArrived()
  }

  onHead(head: ResponseHead): Error | undefined {
    return this.#inner?.onHead(head)
  }

  onFailed(failure: AttemptFailure): void {
    this.#inner?.onFailed(failure)
  }

  onEnd(error: unknown): void {
    this.#writes.unpark(this)
    if (this.#inner === undefined) return
    this.#inner.onEnd(error)
    this.#onEnd?.()
    this.#writes.ended()
  }
}
