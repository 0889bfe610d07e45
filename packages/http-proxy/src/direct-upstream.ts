import { executedOf } from 'seaworthy/core'
import type { AttemptFailure, ForwardedRequest, Forwarding, Upstream } from './forwarding.ts'
import { isSafe } from './methods.ts'
import type { UpstreamPool } from './upstream-pool.ts'

/** One address: every request is sent at once, and again only where its connection turned out to be closed as idle, or to take no more. */
export class DirectUpstream implements Upstream {
  readonly name: string
  readonly #pool: UpstreamPool

  constructor(pool: UpstreamPool) {
    this.name = pool.address.name
    this.#pool = pool
  }

  forwarding(request: ForwardedRequest): Forwarding {
    return new DirectForwarding(request, this.#pool)
  }
}

class DirectForwarding implements Forwarding {
  readonly #request: ForwardedRequest
  readonly #pool: UpstreamPool
  #wasRepeated = false

  constructor(request: ForwardedRequest, pool: UpstreamPool) {
    this.#request = request
    this.#pool = pool
  }

  begin(): void {
    this.#request.attempt(this.#pool)
  }

  onArrived(): void {}

  onHead(): undefined {}

  onFailed({ error, wasStale }: AttemptFailure): void {
    const request = this.#request
    const isHarmless = isSafe(request.admission.method) || executedOf(error) === 'no'
    if (wasStale && !this.#wasRepeated && request.isReplayable && request.hasArrived && isHarmless) {
      this.#wasRepeated = true
      request.attempt(this.#pool, { isFresh: true })
    } else request.fail(error)
  }

  onEnd(): void {}
}
