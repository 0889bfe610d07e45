import { type Destination, type RoutableRequest, type Upstream, isSafe } from '@seaworthy/http-proxy'
import { type Clock, type Random, systemClock } from 'seaworthy/core'
import { BUCKETS, bucketOf } from './bucket.ts'
import { type Baseline, defaultGuard, type GuardDeclaration } from './guard.ts'
import type { DataMove } from './data-move.ts'
import { HeldForwarding } from './held-forwarding.ts'
import { MovingWrites } from './moving-writes.ts'
import { ANYBODY, OwnWrites } from './own-writes.ts'
import { entityKeyOf, keyOf } from './request-key.ts'
import type { RuleDeclaration, Side } from './rule.ts'
import { SideWindow } from './side-window.ts'

/** Where a request of a moving route goes, and for whom it is counted. */
export interface SideDestination extends Destination {
  readonly route: MovingRoute
  readonly side: Side
  /** One that has a share of its own. */
  readonly tenant: string | undefined
  /** It waited for its data to move, which says nothing of how quick a side is. */
  readonly wasHeld?: boolean
}

/** Why a request goes where it does. */
export interface Decision {
  readonly side: Side
  readonly tenant: string | undefined
  readonly sharePercent: number
  /** Undefined where no user key decided. */
  readonly bucket: number | undefined
}

/** What stays of a route when its configuration changes: shares, and what its sides did lately. */
export class RouteState {
  readonly windows: Readonly<Record<Side, SideWindow>>
  readonly guard: Required<GuardDeclaration> | undefined
  baseline: Baseline | undefined
  /** Counts rollbacks, so that a shift that was asked for before one is not made after it. */
  epoch = 0
  readonly writes: MovingWrites
  readonly ownWrites: OwnWrites
  sharePercent: number
  readonly tenantShares = new Map<string, number>()

  constructor(guard: GuardDeclaration | false | undefined, sharePercent: number, clock: Clock = systemClock) {
    this.guard = guard === false ? undefined : { ...defaultGuard, ...guard }
    const { windowMs } = this.guard ?? defaultGuard
    this.windows = { from: new SideWindow(windowMs), to: new SideWindow(windowMs) }
    this.sharePercent = sharePercent
    this.ownWrites = new OwnWrites(clock)
    this.writes = new MovingWrites(clock)
  }

  /** Whether anybody at all is led to the new side. */
  get isMoved(): boolean {
    return this.sharePercent > 0 || [...this.tenantShares.values()].some((share) => share > 0)
  }
}

/** One route: which of its two upstreams a request goes to. */
export class MovingRoute {
  readonly declaration: RuleDeclaration
  readonly state: RouteState
  /** What hands its data over; undefined where that does not move with it. */
  readonly data: DataMove | undefined
  readonly #upstreams: Readonly<Record<Side, Upstream>>
  readonly #bodyBytesMax: Readonly<Record<Side, number | undefined>>
  readonly #random: Random
  readonly #destinations: Readonly<Record<Side, SideDestination>>
  // By tenants that have a share of their own, of which the ledger knows each.
  readonly #ofTenants = new Map<string, Readonly<Record<Side, SideDestination>>>()

  constructor(options: {
    readonly declaration: RuleDeclaration
    readonly state: RouteState
    readonly data?: DataMove | undefined
    readonly upstreams: Readonly<Record<Side, Upstream>>
    readonly bodyBytesMax: Readonly<Record<Side, number | undefined>>
    readonly random: Random
  }) {
    this.declaration = options.declaration
    this.state = options.state
    this.data = options.data
    this.#upstreams = options.upstreams
    this.#bodyBytesMax = options.bodyBytesMax
    this.#random = options.random
    this.#destinations = this.#sidesOf(undefined)
  }

  get id(): string {
    return this.declaration.id
  }

  /** @param path which of its paths matched */
  destinationOf(request: RoutableRequest, path = this.declaration.match.path): SideDestination {
    if (this.declaration.to !== undefined && this.#followsData(request)) return this.#heldDestination(request, path)
    const destination = this.#destinationOf(request, path)
    return path === destination.path ? destination : { ...destination, path }
  }

  #destinationOf(request: RoutableRequest, path: string): SideDestination {
    // Most routes do not move.
    if (this.declaration.to === undefined) return this.#destinations.from
    const { side, tenant } = this.decide(request, path)
    if (tenant === undefined) return this.#destinations[side]
    let sides = this.#ofTenants.get(tenant)
    if (sides === undefined) this.#ofTenants.set(tenant, (sides = this.#sidesOf(tenant)))
    return sides[side]
  }

  /** @param path which of its paths matched */
  decide(request: RoutableRequest, path = this.declaration.match.path): Decision {
    if (this.declaration.to === undefined) return { side: 'from', tenant: undefined, sharePercent: 0, bucket: undefined }
    if (this.#followsData(request))
      return { side: this.#owner, tenant: undefined, sharePercent: this.state.sharePercent, bucket: undefined }
    const decision = this.#byShare(request)
    const { held } = this.state.writes
    if (held.keys.size > 0 && held.has(this.#entityKeyOf(request, path))) return { ...decision, side: 'to' }
    const wroteAt = this.data === undefined ? undefined : this.state.ownWrites.sideOf(this.#writerOf(request))
    return wroteAt === undefined ? decision : { ...decision, side: wroteAt }
  }

  #byShare(request: RoutableRequest): Decision {
    const { to, stickyBy, tenantBy } = this.declaration
    const { tenantShares, sharePercent: ofAll } = this.state
    const named = tenantBy === undefined || tenantShares.size === 0 ? undefined : keyOf(request, tenantBy)
    const tenant = named !== undefined && tenantShares.has(named) ? named : undefined
    const sharePercent = tenant === undefined ? ofAll : tenantShares.get(tenant)!
    if (sharePercent <= 0) return { side: 'from', tenant, sharePercent, bucket: undefined }
    if (sharePercent >= 100) return { side: 'to', tenant, sharePercent, bucket: undefined }
    const below = (sharePercent / 100) * BUCKETS
    if (stickyBy === undefined) {
      const side = this.#random.float() * BUCKETS < below ? 'to' : 'from'
      return { side, tenant, sharePercent, bucket: undefined }
    }
    const key = keyOf(request, stickyBy)
    // Whoever cannot be told from others would change sides at every request: they move last, all at once.
    if (key === undefined) return { side: 'from', tenant, sharePercent, bucket: undefined }
    // Salted with where they go: all routes of one service move a user together, and another service begins with other users.
    const bucket = bucketOf(`${to}\n${key}`)
    return { side: bucket < below ? 'to' : 'from', tenant, sharePercent, bucket }
  }

  /** Whatever writes goes to the one side that owns the data, however the share is. */
  #followsData({ method }: RoutableRequest): boolean {
    return this.data !== undefined && !isSafe(method)
  }

  /** Under which key it writes or reads, where the route's data says how a request tells that. */
  #entityKeyOf(request: RoutableRequest, path: string): string | undefined {
    const { data } = this.declaration
    return data?.key === undefined ? undefined : entityKeyOf(request, data.key, path)
  }

  get #owner(): Side {
    return this.state.sharePercent >= 100 ? 'to' : 'from'
  }

  /** Who reads and writes, as far as one user can be told from another. */
  #writerOf(request: RoutableRequest): string {
    const { stickyBy } = this.declaration
    // Those without the key all stay on the old side together.
    return stickyBy === undefined ? ANYBODY : `=${keyOf(request, stickyBy) ?? ''}`
  }

  #heldDestination(request: RoutableRequest, path: string): SideDestination {
    const base = this.#destinations[this.#owner]
    const destination: { -readonly [Name in keyof SideDestination]: SideDestination[Name] } = { ...base, path }
    const writer = this.#writerOf(request)
    const key = this.#entityKeyOf(request, path)
    const { writes } = this.state
    const onward = (wasHeld: boolean) => {
      const side = this.#owner
      destination.side = side
      destination.wasHeld = wasHeld
      const end = this.state.ownWrites.begin(writer, side)
      return { upstream: this.#upstreams[side], onEnd: () => end(this.state.isMoved ? this.data : undefined) }
    }
    destination.upstream = {
      name: base.upstream.name,
      forwarding: (forwarded) => new HeldForwarding(forwarded, { writes, key, onward }),
    }
    return destination
  }

  upstreamOf(side: Side): Upstream {
    return this.#upstreams[side]
  }

  #sidesOf(tenant: string | undefined): Readonly<Record<Side, SideDestination>> {
    const of = (side: Side): SideDestination => {
      const bodyBytesMax = this.#bodyBytesMax[side]
      return {
        path: this.declaration.match.path,
        upstream: this.#upstreams[side],
        ...(bodyBytesMax !== undefined && { bodyBytesMax }),
        route: this,
        side,
        tenant,
      }
    }
    return { from: of('from'), to: of('to') }
  }
}
