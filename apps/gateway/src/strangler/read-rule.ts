import type { Checked } from './checked.ts'
import type { GuardDeclaration } from './guard.ts'
import { type EntityKeySource, type KeySource, placeOfParameter } from './request-key.ts'
import type { RuleDeclaration, RuleMatch } from './rule.ts'
import { readShadow } from './shadow-declaration.ts'

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const PATH = /^\/[\x21-\x7e]*$/
const HOST_NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/

export function readRule(route: Checked, upstreams: ReadonlyMap<string, unknown>): RuleDeclaration {
  const names = ['id', 'match', 'from', 'to', 'share', 'stickyBy', 'tenantBy', 'data', 'shadow', 'guard'] as const
  const { id, match, from, to, share, stickyBy, tenantBy, data, shadow, guard } = route.object(...names)
  const upstream = (named: Checked): string => {
    const name = named.text()
    if (name !== '' && !upstreams.has(name)) named.problem(`is ${JSON.stringify(name)}, of which upstreams says nothing`)
    return name
  }
  const target = to.optional(upstream)
  const old = upstream(from)
  if (target !== undefined && target === old) to.problem('is where the route is already')
  if (target === undefined)
    for (const moving of [share, stickyBy, tenantBy, data, shadow, guard]) if (moving.isThere) moving.problem('means nothing without to')
  const matched = readMatch(match)
  return {
    id: id.text(/^[\w.-]{1,64}$/, '1 to 64 letters, digits, dots, dashes or underscores'),
    match: matched,
    from: old,
    ...given('to', target),
    ...given(
      'share',
      share.optional((number) => number.number(0, 100)),
    ),
    ...given('stickyBy', stickyBy.optional(readKeySource)),
    ...given('tenantBy', tenantBy.optional(readKeySource)),
    ...given(
      'data',
      data.optional((each) => readData(each, matched.path)),
    ),
    ...given('shadow', shadow.optional(readShadow)),
    ...given('guard', guard.optional(readGuard)),
  }
}

function readMatch(match: Checked): RuleMatch {
  const { path, also, methods, hosts, headers, query } = match.object('path', 'also', 'methods', 'hosts', 'headers', 'query')
  return {
    path: path.text(PATH, 'a path template such as /api/reviews/:id or /api/*'),
    ...given(
      'also',
      also.optional((list) => listOf(list, PATH, 'a path template')),
    ),
    ...given(
      'methods',
      methods.optional((list) => listOf(list, TOKEN, 'a method')),
    ),
    ...given(
      'hosts',
      hosts.optional((list) => listOf(list, HOST_NAME, 'a host name in lower case, without a port')),
    ),
    ...given(
      'headers',
      headers.optional((record) => recordOf(record, TOKEN)),
    ),
    ...given(
      'query',
      query.optional((record) => recordOf(record, /^[\x21-\x7e]+$/)),
    ),
  }
}

/** A list of none matches nothing, which nobody means. */
function listOf(list: Checked, pattern: RegExp, what: string): readonly string[] {
  const items = list.items().map((item) => item.text(pattern, what))
  if (items.length === 0) list.problem('is empty: leave it out to match any')
  return items
}

function recordOf(record: Checked, name: RegExp): Readonly<Record<string, string>> {
  const entries = record.entries().map(([key, value]) => {
    if (!name.test(key)) value.problem('has a name that cannot stand there')
    return [key, value.text()] as const
  })
  return Object.fromEntries(entries)
}

export function readKeySource(source: Checked): KeySource {
  const { header, cookie, claim } = source.object('header', 'cookie', 'claim')
  const given = [header, cookie, claim].filter(({ isThere }) => isThere)
  if (given.length !== 1) source.problem('must name one of header, cookie and claim')
  if (claim.isThere) return { claim: claim.text() }
  return cookie.isThere
    ? { cookie: cookie.text(TOKEN, 'the name of a cookie') }
    : { header: header.optional((each) => each.text(TOKEN, 'a header')) ?? '' }
}

function readData(data: Checked, path: string): NonNullable<RuleDeclaration['data']> {
  const { url, move, key } = data.object('url', 'move', 'key')
  const moved = move.optional((each) => each.url()?.href)
  if (moved === undefined && key.isThere) key.problem('means nothing without move')
  return {
    url: url.url()?.href ?? '',
    ...given('move', moved),
    ...given(
      'key',
      key.optional((each) => readEntityKey(each, path)),
    ),
  }
}

function readEntityKey(key: Checked, template: string): EntityKeySource {
  const { path, query } = key.object('path', 'query')
  if (path.isThere === query.isThere) key.problem('must name one of path and query')
  if (query.isThere) return { query: query.text(/^[\x21-\x7e]+$/, 'a parameter of the query') }
  const name = path.optional((each) => each.text(/^\w+$/, 'a parameter of the path')) ?? ''
  if (name !== '' && placeOfParameter(template, name) === -1) path.problem(`is ${JSON.stringify(name)}, but ${template} has no :${name}`)
  return { path: name }
}

function readGuard(guard: Checked): GuardDeclaration | false {
  if (guard.raw === false) return false
  const names = ['windowMs', 'requestsMin', 'errorBudget', 'burnRateMax', 'latencyFactorMax', 'latencySlackMs'] as const
  const { windowMs, requestsMin, errorBudget, burnRateMax, latencyFactorMax, latencySlackMs } = guard.object(...names)
  return {
    ...given(
      'windowMs',
      windowMs.optional((each) => each.number(1_000, 3_600_000, { isWhole: true })),
    ),
    ...given(
      'requestsMin',
      requestsMin.optional((each) => each.number(1, 1_000_000, { isWhole: true })),
    ),
    ...given(
      'errorBudget',
      errorBudget.optional((each) => each.number(0.000_001, 1)),
    ),
    ...given(
      'burnRateMax',
      burnRateMax.optional((each) => each.number(0.1, 1_000)),
    ),
    ...given(
      'latencyFactorMax',
      latencyFactorMax.optional((each) => each.number(1, 1_000)),
    ),
    ...given(
      'latencySlackMs',
      latencySlackMs.optional((each) => each.number(0, 60_000)),
    ),
  }
}

/** A member that is there only if its value is. */
function given<const Name extends string, T>(name: Name, value: T | undefined): { readonly [name in Name]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [name in Name]?: T }
}
