import { Agent, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import fastifyHttpProxy from '@fastify/http-proxy'
import { createHttpProxy } from '@seaworthy/http-proxy'
import { fastify, type FastifyInstance } from 'fastify'
import { createProxyServer } from 'http-proxy-3'
import { caddy, haproxy, nginx, type ProxyProgram, startProxy, versionOf } from '../../test/servers/proxies.ts'

/** A proxy before some upstreams: a port for each, and only what is below `/m/` goes through. */
interface StartedSubject {
  readonly ports: readonly number[]
  readonly stop: () => Promise<void>
}

export interface Subject {
  readonly name: string
  readonly version: () => string
  readonly start: (upstreamPorts: readonly number[]) => Promise<StartedSubject>
  /** The same, for clients that speak HTTP/2 without TLS. Undefined where it cannot. */
  readonly startHttp2?: Subject['start'] | undefined
}

const HEADERS_TIMEOUT_MS = 1_000
const BODY_BYTES_MAX = 1_048_576

type StartedOne = { readonly port: number; readonly stop: () => Promise<unknown> }

/** A subject that runs in this process, one instance for each upstream. */
function inProcess(name: string, start: (upstreamPort: number) => Promise<StartedOne>): Subject {
  return {
    name,
    version: () => (name === 'seaworthy' ? '' : versionOfPackage(name)),
    start: async (upstreamPorts) => {
      const started = await Promise.all(upstreamPorts.map(start))
      return {
        ports: started.map(({ port }) => port),
        stop: async () => void (await Promise.all(started.map(({ stop }) => stop()))),
      }
    },
  }
}

function versionOfPackage(name: string): string {
  const entry = createRequire(import.meta.url).resolve(name)
  const manifest = `${entry.slice(0, entry.lastIndexOf(name) + name.length)}/package.json`
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}

const ofProgram = (program: ProxyProgram, [from, to]: readonly [from: RegExp, to: string]): Subject => ({
  name: program.name,
  version: () => versionOf(program.name) ?? '',
  start: (upstreamPorts) => startProxy(program, upstreamPorts),
  startHttp2: (upstreamPorts) => startProxy(inHttp2(program, from, to), upstreamPorts),
})

/** What its manual says that HTTP/2 without TLS takes. */
const inHttp2 = (program: ProxyProgram, from: RegExp, to: string): ProxyProgram => ({
  ...program,
  configuration: (routes, directory) => program.configuration(routes, directory).replaceAll(from, to),
})

const ourOwn = inProcess('seaworthy', async (upstreamPort) => {
  const proxy = createHttpProxy({
    routes: [{ path: '/m/*', service: 'up' }],
    upstreams: new Map([['up', new URL(`http://127.0.0.1:${upstreamPort}`)]]),
    limits: { headersTimeoutMs: HEADERS_TIMEOUT_MS, drainTimeoutMs: 0 },
    onDefect: (error) => console.error(error),
  })
  return { port: await proxy.listen(0), stop: () => proxy.drain() }
})

/** One proxy is asked in both. */
export const seaworthy: Subject = { ...ourOwn, startHttp2: ourOwn.start }

const fastifyOptions = { bodyLimit: BODY_BYTES_MAX, forceCloseConnections: true } as const
const fastifyProxy = inProcess('@fastify/http-proxy', (upstreamPort) =>
  startFastify(
    fastify({ ...fastifyOptions, http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: 250 } }),
    upstreamPort,
  ),
)
const fastifyInHttp2 = inProcess('@fastify/http-proxy', (upstreamPort) =>
  startFastify(fastify({ ...fastifyOptions, http2: true }) as unknown as FastifyInstance, upstreamPort),
)

async function startFastify(app: FastifyInstance, upstreamPort: number): Promise<StartedOne> {
  await app.register(fastifyHttpProxy, {
    upstream: `http://127.0.0.1:${upstreamPort}`,
    prefix: '/m',
    rewritePrefix: '/m',
    websocket: true,
    replyOptions: {
      rewriteRequestHeaders: (request, headers) => ({
        ...headers,
        'x-forwarded-for': request.ip,
        'x-forwarded-host': request.host,
        'x-forwarded-proto': request.protocol,
      }),
    },
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { port: (app.server.address() as AddressInfo).port, stop: () => app.close() }
}

const httpProxy3: Subject = inProcess('http-proxy-3', async (upstreamPort) => {
  const agent = new Agent({ keepAlive: true })
  const proxy = createProxyServer({ target: `http://127.0.0.1:${upstreamPort}`, xfwd: true, ws: true, agent })
  proxy.on('error', (_error, _request, response) => {
    if ('writeHead' in response && !response.headersSent) response.writeHead(502).end()
    else response.destroy()
  })
  const server = createServer({ headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: 250 }, (request, response) => {
    // Without this, a write behind the end that the handler above made ends the process.
    response.on('error', () => {})
    if (request.url?.startsWith('/m/') === true) proxy.web(request, response)
    else response.writeHead(404).end()
  })
  server.on('upgrade', (request, socket, head) => proxy.ws(request, socket, head))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      server.close()
      server.closeAllConnections()
      agent.destroy()
    },
  }
})

export const subjects: readonly Subject[] = [
  seaworthy,
  ofProgram(nginx, [/listen (127\.0\.0\.1:\d+);/g, 'listen $1 http2;']),
  ofProgram(haproxy, [/bind (127\.0\.0\.1:\d+)/g, 'bind $1 proto h2']),
  ofProgram(caddy, [/ {2}servers \{/g, '  servers {\n    protocols h1 h2c']),
  { ...fastifyProxy, startHttp2: fastifyInHttp2.start },
  httpProxy3,
]
