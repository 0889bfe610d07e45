import { type Broker, type Connection, type ConnectionOptions, ConnectionPool, findCoordinatorV6, metadataV12 } from '@platformatic/kafka'
import { ConfigurationError } from 'seaworthy/core'
import { asSeaworthyError, reasonsOf } from './errors.ts'

/** How to reach a cluster. */
export interface KafkaConnection {
  /** `host:port` each. Some of its brokers are enough; they name the others. */
  readonly brokers: readonly string[]
  /** How this process appears in the broker's log and quotas. Default `seaworthy`. */
  readonly clientId?: string
  readonly tls?: ConnectionOptions['tls']
  readonly sasl?: ConnectionOptions['sasl']
  /** Default 5,000. */
  readonly connectTimeoutMs?: number
  /** How long to wait for one answer. Default 15,000. */
  readonly requestTimeoutMs?: number
}

export interface TopicMetadata {
  readonly id: string
  /** The broker that leads each partition; -1 when none does. */
  readonly leaders: readonly number[]
}

type Api<Arguments extends unknown[], Answer> = { async: (connection: Connection, ...args: Arguments) => Promise<Answer> }

const METADATA_MAX_AGE_MS = 60_000
const UNKNOWN_TOPIC = 3
const COORDINATOR_MOVED: ReadonlySet<string> = new Set(['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_LOAD_IN_PROGRESS'])
const COORDINATOR_KIND = { group: 0, transaction: 1 } as const

/** Knows the brokers of a cluster, who leads which partition, and who coordinates which group; and asks them. */
export class Cluster {
  readonly clientId: string
  readonly bootstrap: readonly Broker[]
  readonly #options: ConnectionOptions
  readonly #requests: ConnectionPool
  readonly #pools = new Set<ConnectionPool>()
  readonly #monotonicMs: () => number
  #brokers = new Map<number, Broker>()
  readonly #topics = new Map<string, { readonly metadata: TopicMetadata; readonly atMs: number }>()
  readonly #coordinators = new Map<string, number>()

  constructor(connection: string | KafkaConnection, monotonicMs: () => number) {
    const { brokers, clientId = 'seaworthy', tls, sasl, connectTimeoutMs = 5_000, requestTimeoutMs = 15_000 } = parse(connection)
    this.clientId = clientId
    this.bootstrap = brokers.map(brokerOf)
    this.#options = {
      connectTimeout: connectTimeoutMs,
      requestTimeout: requestTimeoutMs,
      maxInflights: 1_000,
      ...(tls !== undefined && { tls }),
      ...(sasl !== undefined && { sasl }),
    }
    this.#monotonicMs = monotonicMs
    this.#requests = this.pool()
  }

  /** Options of a client of the library beneath, for what is asked seldom. */
  get clientOptions() {
    return { clientId: this.clientId, bootstrapBrokers: [...this.bootstrap], ...this.#options }
  }

  /** Connections of one's own, for requests that would hold up those of others: a broker answers a connection's requests one after another. */
  pool(): ConnectionPool {
    const pool = new ConnectionPool(this.clientId, this.#options)
    this.#pools.add(pool)
    return pool
  }

  async release(pool: ConnectionPool): Promise<void> {
    this.#pools.delete(pool)
    await pool.close()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools].map((pool) => pool.close()))
  }

  async connect(node: number, pool: ConnectionPool = this.#requests): Promise<Connection> {
    const broker = this.#brokers.get(node) ?? (await this.#refreshed([])).get(node)
    // Whoever led is gone; the next look at the metadata names another one.
    if (broker === undefined) throw new Error(`No broker ${node} is known`)
    return pool.get(broker)
  }

  /** Asks one broker. */
  async ask<Arguments extends unknown[], Answer>(
    node: number,
    api: Api<Arguments, Answer>,
    args: Arguments,
    pool?: ConnectionPool,
  ): Promise<Answer> {
    return api.async(await this.connect(node, pool), ...args)
  }

  /** Asks whichever broker answers. */
  async askAny<Arguments extends unknown[], Answer>(api: Api<Arguments, Answer>, args: Arguments): Promise<Answer> {
    return api.async(await this.#anyConnection(), ...args)
  }

  /** Asks whoever coordinates the group or the transactional id, and forgets who that is when it is not so any more. */
  async askCoordinator<Arguments extends unknown[], Answer>(
    kind: 'group' | 'transaction',
    key: string,
    api: Api<Arguments, Answer>,
    args: Arguments,
    pool?: ConnectionPool,
  ): Promise<Answer> {
    const name = `${kind}/${key}`
    let node = this.#coordinators.get(name)
    if (node === undefined) {
      node = await this.#findCoordinator(kind, key)
      this.#coordinators.set(name, node)
    }
    try {
      return await this.ask(node, api, args, pool)
    } catch (error) {
      const reasons = reasonsOf(error)
      if (reasons.length === 0 || reasons.some((reason) => COORDINATOR_MOVED.has(reason))) this.#coordinators.delete(name)
      throw error
    }
  }

  /** The topics that exist, by name. Those that it knows are asked for again only after a minute, or once they were forgotten. */
  async topics(names: readonly string[]): Promise<ReadonlyMap<string, TopicMetadata>> {
    const oldestMs = this.#monotonicMs() - METADATA_MAX_AGE_MS
    const missing = names.filter((name) => (this.#topics.get(name)?.atMs ?? -Infinity) < oldestMs)
    if (missing.length > 0) await this.#refreshed(missing)
    return new Map(names.flatMap((name) => (this.#topics.has(name) ? [[name, this.#topics.get(name)!.metadata] as const] : [])))
  }

  /** What was last heard of a topic. */
  known(topic: string): TopicMetadata | undefined {
    return this.#topics.get(topic)?.metadata
  }

  /** A broker said, or a broken connection suggests, that leaders have changed: the next question about these topics is asked anew. */
  doubt(topics: Iterable<string>): void {
    for (const topic of topics) {
      const known = this.#topics.get(topic)
      if (known !== undefined) this.#topics.set(topic, { ...known, atMs: -Infinity })
    }
  }

  async #findCoordinator(kind: 'group' | 'transaction', key: string): Promise<number> {
    const { coordinators } = await this.askAny(findCoordinatorV6.api, [COORDINATOR_KIND[kind], [key]])
    const { nodeId, host, port } = coordinators[0]!
    this.#brokers.set(nodeId, { host, port })
    return nodeId
  }

  async #refreshed(topics: readonly string[]): Promise<ReadonlyMap<number, Broker>> {
    const answer = await this.#metadata(topics)
    this.#brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }] as const))
    const atMs = this.#monotonicMs()
    for (const { name, topicId, partitions, errorCode } of answer.topics) {
      if (name === null || name === undefined) continue
      if (errorCode === UNKNOWN_TOPIC) this.#topics.delete(name)
      if (errorCode !== 0) continue
      const leaders: number[] = []
      for (const { partitionIndex, leaderId } of partitions) leaders[partitionIndex] = leaderId
      this.#topics.set(name, { metadata: { id: topicId, leaders }, atMs })
    }
    return this.#brokers
  }

  async #metadata(topics: readonly string[]): Promise<metadataV12.MetadataResponse> {
    try {
      return await this.askAny(metadataV12.api, [[...topics], false, false])
    } catch (error) {
      // A topic that does not exist, or has no leader, is an answer; the others' came with it.
      const { response } = error as { response?: metadataV12.MetadataResponse }
      if (response !== undefined) return response
      throw asSeaworthyError(error, 'a question for its metadata')
    }
  }

  async #anyConnection(): Promise<Connection> {
    const known = [...this.#brokers.values()]
    return this.#requests.getFirstAvailable([...known, ...this.bootstrap])
  }
}

function parse(connection: string | KafkaConnection): KafkaConnection {
  const options: KafkaConnection =
    typeof connection === 'string' ? { brokers: connection.replace(/^kafka:\/\//, '').split(',') } : connection
  if (options.brokers.length === 0)
    throw new ConfigurationError('No broker of Kafka is named. Give at least one, as in kafka://127.0.0.1:9092.')
  return options
}

function brokerOf(address: string): Broker {
  const match = /^\s*(?<host>[^\s:/@]+|\[[0-9a-fA-F:]+\])(?::(?<port>\d+))?\/?\s*$/.exec(address)
  // Not repeated in the message: it may hold a password.
  if (match === null) throw new ConfigurationError('An address of a broker of Kafka is not host:port. An account belongs into `sasl`.')
  const { host, port } = match.groups as { host: string; port?: string }
  return { host: host.replace(/^\[|\]$/g, ''), port: port === undefined ? 9_092 : Number(port) }
}
