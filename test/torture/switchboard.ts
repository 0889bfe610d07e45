import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { type Effect, type Effects, type FaultProxy, startFaultProxy } from '@seaworthy/testing/fault-proxy'
import type { Random } from 'seaworthy/core'
import { type Link, linkName } from './plan.ts'

/** Where a callee is, as the supervisor tells its callers. */
interface Endpoint {
  readonly http: string
  readonly grpc?: string
}

interface Question {
  readonly caller: string
  readonly endpoints: Readonly<Record<string, Endpoint>>
}

/** A fault proxy for each link, made when a process first asks for it; a process that was started again gets the same ones. */
export interface Switchboard extends AsyncDisposable {
  /** Where processes ask. */
  readonly url: string
  /** @throws Error when nobody has asked for the link: it does not exist in this system */
  proxy(link: Link): FaultProxy
  /** What all proxies together did. */
  effects(): Effects
}

export async function startSwitchboard({ random }: { random: Random }): Promise<Switchboard> {
  const proxies = new Map<string, Promise<FaultProxy>>()
  const ready = new Map<string, FaultProxy>()

  const proxyPort = async (link: Link, target: { host: string; port: number }): Promise<number> => {
    const name = linkName(link)
    const started = proxies.get(name) ?? startFaultProxy({ target, random })
    proxies.set(name, started)
    const proxy = await started
    ready.set(name, proxy)
    return proxy.port
  }

  const answer = async (request: IncomingMessage): Promise<string> => {
    const { caller, endpoints } = JSON.parse(await text(request)) as Question
    const proxied = await Promise.all(
      Object.entries(endpoints).map(async ([callee, { http, grpc }]): Promise<[string, Endpoint]> => {
        const httpPort = await proxyPort({ caller, callee, wire: 'http' }, hostAndPort(http))
        if (grpc === undefined) return [callee, { http: `http://127.0.0.1:${httpPort}` }]
        const grpcPort = await proxyPort({ caller, callee, wire: 'grpc' }, hostAndPort(`http://${grpc}`))
        return [callee, { http: `http://127.0.0.1:${httpPort}`, grpc: `127.0.0.1:${grpcPort}` }]
      }),
    )
    return JSON.stringify(Object.fromEntries(proxied))
  }

  const server = createServer((request, response) => {
    answer(request).then(
      (body) => response.end(body),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    proxy(link) {
      const found = ready.get(linkName(link))
      if (found === undefined) throw new Error(`No process asked for ${linkName(link)}. There are: ${[...ready.keys()].join(', ')}.`)
      return found
    },
    effects() {
      const total: Partial<Record<Effect, number>> = {}
      for (const { effects } of ready.values())
        for (const [effect, count] of Object.entries(effects) as [Effect, number][]) total[effect] = (total[effect] ?? 0) + count
      return total as Effects
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await Promise.all([...proxies.values()].map(async (proxy) => (await proxy).close()))
    },
  }
}

const hostAndPort = (url: string) => {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}
