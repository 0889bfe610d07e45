import type { ClientConnection } from './client-connection.ts'
import type { HeadParser } from './head.ts'
import type { HttpProxyLimits } from './limits.ts'
import type { TrustedProxies } from './origin.ts'
import type { Router } from './router.ts'
import type { TimerWheel } from './timer-wheel.ts'
import type { UpstreamPool } from './upstream-pool.ts'

/** What all connections of a proxy share. */
export interface ConnectionHost {
  readonly parser: HeadParser
  readonly wheel: TimerWheel
  readonly limits: HttpProxyLimits
  readonly router: Router
  readonly trusted: TrustedProxies
  readonly pools: ReadonlyMap<string, UpstreamPool>
  /** The proxy is about to stop: every answer closes its connection. */
  readonly isDraining: boolean
  onClosed(connection: ClientConnection): void
  onDefect(error: unknown): void
}
