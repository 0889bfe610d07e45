import { fork } from 'node:child_process'
import { once } from 'node:events'
import { installProxies, nginx, startProxy } from '../../../test/servers/proxies.ts'
import type { SubjectMessage } from '../../matrix/subject-process.ts'
import type { Contender, Effort } from '../../harness/suite.ts'
import { drive } from './load.ts'
import { LARGE, SMALL, startOrigin } from './origin.ts'
import { cpuNsOf } from './process-tree.ts'

const CONCURRENCY = 32

/** A proxy in a process of its own, before an nginx. */
interface Proxied {
  readonly port: number
  readonly pid: number
  /** What it keeps in memory after a collection, in bytes. */
  readonly usedBytes: () => Promise<number>
}

async function startNode(name: string): Promise<Proxied> {
  await installProxies()
  const upstreamPort = await startOrigin()
  const child = fork(new URL('../../matrix/subject-process.ts', import.meta.url), [name, String(upstreamPort)], {
    // As people run it: the memory settings are the contender's own, not the proxy's.
    execArgv: ['--disable-warning=ExperimentalWarning', '--conditions=source', '--expose-gc'],
  })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return {
    port,
    pid: child.pid!,
    usedBytes: async () => {
      child.send('memory')
      const [message] = (await once(child, 'message')) as [SubjectMessage]
      return 'usedBytes' in message ? message.usedBytes : Number.NaN
    },
  }
}

async function startNginx(): Promise<Proxied> {
  await installProxies()
  const upstreamPort = await startOrigin()
  const { pid, ports } = await startProxy(nginx, [upstreamPort])
  return { pid, port: ports[0]!, usedBytes: async () => Number.NaN }
}

const startOf = (name: string) => (name === 'nginx' ? startNginx() : startNode(name))

/** CPU time of the proxy's processes for each request, in microseconds. */
const cpu =
  (name: string, { path, bytes }: { readonly path: string; readonly bytes: number }): Contender =>
  async ({ quick }: Effort) => {
    const { port, pid } = await startOf(name)
    const requests = (quick ? 1_000 : 20_000) / (bytes > 10_000 ? 4 : 1)
    const load = { port, path, concurrency: CONCURRENCY }
    await drive({ ...load, requests: quick ? 500 : 10_000 })
    return async () => {
      const before = cpuNsOf(pid)
      await drive({ ...load, requests })
      return (cpuNsOf(pid) - before) / requests / 1_000
    }
  }

/** What stays in memory for each million requests, in megabytes. */
const memory =
  (name: string): Contender =>
  async ({ quick }: Effort) => {
    const { port, usedBytes } = await startOf(name)
    const requests = quick ? 2_000 : 50_000
    const load = { port, path: SMALL.path, concurrency: CONCURRENCY }
    await drive({ ...load, requests })
    return async () => {
      const before = await usedBytes()
      await drive({ ...load, requests })
      return ((await usedBytes()) - before) / requests
    }
  }

export const oursSmall: Contender = cpu('seaworthy', SMALL)
export const nginxSmall: Contender = cpu('nginx', SMALL)
export const fastifySmall: Contender = cpu('@fastify/http-proxy', SMALL)
export const httpProxy3Small: Contender = cpu('http-proxy-3', SMALL)
export const oursLarge: Contender = cpu('seaworthy', LARGE)
export const nginxLarge: Contender = cpu('nginx', LARGE)
export const oursMemory: Contender = memory('seaworthy')
export const fastifyMemory: Contender = memory('@fastify/http-proxy')
