import type { Socket } from 'node:net'
import type { Destinations } from './destination.ts'
import type { TrustedProxies } from './origin.ts'
import type { ProxyParts } from './proxy-parts.ts'
import type { RequestEnd } from './request-end.ts'
import type { Tunnels } from './tunnels.ts'

/** A connection of a client, as whoever stops the proxy sees it. */
export interface ServedConnection {
  /** The proxy is about to stop, and takes what comes in the meantime. */
  onDraining?(): void
  /** Takes no more requests, and closes once there is none on its way. */
  closeIfIdle(): void
  /** Ends what is still open, because the proxy stops. */
  stop(): void
  destroy(): void
}

/** What all connections of clients share. */
export interface ConnectionHost extends ProxyParts {
  readonly destinations: Destinations
  readonly trusted: TrustedProxies
  readonly onRequestEnd: ((end: RequestEnd) => void) | undefined
  readonly tunnels: Tunnels
  /** The proxy is about to stop: every answer closes its connection. */
  readonly isDraining: boolean
  /** A connection turned out to speak HTTP/2; `begun` is what of it has been read. */
  onHttp2(connection: ServedConnection, socket: Socket, begun: Buffer): void
  onClosed(connection: ServedConnection): void
}
