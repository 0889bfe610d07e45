import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { AddressedUpstream, Certificate } from '@seaworthy/http-proxy'
import { ConfigurationError } from 'seaworthy/core'
import { HostPolicy } from '../host-policy.ts'
import type { UpstreamPolicy } from '../upstream-policy.ts'
import { Checked, type ConfigProblem } from './checked.ts'
import { parsePositioned, type PositionedJson } from './positioned-json.ts'
import { readPolicy } from './read-policy.ts'
import { readRule } from './read-rule.ts'
import { NamedFiles, readAddressing, readCertificates } from './read-tls.ts'
import type { RuleDeclaration } from './rule.ts'
import { compileRules } from './rule-table.ts'

/** What a gateway's file says. */
export interface GatewayFile {
  readonly listen: {
    readonly port: number
    readonly host: string
    /** Names under which it answers: see HostPolicy. */
    readonly hosts: readonly string[]
    readonly trustedProxies: readonly string[]
    /** With certificates, clients are served over TLS alone. */
    readonly certificates: readonly Certificate[] | undefined
  }
  /** Of the admin API. */
  readonly admin: { readonly port: number; readonly host: string; readonly tokenFile: string }
  /** The folder of the ledger. */
  readonly ledger: string
  /** The share of requests that are written to the access log, between 0 and 1. */
  readonly accessLog: number
  readonly upstreams: ReadonlyMap<string, UpstreamDeclaration>
  readonly routes: readonly RuleDeclaration[]
  /** Files that it names and that were read with it. */
  readonly files: readonly string[]
}

export interface UpstreamDeclaration extends Pick<AddressedUpstream, 'protocol' | 'tls'> {
  readonly urls: readonly URL[]
  readonly policy: UpstreamPolicy
  /** Whether it gets the client's Host rather than its own address. */
  readonly preserveHost: boolean
}

/** @throws ConfigurationError with file, line and field of everything that is wrong */
export async function readGatewayFile(path: string): Promise<GatewayFile> {
  let text
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new ConfigurationError(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  return parseGatewayFile(text, path)
}

/** @throws ConfigurationError */
export function parseGatewayFile(text: string, path: string): GatewayFile {
  const json = parsePositioned(text, path)
  const problems: ConfigProblem[] = []
  const file = readAll(new Checked(json.value, '', problems), dirname(resolve(path)))
  if (problems.length > 0) throw errorOf(path, json, problems)
  return file
}

function readAll(root: Checked, folder: string): GatewayFile {
  const { listen, admin, ledger, accessLog, upstreams, routes } = root.object(
    'listen',
    'admin',
    'ledger',
    'accessLog',
    'upstreams',
    'routes',
  )
  const files = new NamedFiles(folder)
  const declared = new Map(upstreams.entries().map(([name, upstream]) => [name, readUpstream(name, upstream, files)] as const))
  const rules = routes.items().map((route) => readRule(route, declared))
  refuseTwice(rules, routes)
  const file = {
    listen: readListen(listen, files),
    admin: readAdmin(admin, folder),
    ledger: resolve(folder, ledger.text(/^[^\0]+$/, 'a folder')),
    accessLog: accessLog.optional((share) => share.number(0, 1)) ?? 0,
    upstreams: declared,
    routes: rules,
    files: files.paths,
  }
  refuseAmbiguous(rules, routes)
  return file
}

function readListen(listen: Checked, files: NamedFiles): GatewayFile['listen'] {
  const { port, host, hosts, trustedProxies, tls } = listen.object('port', 'host', 'hosts', 'trustedProxies', 'tls')
  const address = host.optional((text) => text.text()) ?? '127.0.0.1'
  const names = hosts.optional((list) => list.items().map((name) => name.text()))
  // On loopback a stranger's name that resolves to it is an attack. Elsewhere nobody but the user knows its names.
  if (names === undefined && !/^(?:127\.|::1$|localhost$)/.test(address))
    listen.problem(`has no hosts: name those that the gateway answers for, as in ["shop.example", "local"], or all by ["*"]`)
  try {
    void new HostPolicy(names ?? [])
  } catch (error) {
    hosts.problem(`has a name that is none: ${error instanceof Error ? error.message : String(error)}`)
  }
  return {
    port: port.number(0, 65_535, { isWhole: true }),
    host: address,
    hosts: names ?? ['local'],
    trustedProxies: trustedProxies.optional((list) => list.items().map((network) => network.text())) ?? [],
    certificates: tls.optional((each) => readCertificates(each, files)),
  }
}

function readAdmin(admin: Checked, folder: string): GatewayFile['admin'] {
  const { port, host, tokenFile } = admin.object('port', 'host', 'tokenFile')
  return {
    port: port.number(0, 65_535, { isWhole: true }),
    host: host.optional((text) => text.text()) ?? '127.0.0.1',
    tokenFile: resolve(folder, tokenFile.text(/^[^\0]+$/, 'a file')),
  }
}

function readUpstream(name: string, upstream: Checked, files: NamedFiles): UpstreamDeclaration {
  if (!/^[\w.-]{1,64}$/.test(name)) upstream.problem('has a name that is not 1 to 64 letters, digits, dots, dashes or underscores')
  const { urls, protocol, tls, policy, preserveHost } = upstream.object('urls', 'protocol', 'tls', 'policy', 'preserveHost')
  const addresses = urls.items().flatMap((url) => url.base() ?? [])
  if (urls.isThere && addresses.length === 0) urls.problem('has no address')
  const addressing = readAddressing({ protocol, tls }, { name, urls: addresses, files })
  return {
    urls: addresses,
    ...addressing,
    policy: policy.optional((each) => readPolicy(each)) ?? {},
    preserveHost: preserveHost.optional((each) => each.boolean()) ?? false,
  }
}

function refuseTwice(rules: readonly RuleDeclaration[], routes: Checked): void {
  const seen = new Set<string>()
  for (const [index, { id }] of rules.entries()) {
    if (seen.has(id)) routes.problem(`is ${JSON.stringify(id)}, as another route's is`, `routes[${index}].id`)
    seen.add(id)
  }
}

function refuseAmbiguous(rules: readonly RuleDeclaration[], routes: Checked): void {
  try {
    compileRules(rules.filter(({ match }) => match.path !== '').map((declaration) => ({ declaration, valueAt: () => declaration })))
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    const index = rules.findIndex(({ id }) => error.message.includes(`Route ${id} `) || error.message.includes(`Routes ${id} `))
    routes.problem(`cannot be told apart: ${error.message}`, index === -1 ? 'routes' : `routes[${index}].match`)
  }
}

function errorOf(path: string, json: PositionedJson, problems: readonly ConfigProblem[]): ConfigurationError {
  const said = problems
    .map((problem) => ({ ...problem, line: json.lineOf(problem.path) }))
    .toSorted((one, other) => one.line - other.line)
    .map((problem) => `${path}:${problem.line}: ${problem.path || 'the file'} ${problem.message}`)
  return new ConfigurationError(`${said.join('\n')}\nNothing of it was applied.`)
}
