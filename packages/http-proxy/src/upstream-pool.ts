import type { Applicant } from './applicant-queue.ts'
import { Http1Pool } from './http1-pool.ts'
import { Http2Pool } from './http2/http2-pool.ts'
import type { HttpProxyLimits } from './limits.ts'
import type { ProxyParts } from './proxy-parts.ts'
import { type AddressedUpstream, UpstreamAddress } from './upstream-address.ts'

/** The connections to one upstream. */
export interface UpstreamPool {
  readonly address: UpstreamAddress
  readonly limits: HttpProxyLimits
  /** Gives the applicant a link: at once, if there is room on a connection or one may be opened. `isFresh` wants a connection that has not served yet. */
  acquire(applicant: Applicant, options?: { readonly isFresh?: boolean }): void
  /** Forgets an applicant that has not got a link yet. */
  withdraw(applicant: Applicant): void
  /** Closes every connection, also under requests in flight, and tunnels. */
  close(): void
  /** Whether connections are kept for the next request. If not, those that are free are closed, and the others when they are: what they lead to is about to end. */
  keepConnections(isKept: boolean): void
}

export interface UpstreamPoolOptions extends ProxyParts, AddressedUpstream {}

/** @throws ConfigurationError when there can be no upstream at the URL */
export function upstreamPool(options: UpstreamPoolOptions): UpstreamPool {
  const address = new UpstreamAddress(options)
  return address.protocol === 'h2' ? new Http2Pool(address, options) : new Http1Pool(address, options)
}
