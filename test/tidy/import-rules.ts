/** Who may import whom: the table of ARCHITECTURE.md, as data. */

/** A place in the repository that imports are counted for. */
export type Place =
  | { readonly kind: 'chapter'; readonly name: string }
  | { readonly kind: 'package'; readonly name: string }
  | { readonly kind: 'app'; readonly name: string }
  | { readonly kind: 'service'; readonly name: string; readonly part: string }
  | { readonly kind: 'shop'; readonly part: string }
  | { readonly kind: 'root'; readonly name: string }

/** Which chapters of the library a chapter may import. */
const CHAPTERS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  http: ['core'],
  resilience: ['core', 'http'],
  messaging: ['core'],
  'trace-analysis': ['core'],
  outbox: ['core', 'resilience', 'messaging'],
  'event-sourcing': ['core', 'resilience', 'messaging'],
  projections: ['core', 'resilience', 'messaging', 'outbox', 'event-sourcing'],
  saga: ['core', 'resilience', 'messaging', 'outbox', 'event-sourcing'],
  system: ['core', 'resilience', 'messaging'],
  sqlite: ['core', 'messaging', 'outbox', 'event-sourcing', 'projections', 'saga'],
}

/** The place that a file, named relative to the repository, belongs to. */
export function placeOf(file: string): Place {
  const [first = '', second = '', third = '', fourth = ''] = file.split('/')
  switch (first) {
    case 'packages':
      return second === 'seaworthy' && third === 'src' ? { kind: 'chapter', name: fourth } : { kind: 'package', name: second }
    case 'apps':
      return { kind: 'app', name: second }
    case 'shop':
      if (second === 'services') return { kind: 'service', name: third, part: fourth }
      if (second === 'monolith') return { kind: 'service', name: 'monolith', part: third }
      return { kind: 'shop', part: second }
    default:
      return { kind: 'root', name: first }
  }
}

/** Why `from` may not import `to`, or undefined when it may. */
export function forbidden(from: Place, to: Place): string | undefined {
  // What is measured, or has its picture taken, is looked into.
  const looksInside = from.kind === 'root' && (from.name === 'bench' || from.name === 'scripts')
  if (to.kind === 'app' && !looksInside && !(from.kind === 'app' && from.name === to.name)) return 'nothing imports apps'
  if (to.kind === 'root' && from.kind !== 'root') return `nothing imports ${to.name}`
  if ((to.kind === 'service' || to.kind === 'shop') && from.kind !== 'service' && from.kind !== 'shop' && from.kind !== 'root')
    return 'nothing imports the shop'
  if (
    to.kind === 'package' &&
    to.name === 'conformance' &&
    !(from.kind === 'package' && ['conformance', 'cli'].includes(from.name)) &&
    from.kind !== 'root'
  )
    return 'only the cli imports conformance'
  switch (from.kind) {
    case 'chapter': {
      if (to.kind !== 'chapter') return 'the library imports nothing outside itself'
      if (to.name === from.name) return undefined
      const allowed = CHAPTERS[from.name]
      if (allowed === undefined) return `chapter ${from.name} is not in the table of test/tidy/import-rules.ts`
      return allowed.includes(to.name)
        ? undefined
        : `${from.name} may import ${allowed.length === 0 ? 'nothing' : allowed.join(', ')}, not ${to.name}`
    }
    case 'service':
      if (to.kind === 'service' && to.name !== from.name && to.part !== 'contract')
        return `a service imports another's contract/ only, not ${to.name}/${to.part}`
      if (to.kind === 'shop' && to.part !== 'platform' && to.part !== 'seed')
        return 'a service imports platform/ and seed/ of the shop only'
      return undefined
    case 'package':
      return from.name === 'testing' || to.kind !== 'package' || to.name !== 'cli' || from.name === 'cli'
        ? undefined
        : 'no package imports the cli'
    case 'app':
    case 'shop':
    case 'root':
      return undefined
  }
}
