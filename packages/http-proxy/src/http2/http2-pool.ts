import { type Applicant, ApplicantQueue } from '../applicant-queue.ts'
import type { HttpProxyLimits } from '../limits.ts'
import type { ProxyParts } from '../proxy-parts.ts'
import type { UpstreamAddress } from '../upstream-address.ts'
import type { UpstreamPool } from '../upstream-pool.ts'
import { type SessionHome, UpstreamSession } from './upstream-session.ts'

/**
 * The connections to one upstream that speaks HTTP/2. One carries all requests, until the upstream takes no more at once on it, or says that it takes no
 * more at all (GOAWAY); then the next are for another.
 */
export class Http2Pool implements UpstreamPool, SessionHome {
  readonly address: UpstreamAddress
  readonly parts: ProxyParts
  readonly #sessions = new Set<UpstreamSession>()
  readonly #queue: ApplicantQueue

  constructor(address: UpstreamAddress, parts: ProxyParts) {
    const { limits, wheel } = parts
    this.address = address
    this.parts = parts
    this.#queue = new ApplicantQueue({
      name: address.name,
      places: `the streams of ${limits.upstreamSessionsMax} connections`,
      limits,
      wheel,
    })
  }

  get limits(): HttpProxyLimits {
    return this.parts.limits
  }

  // One that has served is as good as a fresh one: HTTP/2 says when a connection takes no more.
  acquire(applicant: Applicant): void {
    const session = [...this.#sessions].find(({ hasRoom }) => hasRoom) ?? this.#another()
    if (session === undefined) this.#queue.add(applicant)
    else applicant.onLink(session.link())
  }

  withdraw(applicant: Applicant): void {
    this.#queue.withdraw(applicant)
  }

  close(): void {
    for (const session of this.#sessions) session.destroy()
  }

  keepConnections(isKept: boolean): void {
    if (isKept) return
    for (const session of this.#sessions) session.close()
  }

  onRoom(): void {
    while (this.#mayOpen || [...this.#sessions].some(({ hasRoom }) => hasRoom)) {
      const next = this.#queue.next()
      if (next === undefined) return
      this.acquire(next)
    }
  }

  onClosed(session: UpstreamSession): void {
    this.#sessions.delete(session)
    this.onRoom()
  }

  get #mayOpen(): boolean {
    // One that takes no more requests is on its way out.
    return [...this.#sessions].filter(({ isClosing }) => !isClosing).length < this.limits.upstreamSessionsMax
  }

  #another(): UpstreamSession | undefined {
    if (!this.#mayOpen) return undefined
    const session = new UpstreamSession(this)
    this.#sessions.add(session)
    return session
  }
}
