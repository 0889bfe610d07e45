import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { type Channel, Connection } from 'rabbitmq-client'
import { ConfigurationError, UnavailableError, sleep, systemClock } from 'seaworthy/core'
import { answerWithin } from './answer.ts'

export interface RabbitMqBrokerOptions {
  /** `amqp://user:password@host:port/vhost`, or `amqps://` for TLS. Without a user, RabbitMQ's `guest`. */
  readonly url: string
  /** Further nodes of the cluster, as `host:port`: one after another is tried. */
  readonly hosts?: readonly string[]
  /** As node:tls takes them. */
  readonly tls?: TlsOptions
  /** Of the connections, for people who look at the broker. Default `seaworthy`. */
  readonly name?: string
  /** How long a call waits for a connection that is not there before it fails. Default 10,000 ms. */
  readonly connectTimeoutMs?: number
  /** Between two attempts to connect again, at most; they begin at a tenth of a second. Default 5,000 ms. */
  readonly reconnectMaxMs?: number
  /** A connection on which nothing comes for twice as long is dead, for both ends. Whole seconds. Default 10,000 ms. */
  readonly heartbeatMs?: number
}

/** A RabbitMQ, for any number of queues. */
export interface RabbitMqBroker {
  /** Host and port. */
  readonly address: string
  /** Ends the connections. Close the queues first: what they have leased is handed out again. */
  close(): Promise<void>
}

const RECONNECT_MIN_MS = 100
const CLOSE_MS = 1_000

/**
 * Connects to RabbitMQ. A connection that is lost is made again, with growing pauses, for as long as the broker is open.
 *
 * It uses two: a broker that is short of memory or disk reads no more from connections that publish, and acknowledgements must not wait behind that.
 * @throws UnavailableError when it cannot be reached, or refuses the user
 */
export async function openRabbitMqBroker(options: RabbitMqBrokerOptions): Promise<RabbitMqBroker> {
  const broker = new ConnectedBroker(options)
  try {
    const channel = await broker.publishing.channel()
    await channel.close()
  } catch (error) {
    await broker.close()
    throw error
  }
  return broker
}

/** @internal What the queues work with. */
export class ConnectedBroker implements RabbitMqBroker {
  readonly address: string
  readonly publishing: BrokerConnection
  readonly #options: RabbitMqBrokerOptions
  #consuming: BrokerConnection | undefined

  constructor(options: RabbitMqBrokerOptions) {
    const url = parsedUrl(options.url)
    this.#options = options
    this.address = url.host
    this.publishing = new BrokerConnection(url, options, 'publishing')
  }

  /** Made when it is needed: a process that only sends has one connection. */
  get consuming(): BrokerConnection {
    this.#consuming ??= new BrokerConnection(parsedUrl(this.#options.url), this.#options, 'consuming')
    return this.#consuming
  }

  async close(): Promise<void> {
    await Promise.all([this.publishing.close(), this.#consuming?.close()])
  }
}

/** One connection, made again whenever it is lost. */
export class BrokerConnection {
  readonly #address: string
  readonly #connection: Connection
  readonly #connectTimeoutMs: number
  #lastError: unknown
  #blocked: string | undefined

  constructor(url: URL, options: RabbitMqBrokerOptions, purpose: string) {
    this.#address = url.host
    this.#connectTimeoutMs = options.connectTimeoutMs ?? 10_000
    this.#connection = new Connection({
      url: url.href,
      ...(options.hosts !== undefined && { hosts: [url.host, ...options.hosts] }),
      ...(options.tls !== undefined && { tls: options.tls }),
      connectionName: `${options.name ?? 'seaworthy'} (${purpose})`,
      acquireTimeout: this.#connectTimeoutMs,
      connectionTimeout: this.#connectTimeoutMs,
      heartbeat: Math.ceil((options.heartbeatMs ?? 10_000) / 1_000),
      retryLow: RECONNECT_MIN_MS,
      retryHigh: options.reconnectMaxMs ?? 5_000,
      noDelay: true,
    })
    // Each call that fails says why; nobody need be told at once.
    this.#connection.on('error', (error: unknown) => {
      this.#lastError = error
      this.#blocked = undefined
    })
    this.#connection.on('connection', () => (this.#lastError = undefined))
    this.#connection.on('connection.blocked', (reason) => (this.#blocked = reason))
    this.#connection.on('connection.unblocked', () => (this.#blocked = undefined))
  }

  /** Why the broker takes no messages from this connection now, if it does not. */
  get blocked(): string | undefined {
    return this.#blocked
  }

  /** A channel of one's own. @throws UnavailableError when there is no connection in time: nothing was asked of the broker */
  async channel(): Promise<Channel> {
    const acquired = this.#connection.acquire({ emitErrorsFromChannel: true })
    try {
      const channel = await answerWithin(acquired, this.#connectTimeoutMs, 'A channel')
      // The close that follows says the same.
      channel.on('error', () => undefined)
      return channel
    } catch (error) {
      // One that comes after all is nobody's.
      acquired.then((channel) => channel.close()).catch(() => undefined)
      throw new UnavailableError(
        `No connection to RabbitMQ at ${this.#address} within ${this.#connectTimeoutMs} ms. Is it up, and are user, password and vhost right?`,
        { cause: this.#lastError ?? error, retryAfterMs: 1_000 },
      )
    }
  }

  /** Ends it, with all channels that are still open. */
  async close(): Promise<void> {
    // An orderly end waits for channels, and for an answer, that may never come.
    await Promise.race([this.#connection.close().catch(() => undefined), sleep(systemClock, CLOSE_MS)])
    this.#connection.unsafeDestroy()
  }
}

function parsedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^amqps?:$/.test(url.protocol))
    throw new ConfigurationError('The url of a RabbitMQ broker is amqp://user:password@host:port/vhost, or amqps:// for TLS.')
  if (url.username === '') {
    url.username = 'guest'
    url.password = 'guest'
  }
  return url
}
