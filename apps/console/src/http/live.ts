import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { type Clock, type Timer, systemClock } from 'seaworthy/core'
import { sendProblem } from './problem.ts'

export interface LiveOptions {
  /** Pages that may listen at the same time. Default 32. */
  readonly clientsMax?: number
  /** News of traces are told at most once in this time. Default 500 ms. */
  readonly everyMs?: number
  readonly clock?: Clock
}

const HEARTBEAT_MS = 15_000
/** Trace ids in one piece of news at most: a page that misses the one it shows asks again with the next. */
const TRACE_IDS_MAX = 200
/** A page that does not read is let go when this much waits for it. */
const BUFFER_BYTES_MAX = 1 << 20

/**
 * Server-sent events that say what changed, not how: a page then asks for what it shows. `traces` comes with the ids of
 * traces that grew, `services` with nothing.
 */
export class LiveUpdates {
  readonly #clock: Clock
  readonly #clientsMax: number
  readonly #everyMs: number
  readonly #clients = new Set<ServerResponse>()
  readonly #grown = new Set<string>()
  #news: Timer | undefined
  #heartbeat: Timer | undefined

  constructor(options: LiveOptions = {}) {
    this.#clock = options.clock ?? systemClock
    this.#clientsMax = options.clientsMax ?? 32
    this.#everyMs = options.everyMs ?? 500
  }

  get hasClients(): boolean {
    return this.#clients.size > 0
  }

  /** Serves `GET /api/live`. */
  register(app: FastifyInstance): void {
    app.get('/api/live', (request, reply) => {
      if (this.#clients.size >= this.#clientsMax) {
        return sendProblem(reply.header('retry-after', '10'), 503, `${this.#clientsMax} pages are listening already. Close one.`)
      }
      const headers = reply.getHeaders()
      reply.hijack()
      const response = reply.raw
      for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value)
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
      response.write('retry: 2000\n\n')
      this.#clients.add(response)
      this.#heartbeat ??= this.#beat()
      request.raw.once('close', () => this.#forget(response))
      return reply
    })
  }

  traceGrew(traceId: string): void {
    if (!this.hasClients) return
    if (this.#grown.size < TRACE_IDS_MAX) this.#grown.add(traceId)
    this.#news ??= this.#clock.timer(
      this.#everyMs,
      () => {
        this.#news = undefined
        this.#send('traces', { traceIds: [...this.#grown] })
        this.#grown.clear()
      },
      { keepAlive: false },
    )
  }

  servicesChanged(): void {
    this.#send('services', {})
  }

  close(): void {
    this.#news?.cancel()
    this.#heartbeat?.cancel()
    for (const client of this.#clients) client.end()
    this.#clients.clear()
  }

  // Without a word now and then, a connection whose other end is gone without a FIN would count for ever.
  #beat(): Timer {
    return this.#clock.timer(
      HEARTBEAT_MS,
      () => {
        for (const client of this.#clients) client.write(': still here\n\n')
        this.#heartbeat = this.hasClients ? this.#beat() : undefined
      },
      { keepAlive: false },
    )
  }

  #send(event: string, data: unknown): void {
    const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
    for (const client of this.#clients) {
      if (client.writableLength > BUFFER_BYTES_MAX) {
        client.destroy()
        this.#forget(client)
      } else client.write(text)
    }
  }

  #forget(client: ServerResponse): void {
    this.#clients.delete(client)
  }
}
