import { installProxies, nginx, startProxy } from '../../../test/servers/proxies.ts'
import type { MemoryUse } from '../../matrix/subject-process.ts'
import type { Contender, Effort } from '../../harness/suite.ts'
import { askChild, forkTelling } from './forked.ts'
import { drive, getOf } from './load.ts'
import { LARGE, SMALL, startOrigin } from './origin.ts'
import { cpuNsOf } from './process-tree.ts'

const CONCURRENCY = 32

/** A proxy in a process of its own, before an nginx. */
export interface Proxied {
  readonly port: number
  readonly pid: number
  /** Of what is behind it. */
  readonly originPid: number
  /** After a collection. Of a proxy in Node alone. */
  readonly memory: () => Promise<MemoryUse>
  readonly stop: () => Promise<void>
}

async function startNode(name: string): Promise<Proxied> {
  await installProxies()
  const origin = await startOrigin()
  // As people run it: the memory settings are the contender's own, not the proxy's.
  const subject = new URL('../../matrix/subject-process.ts', import.meta.url)
  const { child, told } = await forkTelling<{ port: number }>(subject, [name, String(origin.port)], ['--expose-gc'])
  return {
    port: told.port,
    pid: child.pid!,
    originPid: origin.pid,
    memory: () => askChild(child, 'memory'),
    stop: async () => {
      child.kill('SIGKILL')
      await origin.stop()
    },
  }
}

async function startNginx(): Promise<Proxied> {
  await installProxies()
  const origin = await startOrigin()
  const { pid, ports, stop } = await startProxy(nginx, [origin.port])
  return {
    pid,
    originPid: origin.pid,
    port: ports[0]!,
    memory: () => Promise.reject(new Error('nginx is not asked for its memory.')),
    stop: async () => {
      await stop()
      await origin.stop()
    },
  }
}

export const startProxied = (name: string) => (name === 'nginx' ? startNginx() : startNode(name))

/** CPU time of the proxy's processes for each request, in microseconds. */
const cpu =
  (name: string, { path, bytes }: { readonly path: string; readonly bytes: number }): Contender =>
  async ({ quick }: Effort) => {
    const { port, pid } = await startProxied(name)
    const requests = (quick ? 1_000 : 20_000) / (bytes > 10_000 ? 4 : 1)
    const load = { port, messages: [getOf(path)], concurrency: CONCURRENCY }
    await drive({ ...load, requests: quick ? 500 : 10_000 })
    return async () => {
      const before = cpuNsOf(pid)
      await drive({ ...load, requests })
      return (cpuNsOf(pid) - before) / requests / 1_000
    }
  }

export const oursSmall: Contender = cpu('seaworthy', SMALL)
export const nginxSmall: Contender = cpu('nginx', SMALL)
export const fastifySmall: Contender = cpu('@fastify/http-proxy', SMALL)
export const httpProxy3Small: Contender = cpu('http-proxy-3', SMALL)
export const oursLarge: Contender = cpu('seaworthy', LARGE)
export const nginxLarge: Contender = cpu('nginx', LARGE)
