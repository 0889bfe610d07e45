import {
  type Destination,
  compileRoutes,
  createProxyServer,
  type Destinations,
  type HttpProxy,
  type ProxyParts,
  proxyParts,
  type RequestEnd,
} from '@seaworthy/http-proxy'
import { type Clock, ConfigurationError, systemClock } from 'seaworthy/core'
import type { Route } from 'seaworthy/system'
import { HostPolicy } from './host-policy.ts'
import { defaultLimits, type GatewayLimits } from './limits.ts'
import type { GatewayLog } from './log.ts'
import { ServiceUpstream } from './upstream.ts'

export interface GatewayOptions {
  readonly routes: readonly Route[]
  /** Base URLs of the instances, by service. */
  readonly upstreams: ReadonlyMap<string, readonly URL[]>
  readonly log: GatewayLog
  /** Names under which it answers: see {@link HostPolicy}. Default any. */
  readonly hosts?: readonly string[]
  readonly limits?: Partial<GatewayLimits>
  readonly clock?: Clock
}

export interface Gateway {
  /** @returns the port it listens on. @throws ConfigurationError when it is taken */
  listen(port: number): Promise<number>
  /**
   * Parks new requests to an upstream, or to that of its instances which is at `url`: then the others get them. Resolves when those in flight have finished,
   * to false if the hold was released before. An upstream that no route leads to gets no requests to park.
   */
  hold(upstream: string, id: string, url?: string): Promise<boolean>
  release(upstream: string, id: string): void
  /** Takes no new connections, finishes what is in flight, and closes. A second call gets the same promise. */
  drain(): Promise<void>
}

/** The gateway of a system whose routes are fixed. @throws ConfigurationError when a route is malformed or leads nowhere */
export function createGateway(options: GatewayOptions): Gateway {
  return new SystemGateway(options)
}

class SystemGateway implements Gateway {
  readonly #log: GatewayLog
  readonly #upstreams: ReadonlyMap<string, ServiceUpstream>
  readonly #proxy: HttpProxy

  constructor(options: GatewayOptions) {
    const { routes, log, clock = systemClock, hosts } = options
    const limits = { ...defaultLimits, ...options.limits }
    const parts = proxyParts({ limits, clock, onDefect: (error) => log.error({ err: error }, 'the gateway failed') })
    this.#log = log
    this.#upstreams = upstreamsOf(options, limits, parts)
    this.#proxy = createProxyServer({
      parts,
      destinations: destinationsOf(routes, this.#upstreams, new HostPolicy(hosts ?? ['*'])),
      onRequestEnd: (end) => tellUnanswered(end, log),
      onCutOff: (connections) => log.warn({ connections }, 'the drain took too long: what is in flight is cut off'),
      onDrained: () => {
        for (const upstream of this.#upstreams.values()) upstream.close()
      },
    })
  }

  async listen(port: number): Promise<number> {
    try {
      return await this.#proxy.listen(port)
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error
      throw new ConfigurationError(`${error.message} The port is set by --gateway-port or SEAWORTHY_GATEWAY_PORT.`, { cause: error })
    }
  }

  async hold(upstream: string, id: string, url?: string): Promise<boolean> {
    const onExpiry = () => this.#log.warn({ upstream, id }, 'a hold was not released in time and has ended by itself')
    return (await this.#upstreams.get(upstream)?.hold(id, { onExpiry, url })) ?? true
  }

  release(upstream: string, id: string): void {
    this.#upstreams.get(upstream)?.release(id)
  }

  drain(): Promise<void> {
    return this.#proxy.drain()
  }
}

function upstreamsOf({ routes, upstreams }: GatewayOptions, limits: GatewayLimits, parts: ProxyParts): Map<string, ServiceUpstream> {
  return new Map(
    [...new Set(routes.map(({ service }) => service))].map((name) => {
      const urls = upstreams.get(name) ?? []
      if (urls.length === 0) throw new ConfigurationError(`Routes lead to ${name}, but there is no address of it.`)
      return [name, new ServiceUpstream({ name, urls, limits, parts })]
    }),
  )
}

function destinationsOf(routes: readonly Route[], upstreams: ReadonlyMap<string, ServiceUpstream>, hosts: HostPolicy): Destinations {
  const router = compileRoutes(routes)
  const destinations = new Map<Route, Destination>(
    routes.map((route) => [route, { path: route.path, upstream: upstreams.get(route.service)! }]),
  )
  return {
    destinationOf: ({ segments, host }) => {
      hosts.check(host)
      const route = router.match(segments)
      return route === undefined ? undefined : destinations.get(route)
    },
  }
}

/** What an engineer on call looks for: requests that no upstream answered. */
export function tellUnanswered({ method, target, status, error, correlationId }: RequestEnd, log: GatewayLog): void {
  if (error === undefined || status === undefined || status <= 500) return
  log.warn({ err: error, status, correlationId }, `${method} ${target.split('?', 1)[0]} was not answered by its upstream`)
}
