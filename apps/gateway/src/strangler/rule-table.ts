import { compilePaths, fieldValues, type PathTable, type RoutableRequest, shapeOf } from '@seaworthy/http-proxy'
import { ConfigurationError, InvalidInputError } from 'seaworthy/core'
import type { RuleDeclaration, RuleMatch } from './rule.ts'

/** Finds the rule of a request: that of the most specific path, and of those at one path the one that asks for most. */
export interface RuleTable<T> {
  /** @throws InvalidInputError when what a rule looks at stands in the request twice */
  match(request: RoutableRequest): T | undefined
}

export interface RuleEntry<T> {
  readonly declaration: RuleDeclaration
  /** What a request is answered with that one of its paths matches. */
  readonly valueAt: (path: string) => T
}

/**
 * @throws ConfigurationError naming two rules of which a request could match both, and neither is the more specific one: which of them got it would depend
 * on their order
 */
export function compileRules<T>(entries: readonly RuleEntry<T>[]): RuleTable<T> {
  const atPath = new Map<string, { readonly path: string; readonly group: RuleEntry<T>[] }>()
  for (const entry of entries) {
    const { path: first, also = [] } = entry.declaration.match
    for (const path of [first, ...also]) {
      const shape = shapeOf(path)
      const there = atPath.get(shape)
      if (there === undefined) atPath.set(shape, { path, group: [entry] })
      else there.group.push(entry)
    }
  }
  for (const { path, group } of atPath.values())
    assertUnambiguous(
      group.map(({ declaration }) => declaration),
      path,
    )
  const table: PathTable<readonly { readonly declaration: RuleDeclaration; readonly value: T }[]> = compilePaths(
    [...atPath.values()].map(({ path, group }) => {
      const value = group
        .toSorted((one, other) => bySpecificity(one.declaration.match, other.declaration.match))
        .map(({ declaration, valueAt }) => ({ declaration, value: valueAt(path) }))
      return { path, value, called: `Route ${group[0]!.declaration.id} at ${path}` }
    }),
  )
  return {
    match: (request) => table.find(request.segments, (group) => group.find(({ declaration }) => holds(declaration.match, request))?.value),
  }
}

/** Where one asks for more than the other it has as many conditions at least, and with as many, shorter lists. */
const bySpecificity = (one: RuleMatch, other: RuleMatch): number => conditions(other) - conditions(one) || choices(one) - choices(other)

const conditions = ({ methods, hosts, headers = {}, query = {} }: RuleMatch): number =>
  Number(methods !== undefined) + Number(hosts !== undefined) + Object.keys(headers).length + Object.keys(query).length

const choices = ({ methods = [], hosts = [] }: RuleMatch): number => methods.length + hosts.length

function holds({ methods, hosts, headers, query }: RuleMatch, request: RoutableRequest): boolean {
  if (methods !== undefined && !methods.includes(request.method)) return false
  if (hosts !== undefined && !hosts.includes(hostName(request.host))) return false
  if (headers !== undefined) {
    for (const [name, expected] of Object.entries(headers))
      if (only(fieldValues(request.fields.endToEnd, name.toLowerCase()), `header ${name}`) !== expected) return false
  }
  if (query !== undefined) {
    for (const [name, expected] of Object.entries(query))
      if (only(queryValues(request.target, name), `query parameter ${name}`) !== expected) return false
  }
  return true
}

const hostName = (host = ''): string => host.replace(/:\d+$/, '').toLowerCase()

function only(values: readonly string[], what: string): string | undefined {
  if (values.length > 1) throw new InvalidInputError(`The request has more than one ${what}, and its route depends on that.`)
  return values[0]
}

function queryValues(target: string, name: string): string[] {
  const mark = target.indexOf('?')
  if (mark === -1) return []
  return new URLSearchParams(target.slice(mark + 1)).getAll(name)
}

function assertUnambiguous(rules: readonly RuleDeclaration[], path: string): void {
  for (const [index, one] of rules.entries()) {
    for (const other of rules.slice(index + 1)) {
      if (areDisjoint(one.match, other.match) || isWithin(one.match, other.match) !== isWithin(other.match, one.match)) continue
      throw new ConfigurationError(
        `Routes ${one.id} and ${other.id} both match some requests at ${path}, and neither asks for more than the other. ` +
          'Give one of them the conditions of the other and one more.',
      )
    }
  }
}

/** No request matches both. */
function areDisjoint(one: RuleMatch, other: RuleMatch): boolean {
  const apart = (left?: readonly string[], right?: readonly string[]) =>
    left !== undefined && right !== undefined && !left.some((each) => right.includes(each))
  const differ = (left: Readonly<Record<string, string>> = {}, right: Readonly<Record<string, string>> = {}) =>
    Object.entries(left).some(([name, value]) => right[name] !== undefined && right[name] !== value)
  return (
    apart(one.methods, other.methods) ||
    apart(one.hosts, other.hosts) ||
    differ(one.headers, other.headers) ||
    differ(one.query, other.query)
  )
}

/** Every request that matches `inner` matches `outer`. */
function isWithin(inner: RuleMatch, outer: RuleMatch): boolean {
  const subset = (left?: readonly string[], right?: readonly string[]) =>
    right === undefined || (left !== undefined && left.every((each) => right.includes(each)))
  const includes = (left: Readonly<Record<string, string>> = {}, right: Readonly<Record<string, string>> = {}) =>
    Object.entries(right).every(([name, value]) => left[name] === value)
  return (
    subset(inner.methods, outer.methods) &&
    subset(inner.hosts, outer.hosts) &&
    includes(inner.headers, outer.headers) &&
    includes(inner.query, outer.query)
  )
}
