import { choreography } from './choreography/route.ts'
import { gateway } from './gateway/route.ts'
import { labs } from './labs/route.ts'
import { logs } from './logs/route.ts'
import { map } from './map/route.ts'
import { messages } from './messages/route.ts'
import { type Address, matchAddress, type Page } from './page.ts'
import { resilience } from './resilience/route.ts'
import { saga } from './saga/route.ts'
import { sagas } from './sagas/route.ts'
import { slow } from './slow/route.ts'
import { system } from './system/route.ts'
import { trace } from './trace/route.ts'
import { traces } from './traces/route.ts'

/**
 * Every page, in the order of the bar. To add one, add a folder with a route.ts and a page.tsx, and a line here: the bar, the keys, their help, the
 * addresses that the server answers and the routes below are read from it. The first page that can read an address is shown.
 */
export const PAGES = [system, messages, saga, sagas, choreography, resilience, gateway, map, traces, trace, slow, logs, labs] as const

/** A page of the console, with what its address says. */
export type Route = PageRoute | { readonly page: 'unknown'; readonly path: string }
export type PageRoute = RouteTo<(typeof PAGES)[number]>
type RouteTo<P> = P extends Page<infer Name, infer Params> ? { readonly page: Name } & Params : never

/** Pages as one type, for whoever treats all of them alike. */
interface AnyPage extends Omit<Page<PageRoute['page'], never>, 'link' | 'read'> {
  readonly link?: { readonly title: string; readonly key: string; readonly params: object }
  readonly read: (address: Address) => object | undefined
}
const ALL: readonly AnyPage[] = PAGES

export function parseRoute(url: { readonly pathname: string; readonly search: string }): Route {
  const path = url.pathname.replace(/\/+$/, '') || '/'
  const query = new URLSearchParams(url.search)
  for (const { page, addresses, read } of ALL) {
    for (const address of addresses) {
      const at = matchAddress(address, path)
      const params = at && read({ at, query })
      if (params !== undefined) return { page, ...params } as PageRoute
    }
  }
  return { page: 'unknown', path: url.pathname }
}

export function routeUrl(route: PageRoute): string {
  return pageOf(route).url(route as never)
}

/** What describes the page of a route. */
export function pageOf({ page }: Pick<PageRoute, 'page'>): AnyPage {
  return ALL.find((each) => each.page === page)!
}

/** The places of the bar. */
export const LINKS = ALL.flatMap(({ page, link }) =>
  link === undefined ? [] : [{ page, title: link.title, key: link.key, to: { page, ...link.params } as PageRoute }],
)
