import { ConfigurationError } from 'seaworthy/core'
import type { Route } from 'seaworthy/system'
import { type AnswerTapOptions, tapAnswers } from './answer-tap.ts'
import type { Destination } from './destination.ts'
import { DirectUpstream } from './direct-upstream.ts'
import { type ProxyPartsOptions, proxyParts } from './proxy-parts.ts'
import { createProxyServer, type HttpProxy, type ProxyServerOptions } from './proxy-server.ts'
import { compileRoutes } from './router.ts'
import type { AddressedUpstream } from './upstream-address.ts'
import { upstreamPool } from './upstream-pool.ts'

export interface HttpProxyOptions extends ProxyPartsOptions {
  readonly routes: readonly Route[]
  /** By the service that routes name: the base URL of one that speaks HTTP/1.1, or all that there is to say of it. */
  readonly upstreams: ReadonlyMap<string, URL | Omit<AddressedUpstream, 'name'>>
  /** Addresses and networks of proxies before this one, whose X-Forwarded fields are continued. Default none: what a client says there is replaced. */
  readonly trustedProxies?: readonly string[]
  /** Clients are served over TLS alone. */
  readonly tls?: ProxyServerOptions['tls']
  /** Several processes share the port. */
  readonly reusePort?: ProxyServerOptions['reusePort']
  /** Gets a copy of answers. */
  readonly tap?: Omit<AnswerTapOptions, 'onDefect'>
}

/**
 * A proxy whose routes and upstreams are fixed, each at one address.
 * @throws ConfigurationError when a route is malformed or leads nowhere, there can be no upstream at a URL, or a certificate is none
 */
export function createHttpProxy({
  routes,
  upstreams,
  trustedProxies = [],
  tls,
  reusePort = false,
  tap,
  ...options
}: HttpProxyOptions): HttpProxy {
  const parts = proxyParts(options)
  const router = compileRoutes(routes)
  const pools = new Map(
    [...new Set(routes.map(({ service }) => service))].map((name) => {
      const upstream = upstreams.get(name)
      if (upstream === undefined) throw new ConfigurationError(`Routes lead to ${name}, but there is no address of it.`)
      return [name, upstreamPool({ ...parts, ...(upstream instanceof URL ? { url: upstream } : upstream), name })]
    }),
  )
  const { onDefect } = parts
  const direct = new Map(
    [...pools].map(([name, pool]) => {
      const upstream = new DirectUpstream(pool)
      return [name, tap === undefined ? upstream : tapAnswers(upstream, { ...tap, onDefect })]
    }),
  )
  const destinations = new Map<Route, Destination>(
    routes.map((route) => [route, { path: route.path, upstream: direct.get(route.service)! }]),
  )
  return createProxyServer({
    parts,
    trustedProxies,
    reusePort,
    ...(tls !== undefined && { tls }),
    destinations: {
      destinationOf: ({ segments }) => {
        const route = router.match(segments)
        return route === undefined ? undefined : destinations.get(route)
      },
    },
    onDrained: () => {
      for (const pool of pools.values()) pool.close()
    },
  })
}
