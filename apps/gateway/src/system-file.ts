import { join } from 'node:path'
import type { GatewayConfig } from './config.ts'
import type { GatewayFile } from './strangler/gateway-file.ts'
import type { RuleDeclaration } from './strangler/rule.ts'

/** Where a service that takes over from another serves its cut-over, on its own port. */
const CUT_OVER_PATH = '/internal/cut-over/'

/** All processes share one machine: one that has just started answers later than one that is warm, and nobody has done anything wrong. */
const GUARD = { latencySlackMs: 250 } as const

type SystemConfig = Pick<GatewayConfig, 'publicPort' | 'healthPort' | 'hosts' | 'routes' | 'upstreams' | 'dataDir'>

/** What a gateway's file would say, for the gateway of a system that a supervisor runs: by what that told it. */
export function systemFile({ publicPort, healthPort, hosts, routes, upstreams, dataDir }: SystemConfig): GatewayFile {
  const used = new Set(routes.flatMap(({ service, to }) => [service, ...(to === undefined ? [] : [to])]))
  const moves = (to: string): Pick<RuleDeclaration, 'to' | 'data' | 'guard'> => {
    const cutOver = new URL(CUT_OVER_PATH, upstreams.get(to)?.[0])
    return { to, data: { url: new URL('ready', cutOver).href, move: cutOver.href }, guard: GUARD }
  }
  return {
    listen: { port: publicPort, host: '127.0.0.1', hosts, trustedProxies: [], certificates: undefined },
    admin: { port: healthPort, host: '127.0.0.1', tokenFile: join(dataDir, 'admin-token') },
    ledger: join(dataDir, 'ledger'),
    files: [],
    accessLog: 0,
    upstreams: new Map([...used].map((name) => [name, { urls: upstreams.get(name) ?? [], policy: {}, preserveHost: false }])),
    routes: routes.map(({ path, also, service, id = path, to }) => ({
      id,
      match: { path, ...(also !== undefined && { also }) },
      from: service,
      ...(to !== undefined && moves(to)),
    })),
  }
}
