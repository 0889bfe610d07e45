import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'

export interface CollectedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
}

/** An OTLP collector on a loopback port, which answers as the test says. */
export class FakeCollector {
  readonly spans: CollectedSpan[] = []
  readonly bodies: unknown[] = []
  requests = 0
  /** What the next requests are answered with; 200 when there is nothing. `hang`: no answer at all. */
  readonly answers: (number | 'hang')[] = []
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
    const answer = this.answers.shift() ?? 200
    const text = await readAll(request)
    if (answer === 'hang') return
    if (answer === 200) this.#keep(JSON.parse(text))
    response.writeHead(answer, { 'content-type': 'application/json' }).end(answer === 200 ? '{"partialSuccess":{}}' : 'no')
  }

  #keep(body: unknown): void {
    this.bodies.push(body)
    // Zipkin's format is a list of spans.
    const { resourceSpans = [] } = body as OtlpBody
    for (const { scopeSpans } of resourceSpans) for (const { spans } of scopeSpans) this.spans.push(...spans)
  }
}

interface OtlpBody {
  readonly resourceSpans?: readonly { readonly scopeSpans: readonly { readonly spans: readonly CollectedSpan[] }[] }[]
}

async function readAll(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

/** Waits until `condition` holds, at most `timeoutMs`. */
export async function until(condition: () => boolean, what: string, timeoutMs = 5_000): Promise<void> {
  const endMs = performance.now() + timeoutMs
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`Waited ${timeoutMs} ms for this in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
