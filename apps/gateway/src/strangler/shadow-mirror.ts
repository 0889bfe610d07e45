import { isDeepStrictEqual } from 'node:util'
import {
  defaultShadowLimits,
  reportText,
  shadowing,
  type Shadowing,
  type ShadowingReport,
  type SideAddress,
} from '@seaworthy/strangler/compare'
import type { Mirror, MirrorCandidate } from '../mirror.ts'
import type { GatewayLog } from '../log.ts'
import type { GatewayFile, UpstreamDeclaration } from './gateway-file.ts'
import type { ShadowDeclaration } from './shadow-declaration.ts'

/** What was found, by route: as data, and as a person reads it. */
export interface Comparisons {
  readonly routes: Readonly<Record<string, ShadowingReport>>
  readonly text: string
}

interface Shadowed {
  readonly from: SideAddress
  readonly to: SideAddress
  readonly shadow: ShadowDeclaration
}

/** Compares the two sides of those routes whose configuration says so, with the first address of each. */
export class ShadowMirror implements Mirror, AsyncDisposable {
  readonly bodyBytesMax = defaultShadowLimits.bodyBytesMax
  readonly #log: GatewayLog
  #routes: ReadonlyMap<string, Shadowed> = new Map()
  /** There is no thread while nothing is compared. */
  #shadowing: Shadowing | undefined

  constructor(log: GatewayLog) {
    this.#log = log
  }

  /** What a route has learned stays while its sides and rules do. */
  configure({ routes, upstreams }: GatewayFile): void {
    const before = this.#routes
    this.#routes = new Map(
      routes.flatMap(({ id, from, to, shadow }) => {
        if (shadow === undefined || to === undefined) return []
        return [[id, { from: sideOf(upstreams.get(from)!), to: sideOf(upstreams.get(to)!), shadow }] as const]
      }),
    )
    for (const id of before.keys()) if (!this.#routes.has(id)) this.#shadowing?.remove(id)
    for (const [id, route] of this.#routes) if (!isSame(before.get(id), route)) this.#set(id, route)
  }

  tapOf({ route, ...request }: MirrorCandidate): ReturnType<Mirror['tapOf']> {
    return this.#shadowing?.tapOf(route, request)
  }

  /** By route. @throws UnavailableError when nobody compares at the moment; the signal's reason */
  async reports(signal: AbortSignal): Promise<Readonly<Record<string, ShadowingReport>>> {
    return (await this.#shadowing?.report(signal)) ?? {}
  }

  /** The same with a text for people. @throws as {@link reports} */
  async report(signal: AbortSignal): Promise<Comparisons> {
    const routes = await this.reports(signal)
    const texts = Object.entries(routes).map(([id, report]) => `Route ${id}. ${reportText(report)}`)
    return { routes, text: texts.length === 0 ? 'No route is shadowed.\n' : texts.join('\n') }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#shadowing?.[Symbol.asyncDispose]()
  }

  #set(id: string, { from, to, shadow: { share = 100, credentials = 'skip', compare = {} } }: Shadowed): void {
    this.#shadowing ??= shadowing({ onDefect: (error) => this.#log.error({ err: error }, 'the comparison ended, and begins anew') })
    const { ignoreFields = [], ignoreHeaders = [], show = 'values' } = compare
    this.#shadowing.set(id, {
      monolith: from,
      service: to,
      share: share / 100,
      credentials,
      rules: { ignoreFields, headers: { ignore: ignoreHeaders }, showing: { values: show } },
    })
  }
}

/** The first address of an upstream, asked as the upstream is. */
function sideOf({ urls, protocol, tls, preserveHost }: UpstreamDeclaration): SideAddress {
  return { url: urls[0]!, preserveHost, ...(protocol !== undefined && { protocol }), ...(tls !== undefined && { tls }) }
}

function isSame(one: Shadowed | undefined, other: Shadowed): boolean {
  // Of a URL, what it says is no property of its own.
  const said = ({ from, to, ...others }: Shadowed) => ({
    ...others,
    from: { ...from, url: from.url.href },
    to: { ...to, url: to.url.href },
  })
  return one !== undefined && isDeepStrictEqual(said(one), said(other))
}
