import type { JSX } from 'preact'

/** A page of the console: its addresses, what they say, and what shows it. `Params` is what an address says beyond which page it is. */
export interface Page<Name extends string, Params extends object> {
  readonly page: Name
  /** As the server knows them: `/traces/:traceId`. */
  readonly addresses: readonly string[]
  /** Its place in the bar, and the key after `g` that leads there. A page without is led to by another. */
  readonly link?: { readonly title: string; readonly key: string; readonly params: Params }
  /** Whose place in the bar is marked while it is shown. Default: its own. */
  readonly within?: string
  /** @returns undefined when the address is another page's, or nobody's */
  readonly read: (address: Address) => Params | undefined
  readonly url: (params: Params) => string
  /** What of the parameters makes it another thing that is looked at: then nothing of what was shown before stays. */
  readonly identity?: (params: Params) => string
  /** Brings what shows it: only when somebody goes there. */
  readonly load: () => Promise<(params: Params) => JSX.Element>
}

/** An address that matched one of a page's. */
export interface Address {
  /** What stands at the places that begin with a colon. */
  readonly at: Readonly<Record<string, string>>
  readonly query: URLSearchParams
}

/** Of a page that is one thing alone. */
export type NoParams = object

/** What an address has at the places of a pattern such as `/labs/:lab/:run`; undefined where it does not match. */
export function matchAddress(pattern: string, path: string): Record<string, string> | undefined {
  const [wanted, given] = [pattern.split('/'), path.split('/')]
  if (wanted.length !== given.length) return undefined
  const at: Record<string, string> = {}
  for (const [index, part] of wanted.entries()) {
    if (part.startsWith(':')) at[part.slice(1)] = given[index]!
    else if (part !== given[index]) return undefined
  }
  return at
}

/** An address with those parts of a query that say something. */
export function withQuery(path: string, query: URLSearchParams): string {
  return query.size === 0 ? path : `${path}?${query}`
}
