import type { AttributeText } from './outcome.ts'

/** What a server was asked for. */
export interface ServedRequest {
  /** Method and path, as in `GET /api/reviews`: a proxy's request and the one that it passes on have the same. */
  readonly request: string
  /** Whether the server knows the route to its end. A proxy often knows the beginning alone (`/api/*`), or nothing. */
  readonly isRouted: boolean
}

/** Attributes that say what a server was asked for. */
export const REQUEST_ATTRIBUTES = ['http.request.method', 'http.method', 'url.path', 'http.target', 'http.route']

const LENGTH_MAX = 200

/** What a server span was asked for; undefined when it was no HTTP request. */
export function servedRequest(attribute: AttributeText): ServedRequest | undefined {
  const method = attribute('http.request.method') ?? attribute('http.method')
  const path = attribute('url.path') ?? attribute('http.target')?.split('?')[0]
  if (method === undefined || path === undefined) return undefined
  const route = attribute('http.route')
  return { request: `${method} ${path}`.slice(0, LENGTH_MAX), isRouted: route !== undefined && !route.includes('*') }
}
