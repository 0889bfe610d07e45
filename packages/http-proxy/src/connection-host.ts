import type { ClientConnection } from './client-connection.ts'
import type { Destinations } from './destination.ts'
import type { TrustedProxies } from './origin.ts'
import type { ProxyParts } from './proxy-parts.ts'
import type { RequestEnd } from './request-end.ts'

/** What all connections of clients share. */
export interface ConnectionHost extends ProxyParts {
  readonly destinations: Destinations
  readonly trusted: TrustedProxies
  readonly onRequestEnd: ((end: RequestEnd) => void) | undefined
  /** The proxy is about to stop: every answer closes its connection. */
  readonly isDraining: boolean
  onClosed(connection: ClientConnection): void
}
