import type { Fields } from './head.ts'
import type { Upstream } from './forwarding.ts'

/** A request whose head was read and is one thing only, for whoever decides where it goes. */
export interface RoutableRequest {
  readonly method: string
  /** In the origin form; byte for byte as the client sent it. */
  readonly target: string
  /** Of the path, decoded. */
  readonly segments: readonly string[]
  /** The Host field, as it came; undefined in HTTP/1.0. */
  readonly host: string | undefined
  readonly fields: Fields
  /** Of the client, or what the last trusted proxy says that it is. */
  readonly clientAddress: string
  readonly correlationId: string
}

/** Where a request goes. */
export interface Destination {
  /** The template of its route, for names that must not have an id in them. */
  readonly path: string
  readonly upstream: Upstream
  /** Its own limit; the proxy's holds as well. */
  readonly bodyBytesMax?: number
}

export interface Destinations {
  /**
   * Decides once for each request.
   * @returns undefined when there is none
   * @throws the typed error that the request is refused with
   */
  destinationOf(request: RoutableRequest): Destination | undefined
}
