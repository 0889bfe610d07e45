import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { LogEntry, Message } from './adapter.ts'

/** A message that came, with who sent it. */
export interface Arrival extends LogEntry {
  /** Of the relay. */
  readonly instance: string
}

/** One call of a relay, before anything was done about it. */
export interface Publication {
  readonly instance: string
  readonly messages: readonly Message[]
  /** Stores the messages, as a broker does before it confirms. */
  readonly store: () => void
}

/**
 * What is done with a publication: `store-and-confirm` is what brokers do; `refuse` answers with an error; `silence` never answers. An answer that is
 * a promise keeps the relay waiting.
 */
export type Treatment = 'store-and-confirm' | 'confirm' | 'refuse' | 'silence'

const BODY_BYTES_MAX = 64 << 20
const READ_MAX = 1_000
const WAIT_MS_MAX = 10_000

/**
 * The broker of a test: relays publish into one log over HTTP, in the order in which their calls come, and consumers read it from an offset of their
 * own. What the test has to say about a publication it says by `treat`.
 */
export class Exchange {
  /** What is stored, in order. */
  readonly log: Arrival[] = []
  /** Calls to publish, confirmed or not, by relay. */
  readonly publications = new Map<string, number>()
  /** Consumers that have asked for messages. */
  readonly readers = new Set<string>()
  /** Whether consumers get what they ask for. */
  isReadable = true
  /** Whether a consumer begins at the first message whenever it starts, as two do that a rebalance gave one part of a log. */
  forgetsOffsets = false
  /** Replaced by tests. */
  treat: (publication: Publication) => Treatment | Promise<Treatment> = () => 'store-and-confirm'
  readonly #server: Server
  readonly #offsets = new Map<string, number>()
  #onStored = new Set<() => void>()

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        response.writeHead(400).end(String(error))
      })
    })
    // Relays that were killed or stopped must not keep a test waiting; those at work send something every few seconds.
    this.#server.keepAliveTimeout = 60_000
  }

  static async listen(): Promise<Exchange> {
    const exchange = new Exchange()
    await new Promise<void>((resolve, reject) => {
      exchange.#server.once('error', reject)
      exchange.#server.listen(0, '127.0.0.1', resolve)
    })
    return exchange
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`
  }

  /** Puts messages into the log, as if a relay had sent them. */
  store(messages: readonly Message[], instance = 'kit'): void {
    for (const { id, key, envelope } of messages) this.log.push({ id, key, envelope, instance, offset: this.log.length })
    this.#wake()
  }

  /** Opens a log that was not readable. */
  open(): void {
    this.isReadable = true
    this.#wake()
  }

  /** The next offset, of one consumer process or of all. */
  committed(instance?: string): number {
    return instance === undefined ? Math.max(0, ...this.#offsets.values()) : (this.#offsets.get(instance) ?? 0)
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
    this.#wake()
  }

  #wake(): void {
    const waiting = this.#onStored
    this.#onStored = new Set()
    for (const wake of waiting) wake()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://exchange')
    const [what, name = ''] = pathname.slice(1).split('/').map(decodeURIComponent)
    switch (`${request.method} ${what}`) {
      case 'POST publish':
        return this.#publish(name, (await bodyOf(request)) as readonly Message[], response)
      case 'GET log': {
        this.readers.add(name)
        const entries = await this.#read(numberOf(searchParams, 'from'), numberOf(searchParams, 'max'), numberOf(searchParams, 'waitMs'))
        return send(response, entries)
      }
      case 'GET offset':
        return send(response, this.forgetsOffsets ? 0 : this.committed())
      case 'PUT offset':
        this.#offsets.set(name, Math.max(this.committed(name), Number(await bodyOf(request))))
        return send(response, this.committed(name))
      default:
        response.writeHead(404).end()
    }
  }

  async #publish(instance: string, messages: readonly Message[], response: ServerResponse): Promise<void> {
    this.publications.set(instance, (this.publications.get(instance) ?? 0) + 1)
    const store = () => this.store(messages, instance)
    const treatment = await this.treat({ instance, messages, store })
    switch (treatment) {
      case 'store-and-confirm':
        store()
        return send(response, null)
      case 'confirm':
        return send(response, null)
      case 'refuse':
        response.writeHead(503).end()
        return
      case 'silence':
        return
    }
  }

  async #read(from: number, max: number, waitMs: number): Promise<readonly LogEntry[]> {
    if ((!this.isReadable || from >= this.log.length) && waitMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(waitMs, WAIT_MS_MAX))
        this.#onStored.add(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
    if (!this.isReadable) return []
    return this.log.slice(from, from + Math.min(max, READ_MAX)).map(({ offset, id, key, envelope }) => ({ offset, id, key, envelope }))
  }
}

function numberOf(parameters: URLSearchParams, name: string): number {
  return Number(parameters.get(name) ?? 0)
}

function send(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length
    if (bytes > BODY_BYTES_MAX) throw new Error(`A publication of more than ${BODY_BYTES_MAX} bytes.`)
    chunks.push(chunk as Buffer)
  }
  return JSON.parse(Buffer.concat(chunks).toString())
}
