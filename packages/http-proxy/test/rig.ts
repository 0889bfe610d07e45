import { once } from 'node:events'
import { type Agent, createServer, type IncomingMessage, request as httpRequest, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect, createServer as createNetServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Route } from 'seaworthy/system'
import { type AddressedUpstream, createHttpProxy, type HttpProxy, type HttpProxyOptions } from '../src/index.ts'

/** An upstream of a test, which can be stopped and started again on its port. */
export interface TestUpstream {
  readonly url: URL
  readonly port: number
  /** Head and body of every request that arrived whole. */
  readonly received: { readonly method: string; readonly url: string; readonly rawHeaders: readonly string[]; readonly body: string }[]
  readonly server: Server
  stop(): Promise<void>
  start(): Promise<void>
}

/** Starts an upstream that answers by `listener`; by default with 200 and a JSON echo. */
export async function upstream(t: TestContext, listener: RequestListener = echo): Promise<TestUpstream> {
  const received: TestUpstream['received'][number][] = []
  const handle: RequestListener = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      received.push({ method: request.method!, url: request.url!, rawHeaders: request.rawHeaders, body })
    })
    listener(request, response)
  }
  let port = 0
  let server!: Server
  const start = async () => {
    server = createServer({ keepAliveTimeout: 60_000 }, handle)
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }
  const stop = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  await start()
  t.after(stop)
  return {
    get server() {
      return server
    },
    url: new URL(`http://127.0.0.1:${port}`),
    port,
    received,
    start,
    stop,
  }
}

export const echo: RequestListener = (request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ method: request.method, url: request.url, bytes: Buffer.concat(chunks).length }))
  })
}

/** `/<name>` and everything below leads to each. */
export const routesTo = (upstreams: Readonly<Record<string, unknown>>): Route[] =>
  Object.keys(upstreams).flatMap((service) => [
    { path: `/${service}`, service },
    { path: `/${service}/*`, service },
  ])

/** Starts a proxy before the given upstreams. A defect of it fails the test. */
export async function proxyBefore(
  t: TestContext,
  upstreams: Readonly<Record<string, Omit<AddressedUpstream, 'name'>>>,
  options: Partial<HttpProxyOptions> = {},
): Promise<{ readonly proxy: HttpProxy; readonly port: number }> {
  const defects: unknown[] = []
  const proxy = createHttpProxy({
    routes: routesTo(upstreams),
    upstreams: new Map(
      Object.entries(upstreams).map(([service, { url, protocol, tls }]) => [
        service,
        { url, ...(protocol && { protocol }), ...(tls && { tls }) },
      ]),
    ),
    onDefect: (error) => defects.push(error),
    ...options,
    limits: { drainTimeoutMs: 200, lingerMs: 100, ...options.limits },
  })
  const port = await proxy.listen(0)
  t.after(async () => {
    await proxy.drain()
    if (defects.length > 0) throw new AggregateError(defects, 'the proxy has a defect')
  })
  return { proxy, port }
}

export interface TestAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly body: string
  readonly json: Record<string, unknown>
}

export interface TestRequest {
  readonly method?: string
  readonly path: string
  readonly headers?: Record<string, string | string[]>
  readonly body?: string | Buffer
  readonly agent?: Agent
  readonly signal?: AbortSignal
}

/** One request on a connection of its own, unless an agent is given. Fails when the answer breaks off. */
export function ask(port: number, { method = 'GET', path, headers, body, agent, signal }: TestRequest): Promise<TestAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { port, host: '127.0.0.1', method, path, headers: headers ?? {}, agent: agent ?? false, ...(signal && { signal }) },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            rawHeaders: response.rawHeaders,
            body: text,
            get json() {
              return JSON.parse(text) as Record<string, unknown>
            },
          })
        })
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

/** The values of a header in node's `rawHeaders`, in order. */
export function valuesOf(raw: readonly string[], name: string): string[] {
  return raw.filter((_, index) => index % 2 === 1 && raw[index - 1]!.toLowerCase() === name)
}

/** Writes bytes to the port as they are, and reads until the other side closes. */
export async function raw(port: number, bytes: string | Buffer): Promise<{ readonly text: string; readonly error: string | undefined }> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  let error: string | undefined
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', (cause: NodeJS.ErrnoException) => (error = cause.code))
  socket.write(bytes)
  const timer = setTimeout(() => socket.destroy(), 5_000)
  // Not `once` of node:events, which would reject at the error.
  await new Promise((resolve) => socket.on('close', resolve))
  clearTimeout(timer)
  return { text: Buffer.concat(chunks).toString('latin1'), error }
}

/** An upstream on the level of bytes: `onConnection` does what it likes with each connection. */
export async function rawUpstream(
  t: TestContext,
  onConnection: (socket: Socket) => void,
  options: { readonly allowHalfOpen?: boolean } = {},
): Promise<{ readonly url: URL; readonly connections: () => number }> {
  let connections = 0
  const sockets = new Set<Socket>()
  const server = createNetServer(options, (socket) => {
    connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), connections: () => connections }
}

/** Waits until the condition holds. Fails after `limitMs`. */
export async function until(condition: () => boolean, what: string, limitMs = 5_000): Promise<void> {
  const endMs = performance.now() + limitMs
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`${what}: not within ${limitMs} ms`)
    await delay(2)
  }
}

/** Waits until the number has not changed for a while. */
export async function untilStill(read: () => number): Promise<void> {
  for (let before = -1; before !== read();) {
    before = read()
    await delay(100)
  }
}
