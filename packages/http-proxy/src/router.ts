import { ConfigurationError } from 'seaworthy/core'
import type { Route } from 'seaworthy/system'

/** Finds the route of a path. */
export interface Router {
  /** The most specific route: a literal segment wins over `:name`, and that over `/*`. */
  match(segments: readonly string[]): Route | undefined
}

interface Node {
  readonly literals: Map<string, Node>
  parameter: Node | undefined
  /** The route that ends here, and the one for everything below. */
  route: Route | undefined
  below: Route | undefined
}

const newNode = (): Node => ({ literals: new Map(), parameter: undefined, route: undefined, below: undefined })

const LITERAL = /^[A-Za-z0-9._~!$&'()+,=@-]+$/
const PARAMETER = /^:[A-Za-z][A-Za-z0-9]*$/

/** Compiles routes into a trie of segments. @throws ConfigurationError naming a template that is malformed or stands twice */
export function compileRoutes(routes: readonly Route[]): Router {
  const root = newNode()
  for (const route of routes) insert(root, route)
  return { match: (segments) => find(root, segments, 0) }
}

function insert(root: Node, route: Route): void {
  if (!route.path.startsWith('/')) throw malformed(route, 'does not begin with a slash')
  const segments = route.path.slice(1).split('/')
  const isBelow = segments.at(-1) === '*'
  if (isBelow) segments.pop()
  let node = root
  // The root itself is one empty segment.
  for (const segment of route.path === '/' ? [''] : segments) {
    if (PARAMETER.test(segment)) node = node.parameter ??= newNode()
    else if (route.path === '/' || LITERAL.test(segment)) {
      let next = node.literals.get(segment)
      if (next === undefined) node.literals.set(segment, (next = newNode()))
      node = next
    } else throw malformed(route, `has a segment ${JSON.stringify(segment)}, which is neither a literal nor :name, nor * at the end`)
  }
  const there = isBelow ? node.below : node.route
  if (there !== undefined) throw malformed(route, `matches the same requests as ${there.path}`)
  if (isBelow) node.below = route
  else node.route = route
}

function find(node: Node, segments: readonly string[], index: number): Route | undefined {
  const segment = segments[index]
  if (segment === undefined) return node.route
  const literal = node.literals.get(segment)
  // Where the more specific branch leads nowhere, the less specific one is tried: each node of the trie at most once.
  const found = literal === undefined ? undefined : find(literal, segments, index + 1)
  if (found !== undefined) return found
  const parameter = node.parameter === undefined || segment === '' ? undefined : find(node.parameter, segments, index + 1)
  return parameter ?? node.below
}

function malformed(route: Route, why: string): ConfigurationError {
  return new ConfigurationError(`Route ${route.path} to ${route.service} ${why}.`)
}
