import { ConfigurationError } from 'seaworthy/core'
import type { Route } from 'seaworthy/system'

/** Finds the route of a path. */
export interface Router {
  /** The most specific route: a literal segment wins over `:name`, and that over `/*`. */
  match(segments: readonly string[]): Route | undefined
}

/** What stands at path templates. */
export interface PathTable<T> {
  /** What `pick` makes of the value at the most specific template that matches, or of the next less specific one where it makes nothing of it. */
  find<R>(segments: readonly string[], pick: (value: T) => R | undefined): R | undefined
}

export interface PathEntry<T> {
  /** `/api/orders/:orderId`, where `:name` is one segment, or `/api/*` for everything below. */
  readonly path: string
  readonly value: T
  /** For errors: `Route /api to orders`. */
  readonly called: string
}

interface Node<T> {
  readonly literals: Map<string, Node<T>>
  parameter: Node<T> | undefined
  /** What ends here, and what is for everything below. */
  here: PathEntry<T> | undefined
  below: PathEntry<T> | undefined
}

const newNode = <T>(): Node<T> => ({ literals: new Map(), parameter: undefined, here: undefined, below: undefined })

const LITERAL = /^[A-Za-z0-9._~!$&'()+,=@-]+$/
const PARAMETER = /^:[A-Za-z][A-Za-z0-9]*$/

/** Compiles routes into a trie of segments. @throws ConfigurationError naming a template that is malformed or stands twice */
export function compileRoutes(routes: readonly Route[]): Router {
  const table = compilePaths(routes.map((route) => ({ path: route.path, value: route, called: `Route ${route.path} to ${route.service}` })))
  return { match: (segments) => table.find(segments, (route) => route) }
}

/** The same for anything that stands at path templates. */
export function compilePaths<T>(entries: readonly PathEntry<T>[]): PathTable<T> {
  const root = newNode<T>()
  for (const entry of entries) insert(root, entry)
  return { find: (segments, pick) => find(root, segments, 0, pick) }
}

/** The template without the names of its parameters: two that are the same match the same paths. */
export const shapeOf = (path: string): string => path.replaceAll(/\/:[^/]*/g, '/:')

function insert<T>(root: Node<T>, entry: PathEntry<T>): void {
  const { path } = entry
  if (!path.startsWith('/')) throw malformed(entry, 'does not begin with a slash')
  const segments = path.slice(1).split('/')
  const isBelow = segments.at(-1) === '*'
  if (isBelow) segments.pop()
  let node = root
  // The root itself is one empty segment.
  for (const segment of path === '/' ? [''] : segments) {
    if (PARAMETER.test(segment)) node = node.parameter ??= newNode()
    else if (path === '/' || LITERAL.test(segment)) {
      let next = node.literals.get(segment)
      if (next === undefined) node.literals.set(segment, (next = newNode()))
      node = next
    } else throw malformed(entry, `has a segment ${JSON.stringify(segment)}, which is neither a literal nor :name, nor * at the end`)
  }
  const there = isBelow ? node.below : node.here
  if (there !== undefined) throw malformed(entry, `matches the same requests as ${there.path}`)
  if (isBelow) node.below = entry
  else node.here = entry
}

function find<T, R>(node: Node<T>, segments: readonly string[], index: number, pick: (value: T) => R | undefined): R | undefined {
  const segment = segments[index]
  if (segment === undefined) return node.here === undefined ? undefined : pick(node.here.value)
  const literal = node.literals.get(segment)
  // Where the more specific branch leads nowhere, the less specific one is tried: each node of the trie at most once.
  const found = literal === undefined ? undefined : find(literal, segments, index + 1, pick)
  if (found !== undefined) return found
  const parameter = node.parameter === undefined || segment === '' ? undefined : find(node.parameter, segments, index + 1, pick)
  return parameter ?? (node.below === undefined ? undefined : pick(node.below.value))
}

function malformed<T>({ called }: PathEntry<T>, why: string): ConfigurationError {
  return new ConfigurationError(`${called} ${why}.`)
}
