import { type Clock, systemClock } from 'seaworthy/core'
import { HeadParser } from './head.ts'
import { defaultLimits, type HttpProxyLimits, tickMsFor } from './limits.ts'
import { TimerWheel } from './timer-wheel.ts'

/** What the connections of one proxy share, those of clients and those to upstreams. */
export interface ProxyParts {
  readonly clock: Clock
  readonly limits: HttpProxyLimits
  readonly parser: HeadParser
  readonly wheel: TimerWheel
  /** Hears of a defect of the proxy; its client gets a 500, or a broken connection. */
  readonly onDefect: (error: unknown) => void
}

export interface ProxyPartsOptions {
  readonly limits?: Partial<HttpProxyLimits>
  readonly clock?: Clock
  readonly onDefect?: (error: unknown) => void
}

export function proxyParts({ limits: some, clock = systemClock, onDefect = () => {} }: ProxyPartsOptions): ProxyParts {
  const limits = { ...defaultLimits, ...some }
  return { clock, limits, onDefect, parser: new HeadParser(limits), wheel: new TimerWheel({ clock, tickMs: tickMsFor(limits) }) }
}
