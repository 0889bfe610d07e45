import { type Destination, type Destinations, type ProxyParts, type RoutableRequest, tapAnswers } from '@seaworthy/http-proxy'
import { isDeepStrictEqual } from 'node:util'
import { type Random, systemRandom } from 'seaworthy/core'
import { HostPolicy } from '../host-policy.ts'
import type { GatewayLimits } from '../limits.ts'
import type { Mirror } from '../mirror.ts'
import { ServiceUpstream } from '../upstream.ts'
import type { DataMove } from './data-move.ts'
import type { GatewayFile, UpstreamDeclaration } from './gateway-file.ts'
import type { Ledger } from './ledger.ts'
import { MovingRoute, RouteState, type SideDestination } from './moving-route.ts'
import type { RuleDeclaration } from './rule.ts'
import { compileRules, type RuleTable } from './rule-table.ts'

export interface RoutingOptions {
  readonly ledger: Ledger
  readonly limits: GatewayLimits
  readonly parts: ProxyParts
  readonly random?: Random
  readonly mirror?: Mirror
  /** What hands the data of a route over, where that moves with it. */
  readonly dataOf: (declaration: RuleDeclaration) => DataMove | undefined
}

/** A route, and which of its paths a request matched. */
interface MatchedRoute {
  readonly route: MovingRoute
  readonly path: string
}

interface Configured {
  readonly hosts: HostPolicy
  readonly table: RuleTable<MatchedRoute>
  readonly routes: ReadonlyMap<string, MovingRoute>
  readonly upstreams: ReadonlyMap<string, { readonly declaration: UpstreamDeclaration; readonly upstream: ServiceUpstream }>
}

/**
 * Which of its upstreams each request goes to, by the configuration that is in force. A new one takes the place of the old in one step, between two
 * requests; upstreams that are declared as before stay, with their connections, and what the others have in hand goes on.
 */
export class Routing implements Destinations {
  readonly #options: RoutingOptions
  readonly #retired = new Set<ServiceUpstream>()
  #configured: Configured

  constructor(file: GatewayFile, options: RoutingOptions) {
    this.#options = options
    this.#configured = this.#configure(file, undefined)
  }

  get routes(): ReadonlyMap<string, MovingRoute> {
    return this.#configured.routes
  }

  get upstreams(): readonly ServiceUpstream[] {
    return [...this.#configured.upstreams.values()].map(({ upstream }) => upstream)
  }

  /** Puts another configuration in force. @throws what is wrong with it, and then nothing has changed */
  configure(file: GatewayFile): void {
    const before = this.#configured
    const next = this.#configure(file, before)
    this.#configured = next
    const kept = new Set([...next.upstreams.values()].map(({ upstream }) => upstream))
    for (const { upstream } of before.upstreams.values()) {
      if (kept.has(upstream)) continue
      upstream.retire()
      this.#retired.add(upstream)
    }
    for (const upstream of this.#retired) {
      if (!upstream.isIdle) continue
      // Its tunnels are no requests, and go on until they end.
      this.#retired.delete(upstream)
    }
  }

  destinationOf(request: RoutableRequest): Destination | undefined {
    const { hosts, table } = this.#configured
    hosts.check(request.host)
    const matched = table.match(request)
    if (matched === undefined) return undefined
    const { route, path } = matched
    const destination = route.destinationOf(request, path)
    const refusal = (route.upstreamOf(destination.side) as ServiceUpstream).rateLimit?.tryBegin(request)
    if (refusal !== undefined) throw refusal
    return this.#tapped(request, destination)
  }

  /** Has the answer copied for whoever compares the two sides. */
  #tapped({ method, target, host, fields }: RoutableRequest, destination: SideDestination): Destination {
    const { mirror, parts } = this.#options
    const { route, side, upstream } = destination
    const { id, shadow } = route.declaration
    const isSafe = method === 'GET' || method === 'HEAD'
    if (mirror === undefined || shadow === undefined || side === 'to' || !isSafe) return destination
    const { bodyBytesMax } = mirror
    const tapOf = () => mirror.tapOf({ route: id, method, target, host, lines: fields.endToEnd })
    return { ...destination, upstream: tapAnswers(upstream, { bodyBytesMax, tapOf, onDefect: parts.onDefect }) }
  }

  /** The route of a request, and which of its paths, without counting it. */
  matched(request: RoutableRequest): MatchedRoute | undefined {
    return this.#configured.table.match(request)
  }

  /** Upstreams of that name, those included that a configuration has replaced and that still have something in hand. */
  named(name: string): readonly ServiceUpstream[] {
    return [...this.upstreams, ...this.#retired].filter((upstream) => upstream.name === name)
  }

  close(): void {
    for (const upstream of [...this.upstreams, ...this.#retired]) upstream.close()
    for (const { state } of this.routes.values()) {
      state.ownWrites.stop()
      state.writes.held.stop()
    }
  }

  #configure(file: GatewayFile, before: Configured | undefined): Configured {
    const hosts = new HostPolicy(file.listen.hosts)
    const upstreams = new Map(
      [...file.upstreams].map(([name, declaration]) => {
        const known = before?.upstreams.get(name)
        if (known !== undefined && isSame(known.declaration, declaration)) return [name, known]
        const { limits, parts } = this.#options
        return [name, { declaration, upstream: new ServiceUpstream({ ...declaration, name, limits, parts }) }]
      }),
    )
    const routes = new Map(
      file.routes.map((declaration) => {
        const [from, to] = [upstreams.get(declaration.from)!, upstreams.get(declaration.to ?? declaration.from)!]
        const route = new MovingRoute({
          declaration,
          state: this.#stateOf(declaration, before?.routes.get(declaration.id)),
          data: this.#options.dataOf(declaration),
          upstreams: { from: from.upstream, to: to.upstream },
          bodyBytesMax: { from: from.declaration.policy.body?.bytesMax, to: to.declaration.policy.body?.bytesMax },
          random: this.#options.random ?? systemRandom,
        })
        return [declaration.id, route]
      }),
    )
    const table = compileRules(
      [...routes.values()].map((route) => ({ declaration: route.declaration, valueAt: (path) => ({ route, path }) })),
    )
    return { hosts, table, routes, upstreams }
  }

  /** What a route's sides did lately stays with it while they and their guard are the same. */
  #stateOf(declaration: GatewayFile['routes'][number], before: MovingRoute | undefined): RouteState {
    const { id, from, to, guard, share = 0 } = declaration
    const known = before?.declaration
    if (before !== undefined && known?.from === from && known.to === to && isDeepStrictEqual(known.guard, guard)) return before.state
    const { ledger, parts } = this.#options
    const state = new RouteState(guard, to === undefined ? 0 : (ledger.shareOf(id, to) ?? share), parts.clock)
    for (const [tenant, percent] of ledger.tenantSharesOf(id, to)) state.tenantShares.set(tenant, percent)
    return state
  }
}

const isSame = (one: UpstreamDeclaration, other: UpstreamDeclaration): boolean =>
  isDeepStrictEqual(
    one.urls.map(({ href }) => href),
    other.urls.map(({ href }) => href),
  ) && isDeepStrictEqual({ ...one, urls: undefined }, { ...other, urls: undefined })
