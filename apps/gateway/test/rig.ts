import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { TestContext } from 'node:test'
import type { Route } from 'seaworthy/system'
import { routesTo } from '../../../packages/http-proxy/test/rig.ts'
import { type GatewayLimits, StranglerGateway } from '../src/index.ts'
import { systemFile } from '../src/system-file.ts'
import { stopsAfter, temporaryFolder } from './strangler/rig.ts'

export {
  ask,
  echo,
  raw,
  rawUpstream,
  type TestAnswer,
  type TestUpstream,
  until,
  untilStill,
  upstream,
  valuesOf,
} from '../../../packages/http-proxy/test/rig.ts'

export interface TestGateway {
  readonly gateway: StranglerGateway
  readonly port: number
  readonly url: string
  readonly logged: { readonly level: string; readonly message: string; readonly fields: object }[]
}

/** Starts a gateway before the given upstreams: `/<name>` and everything below leads to each. */
export async function gatewayBefore(
  t: TestContext,
  upstreams: Readonly<Record<string, { readonly url: URL } | readonly { readonly url: URL }[]>>,
  limits: Partial<GatewayLimits> = {},
  routes: readonly Route[] = routesTo(upstreams),
  { hosts = ['*'] }: { readonly hosts?: readonly string[] } = {},
): Promise<TestGateway> {
  const logged: TestGateway['logged'][number][] = []
  const log = (level: string) => (fields: object, message: string) => void logged.push({ level, fields, message })
  const gateway = await StranglerGateway.open({
    file: systemFile({
      publicPort: 0,
      healthPort: 0,
      hosts,
      routes,
      upstreams: new Map(Object.entries(upstreams).map(([service, instances]) => [service, [instances].flat().map(({ url }) => url)])),
      dataDir: temporaryFolder(t),
    }),
    log: { info: log('info'), warn: log('warn'), error: log('error') },
    limits: { drainTimeoutMs: 200, lingerMs: 100, ...limits },
  })
  const port = await gateway.listen()
  stopsAfter(t, () => gateway.drain())
  return { gateway, port, url: `http://127.0.0.1:${port}`, logged }
}

/** Counts the requests that gateways of this process begin and end with. */
export function requestsSeen(t: TestContext): { begun: number; ended: number } {
  const seen = { begun: 0, ended: 0 }
  const onBegin = () => void seen.begun++
  const onEnd = () => void seen.ended++
  subscribe('tracing:seaworthy:http-proxy.request:start', onBegin)
  subscribe('tracing:seaworthy:http-proxy.request:asyncEnd', onEnd)
  t.after(() => {
    unsubscribe('tracing:seaworthy:http-proxy.request:start', onBegin)
    unsubscribe('tracing:seaworthy:http-proxy.request:asyncEnd', onEnd)
  })
  return seen
}
