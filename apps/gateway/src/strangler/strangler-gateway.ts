import {
  createProxyServer,
  Fields,
  type HttpProxy,
  type RequestEnd,
  proxyParts,
  type RoutableRequest,
  canonicalSegments,
} from '@seaworthy/http-proxy'
import type { ShadowingReport } from '@seaworthy/strangler/compare'
import type { GatewayOverview } from '@seaworthy/supervisor/gateway-admin'
import { type Clock, ConfigurationError, InvalidInputError, type Random, systemClock, systemRandom, type Timer } from 'seaworthy/core'
import { isDeepStrictEqual } from 'node:util'
import { tellUnanswered } from '../tell-unanswered.ts'
import { defaultLimits, type GatewayLimits } from '../limits.ts'
import type { GatewayLog } from '../log.ts'
import type { Mirror } from '../mirror.ts'
import type { ReadinessGate } from '../readiness-gate.ts'
import { accessLine } from './access-log.ts'
import { Accounts } from './accounts.ts'
import { HttpDataMove } from './data-move.ts'
import type { GatewayFile } from './gateway-file.ts'
import { HttpReadinessGate } from './http-readiness.ts'
import { Ledger, type LedgerEntry } from './ledger.ts'
import type { MovingRoute } from './moving-route.ts'
import { Overview } from './overview.ts'
import type { RuleDeclaration } from './rule.ts'
import { Routing } from './routing.ts'
import { type RollbackRequest, type ShiftRequest, Shifts } from './shifts.ts'
import { type GatewayStatus, statusOf } from './status.ts'

export interface StranglerGatewayOptions {
  readonly file: GatewayFile
  readonly log: GatewayLog
  readonly limits?: Partial<GatewayLimits>
  readonly clock?: Clock
  readonly random?: Random
  /** What is asked before a shift of a route, instead of the address in its configuration. */
  readonly gateOf?: (route: string) => ReadinessGate | undefined
  readonly mirror?: Mirror
  readonly onRequestEnd?: (end: RequestEnd) => void
  /** What the processes that move data are shown. */
  readonly dataToken?: string
  /** What the comparison of shadowed routes found, by route. */
  readonly comparisons?: (signal: AbortSignal) => Promise<Readonly<Record<string, ShadowingReport>>>
  /** Has the service started that a route is to move to. Default: it runs anyway. */
  readonly start?: (upstream: string) => void
}

/** What a request would come to, and why. */
export interface Explanation {
  readonly route: string | undefined
  readonly path?: string
  readonly side?: 'from' | 'to'
  readonly upstream?: string
  readonly tenant?: string | undefined
  readonly sharePercent?: number
  /** From 0 to 9,999: below a hundred times the share, the user is moved. */
  readonly bucket?: number | undefined
  readonly policy?: object
}

const JUDGED_EVERY_MS = 1_000
const SAVED_EVERY_MS = 10_000

/** A gateway that moves the routes of a monolith to services, by shares that outlive it. */
export class StranglerGateway {
  readonly #options: StranglerGatewayOptions
  readonly #clock: Clock
  readonly #ledger: Ledger
  readonly #accounts: Accounts
  readonly #routing: Routing
  readonly #shifts: Shifts
  readonly #overview: Overview
  readonly #proxy: HttpProxy
  readonly #timers: Timer[] = []
  #file: GatewayFile
  #isStopped = false
  #drained: Promise<void> | undefined

  /** @throws ConfigurationError when the ledger's folder holds something else */
  static async open(options: StranglerGatewayOptions): Promise<StranglerGateway> {
    const gateway = new StranglerGateway(options, await Ledger.open(options.file.ledger))
    const resumed = gateway.#shifts.resume(gateway.#routing.routes.values())
    resumed.catch((error: unknown) => options.log.error({ err: error }, 'whether the shares are where the data is could not be found out'))
    return gateway
  }

  private constructor(options: StranglerGatewayOptions, ledger: Ledger) {
    const { file, log, clock = systemClock, random = systemRandom, mirror } = options
    const limits = { ...defaultLimits, ...options.limits }
    const parts = proxyParts({ limits, clock, onDefect: (error) => log.error({ err: error }, 'the gateway failed') })
    this.#options = options
    this.#clock = clock
    this.#file = file
    this.#ledger = ledger
    this.#accounts = new Accounts(ledger, clock)
    const dataOf = ({ data }: RuleDeclaration) =>
      data?.move === undefined ? undefined : new HttpDataMove(data.move, options.dataToken ?? '', clock)
    this.#routing = new Routing(file, { ledger, limits, parts, random, dataOf, ...(mirror !== undefined && { mirror }) })
    this.#overview = new Overview({
      routes: () => this.#routing.routes.values(),
      ledger,
      accounts: this.#accounts,
      gateOf: (route) => this.#gateOf(route),
      comparisons: options.comparisons,
      dataToken: options.dataToken ?? '',
      clock,
    })
    this.#shifts = new Shifts({
      ledger,
      log,
      clock,
      routeOf: (id) => this.#routing.routes.get(id),
      gateOf: (route) => this.#gateOf(route),
      evidenceOf: (route) => this.#overview.evidenceOf(route),
      start: options.start,
    })
    this.#proxy = createProxyServer({
      parts,
      destinations: this.#routing,
      trustedProxies: file.listen.trustedProxies,
      ...(file.listen.certificates !== undefined && { tls: { certificates: file.listen.certificates } }),
      onRequestEnd: (end) => this.#onRequestEnd(end, random),
      onCutOff: (connections) => log.warn({ connections }, 'the drain took too long: what is in flight is cut off'),
      onDrained: () => this.#routing.close(),
    })
    this.#every(JUDGED_EVERY_MS, () => this.judge())
    this.#every(SAVED_EVERY_MS, () => this.#accounts.save())
  }

  listen(): Promise<number> {
    return this.#proxy.listen(this.#file.listen.port, this.#file.listen.host)
  }

  get entries(): readonly LedgerEntry[] {
    return this.#ledger.entries
  }

  /** Puts another configuration in force, in one step. @throws ConfigurationError when it changes what needs a restart; then nothing has changed */
  configure(file: GatewayFile): void {
    const fixed = ({ listen, admin, ledger }: GatewayFile) => ({
      ...listen,
      hosts: undefined,
      certificates: listen.certificates !== undefined,
      admin,
      ledger,
    })
    if (!isDeepStrictEqual(fixed(file), fixed(this.#file)))
      throw new ConfigurationError(
        'listen (but for hosts and certificates), admin and ledger are read at the start alone: restart the gateway to change them. Nothing was applied.',
      )
    this.#routing.configure(file)
    if (file.listen.certificates !== undefined) this.#proxy.useCertificates(file.listen.certificates)
    this.#file = file
  }

  shift(request: ShiftRequest): Promise<LedgerEntry> {
    return this.#shifts.shift(request)
  }

  rollback(request: RollbackRequest): Promise<readonly LedgerEntry[]> {
    return this.#shifts.rollback(request)
  }

  status(): GatewayStatus {
    return statusOf(this.#routing, this.#accounts, this.#clock)
  }

  /** All that is known of its routes, also from those who compare their answers and have their data. */
  overview(): Promise<GatewayOverview> {
    return this.#overview.all()
  }

  /** @param headers by name, as a client would send them. @throws InvalidInputError when the URL is none, or the request would be refused */
  explain(method: string, url: string, headers: Readonly<Record<string, string>> = {}): Explanation {
    const request = requestOf(method, url, headers)
    const matched = this.#routing.matched(request)
    if (matched === undefined) return { route: undefined }
    const { route, path } = matched
    const { side, tenant, sharePercent, bucket } = route.decide(request, path)
    const upstream = route.upstreamOf(side)
    const policy = this.#file.upstreams.get(upstream.name)?.policy ?? {}
    return { route: route.id, path, side, upstream: upstream.name, tenant, sharePercent, bucket, policy }
  }

  /** From now on the instances of an upstream are these; what others of it have in hand goes on. One that no route leads to has none here. */
  lead(name: string, urls: readonly URL[]): void {
    const known = this.#file.upstreams.get(name)
    if (known !== undefined) this.configure({ ...this.#file, upstreams: new Map([...this.#file.upstreams, [name, { ...known, urls }]]) })
  }

  /** Parks new requests to an upstream, as a supervisor asks for: see Gateway. */
  async hold(name: string, id: string, url?: string): Promise<boolean> {
    const onExpiry = () => this.#options.log.warn({ upstream: name, id }, 'a hold was not released in time and has ended by itself')
    const held = await Promise.all(this.#routing.named(name).map((upstream) => upstream.hold(id, { onExpiry, url })))
    return held.every(Boolean)
  }

  release(name: string, id: string): void {
    for (const upstream of this.#routing.named(name)) upstream.release(id)
  }

  /** Takes back every route whose new side does badly. Done every second. */
  async judge(): Promise<void> {
    for (const route of this.#routing.routes.values()) {
      const why = this.#accounts.verdictOf(route)
      if (why === undefined) continue
      this.#options.log.error({ route: route.id, why }, `route ${route.id} goes back to ${route.declaration.from}: ${why}`)
      route.state.windows.to.clear()
      await this.#shifts.rollback({ route: route.id, who: 'gateway', why }, 'automatic-rollback')
    }
  }

  /** Takes no new connections, finishes what is in flight, and closes. A second call gets the same promise. */
  drain(): Promise<void> {
    this.#drained ??= this.#drain()
    return this.#drained
  }

  async #drain(): Promise<void> {
    await this.#proxy.drain()
    this.#isStopped = true
    for (const timer of this.#timers) timer.cancel()
    try {
      await this.#accounts.save()
    } finally {
      await this.#ledger.close()
    }
  }

  #gateOf({ id, declaration }: MovingRoute): ReadinessGate | undefined {
    return this.#options.gateOf?.(id) ?? (declaration.data === undefined ? undefined : new HttpReadinessGate(declaration.data.url))
  }

  #onRequestEnd(end: RequestEnd, random: Random): void {
    const { log, onRequestEnd } = this.#options
    this.#accounts.record(end)
    onRequestEnd?.(end)
    tellUnanswered(end, log)
    const { accessLog } = this.#file
    if (accessLog > 0 && (accessLog === 1 || random.float() < accessLog)) log.info(accessLine(end), 'request')
  }

  #every(periodMs: number, work: () => Promise<void>): void {
    const arm = () => {
      this.#timers.push(
        this.#clock.timer(
          periodMs,
          () => {
            this.#timers.shift()
            work()
              .catch((error: unknown) => this.#options.log.error({ err: error }, 'the gateway failed to keep its accounts'))
              .finally(() => {
                if (!this.#isStopped) arm()
              })
          },
          { keepAlive: false },
        ),
      )
    }
    arm()
  }
}

function requestOf(method: string, url: string, headers: Readonly<Record<string, string>>): RoutableRequest {
  const base = 'http://localhost'
  if (!URL.canParse(url, base)) throw new InvalidInputError(`${url} is no URL.`)
  const parsed = new URL(url, base)
  const target = url.startsWith('/') ? url : `${parsed.pathname}${parsed.search}`
  const fields = new Fields()
  for (const [name, value] of Object.entries(headers)) fields.endToEnd += `${name}: ${value}\r\n`
  return { method, target, segments: canonicalSegments(target), host: parsed.host, fields, clientAddress: '', correlationId: '' }
}
