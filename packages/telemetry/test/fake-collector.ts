import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
  createServer,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { gunzipSync } from 'node:zlib'

export interface CollectedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
}

export interface CollectedLog {
  readonly timeUnixNano: string
  readonly severityNumber?: number
  readonly severityText?: string
  readonly body: object
  readonly attributes: readonly { readonly key: string; readonly value: object }[]
  readonly traceId?: string
  readonly spanId?: string
  readonly flags?: number
}

export interface CollectedMetric {
  readonly name: string
  readonly unit: string
  readonly sum?: CollectedPoints & { readonly isMonotonic: boolean; readonly aggregationTemporality: number }
  readonly gauge?: CollectedPoints
  readonly histogram?: CollectedPoints & { readonly aggregationTemporality: number }
}

/** A refusal that says more than its status. */
export interface RefusalWith {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly body?: Uint8Array
}

interface CollectedPoints {
  readonly dataPoints: readonly (Record<string, unknown> & {
    readonly attributes: readonly { readonly key: string; readonly value: object }[]
  })[]
}

/** An OTLP collector on a loopback port, which answers as the test says. */
export class FakeCollector {
  readonly spans: CollectedSpan[] = []
  readonly logs: CollectedLog[] = []
  /** Of each request. */
  readonly metrics: CollectedMetric[][] = []
  readonly bodies: unknown[] = []
  /** What is no JSON. */
  readonly bytes: Buffer[] = []
  readonly heard: { readonly path: string; readonly headers: IncomingHttpHeaders }[] = []
  requests = 0
  /** What the next requests are answered with; 200 when there is nothing. `hang`: no answer at all. A text: 200 with it. */
  readonly answers: (number | string | RefusalWith)[] = []
  #server: Server | undefined
  #port = 0

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Listens; on the same port again after `stop`. */
  async start(): Promise<this> {
    this.#server = createServer((request, response) => void this.#answer(request, response))
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
    return this
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests++
    this.heard.push({ path: request.url ?? '', headers: request.headers })
    const answer = this.answers.shift() ?? 200
    const sent = await readAll(request)
    if (answer === 'hang') return
    if (typeof answer === 'object') {
      response.writeHead(answer.status, answer.headers).end(answer.body ?? 'no')
      return
    }
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
    const status = typeof answer === 'number' ? answer : 200
    if (status === 200) {
      if (request.headers['content-type'] === 'application/json') this.#keep(JSON.parse(body.toString('utf8')))
      else this.bytes.push(body)
    }
    const text = typeof answer === 'string' ? answer : '{"partialSuccess":{}}'
    response.writeHead(status, { 'content-type': 'application/json' }).end(status === 200 ? text : 'no')
  }

  #keep(body: unknown): void {
    this.bodies.push(body)
    // Zipkin's format is a list of spans.
    const { resourceSpans = [], resourceLogs = [], resourceMetrics = [] } = body as OtlpBody
    for (const { scopeSpans } of resourceSpans) for (const { spans } of scopeSpans) this.spans.push(...spans)
    for (const { scopeLogs } of resourceLogs) for (const { logRecords } of scopeLogs) this.logs.push(...logRecords)
    for (const { scopeMetrics } of resourceMetrics) this.metrics.push(scopeMetrics.flatMap(({ metrics }) => metrics))
  }
}

interface OtlpBody {
  readonly resourceSpans?: readonly { readonly scopeSpans: readonly { readonly spans: readonly CollectedSpan[] }[] }[]
  readonly resourceLogs?: readonly { readonly scopeLogs: readonly { readonly logRecords: readonly CollectedLog[] }[] }[]
  readonly resourceMetrics?: readonly { readonly scopeMetrics: readonly { readonly metrics: readonly CollectedMetric[] }[] }[]
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Waits until `condition` holds, at most `timeoutMs`. */
export async function until(condition: () => boolean, what: string, timeoutMs = 5_000): Promise<void> {
  const endMs = performance.now() + timeoutMs
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`Waited ${timeoutMs} ms for this in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
