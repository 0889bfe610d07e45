import type { AttemptFailure, ForwardedRequest, Forwarding, ResponseHead, Upstream } from '@seaworthy/http-proxy'
import { type Clock, type Timer, UnavailableError } from 'seaworthy/core'
import { saysNotExecuted } from '../not-executed.ts'
import type { MovingWrites } from './moving-writes.ts'

/** Where a request that changes something goes on, and what is told of its end. */
interface Onward {
  readonly upstream: Upstream
  readonly onEnd: () => void
}

export interface HeldForwardingParts {
  readonly writes: MovingWrites
  /** Under which it writes, where the request says so. */
  readonly key: string | undefined
  /** Asked when it goes on. */
  readonly onward: (wasHeld: boolean) => Onward
}

/**
 * Leads a request to the upstream that owns the route's data when it goes on. Where that gave the data away under the request, and says that it refused it
 * therefore, it goes to the new owner.
 */
export class HeldForwarding implements Forwarding {
  readonly #request: ForwardedRequest
  readonly #parts: HeldForwardingParts
  #inner: Forwarding | undefined
  #wasHeld = false
  #wasRefused = false
  /** How often the data had moved when it went on. */
  #moves = 0
  #onEnd: (() => void) | undefined
  #limit: Timer | undefined

  constructor(request: ForwardedRequest, parts: HeldForwardingParts) {
    this.#request = request
    this.#parts = parts
  }

  get key(): string | undefined {
    return this.#parts.key
  }

  begin(): void {
    try {
      if (this.#parts.writes.parks(this)) this.#wasHeld = true
      else this.go()
    } catch (error) {
      this.#request.fail(error)
    }
  }

  /** Its key is held, and nothing else: that has a limit of its own. */
  waitForKey(clock: Clock, limitMs: number): void {
    const giveUp = () => {
      this.#parts.writes.unpark(this)
      const message = `Key ${this.key} is held: what was written to it last has not come back yet. Ask again later.`
      this.#request.fail(new UnavailableError(message, { retryAfterMs: 1_000 }))
    }
    this.#limit ??= clock.timer(limitMs, giveUp, { keepAlive: false })
  }

  go(): void {
    const { writes, onward } = this.#parts
    this.#limit?.cancel()
    this.#limit = undefined
    writes.begun()
    this.#moves = writes.moves
    const { upstream, onEnd } = onward(this.#wasHeld)
    this.#onEnd = onEnd
    this.#inner = upstream.forwarding(this.#request)
    this.#inner.begin()
  }

  onArrived(): void {
    this.#inner?.onArrived()
  }

  onHead(head: ResponseHead): Error | undefined {
    const { hasArrived, isReplayable } = this.#request
    const hasMoved = this.#parts.writes.moves !== this.#moves
    this.#wasRefused = hasMoved && head.status === 503 && saysNotExecuted(head) && hasArrived && isReplayable
    if (this.#wasRefused)
      return new UnavailableError('The data moved while the request was on its way, and whoever had owned it refused it.')
    return this.#inner?.onHead(head)
  }

  onBody(spans: readonly Buffer[], ends: boolean): void {
    this.#inner?.onBody?.(spans, ends)
  }

  onFailed(failure: AttemptFailure): void {
    if (!this.#wasRefused) {
      this.#inner?.onFailed(failure)
      return
    }
    this.#wasRefused = false
    this.#leave(failure.error)
    this.begin()
  }

  onEnd(error: unknown): void {
    this.#limit?.cancel()
    this.#parts.writes.unpark(this)
    this.#leave(error)
  }

  #leave(error: unknown): void {
    if (this.#inner === undefined) return
    this.#inner.onEnd(error)
    this.#inner = undefined
    this.#onEnd?.()
    this.#parts.writes.ended()
  }
}
