import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Guardian } from '@seaworthy/supervisor'
import { Client } from 'pg'
import type { Application, ConsumerContext, ConsumerRole, OutboxAdapter, OutboxEvent } from './adapter.ts'
import { DatabaseGate } from './database-gate.ts'
import { AdapterError, NotPutError } from './errors.ts'
import { Exchange } from './exchange.ts'
import { EFFECTS_TABLE } from './handler.ts'
import { lost } from './judgement.ts'
import { ProductProcess } from './product-process.ts'
import type { ConformanceServer } from './server.ts'

/** How much a test does: `quick` asks the same questions with fewer events. */
export type Scale = 'quick' | 'full'

export interface TrialOptions {
  readonly adapter: OutboxAdapter
  readonly adapterUrl: string
  readonly server: ConformanceServer
  readonly guardian: Guardian
  readonly scale: Scale
  /** A relay that has not delivered for so long is helped by a fresh one; what that does not deliver in twice this time is lost. */
  readonly patienceMs: number
  readonly signal: AbortSignal
}

export interface RelayProcess extends ProductProcess {
  /** On its way to the database. */
  readonly gate: DatabaseGate
}

export const LIMITS = { attemptsMax: 3, handlerTimeoutMs: 1_000, windowMs: 600_000 } as const
const NEXT_NUMBER = `INSERT INTO conformance_keys AS k (key, number) VALUES ($1, 1)
  ON CONFLICT (key) DO UPDATE SET number = k.number + 1 RETURNING number`
const POLL_MS = 20
/** One test's own database, broker and processes. All of it is gone after the test. */
export class Trial {
  readonly adapter: OutboxAdapter
  readonly exchange: Exchange
  readonly databaseUrl: string
  readonly server: ConformanceServer
  readonly scale: Scale
  readonly signal: AbortSignal
  /** Events by which relays were seen to be at work. */
  readonly warmUps: OutboxEvent[] = []
  readonly #options: TrialOptions
  #application: Application | undefined
  readonly #processes: ProductProcess[] = []
  readonly #gates: DatabaseGate[] = []
  readonly #sessions: Client[] = []
  #instances = 0

  private constructor(options: TrialOptions, exchange: Exchange, databaseUrl: string) {
    this.#options = options
    this.adapter = options.adapter
    this.server = options.server
    this.scale = options.scale
    this.signal = options.signal
    this.exchange = exchange
    this.databaseUrl = databaseUrl
  }

  static async open(options: TrialOptions): Promise<Trial> {
    const trial = new Trial(options, await Exchange.listen(), await options.server.createDatabase())
    try {
      try {
        await options.adapter.setup({ url: trial.databaseUrl })
        trial.#application = await options.adapter.application({ url: trial.databaseUrl })
      } catch (cause) {
        throw new AdapterError(`The adapter could not set up ${options.adapter.name}: ${String(cause)}`, { cause })
      }
      const session = await trial.session()
      await session.query(EFFECTS_TABLE)
      await session.query('CREATE TABLE conformance_notes (note text)')
      await session.query('CREATE TABLE conformance_keys (key text PRIMARY KEY, number integer NOT NULL)')
    } catch (error) {
      await trial.close()
      throw error
    }
    return trial
  }

  get application(): Application {
    return this.#application!
  }

  /** A session of the application, straight to the server. It ends with the trial. */
  async session(): Promise<Client> {
    const client = new Client({ connectionString: this.databaseUrl })
    // Some tests end sessions from the server's side.
    client.on('error', () => undefined)
    this.#sessions.push(client)
    await client.connect()
    return client
  }

  /** `count` of one key, or one after another of several. */
  events(count: number, keys = 1, extra: Partial<OutboxEvent> = {}): readonly OutboxEvent[] {
    return Array.from({ length: count }, (_, index) => ({
      id: randomUUID(),
      key: `key-${(index % keys) + 1}`,
      number: Math.floor(index / keys) + 1,
      ...extra,
    }))
  }

  /** Adds each event in a transaction of its own, one after another. */
  async commit(events: readonly OutboxEvent[], session?: Client): Promise<void> {
    const client = session ?? (await this.session())
    for (const event of events) {
      await client.query('BEGIN')
      await this.application.add(client, [event])
      await client.query('COMMIT')
    }
  }

  /**
   * `writers` sessions, each of which commits `each` events, one a transaction, over `keys` keys. A writer takes its transaction id first, by writing a row
   * of its own, and then the key's next number from a row that it locks, as a service does that loads an aggregate: so the numbers are in the order of commits.
   */
  async write({
    writers,
    each,
    keys,
    name,
  }: {
    writers: number
    each: number
    keys: number
    name: string
  }): Promise<readonly OutboxEvent[]> {
    const committed: OutboxEvent[] = []
    const write = async (writer: number) => {
      const client = await this.session()
      for (let index = 0; index < each; index++) {
        this.signal.throwIfAborted()
        const key = `${name}-${((writer + index * writers) % keys) + 1}`
        await client.query('BEGIN')
        await client.query("INSERT INTO conformance_notes VALUES ('written first')")
        const { rows } = await client.query<{ number: number }>(NEXT_NUMBER, [key])
        const event = { id: randomUUID(), key, number: rows[0]!.number }
        await this.application.add(client, [event])
        await client.query('COMMIT')
        committed.push(event)
      }
    }
    await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
    return committed
  }

  async startRelay(): Promise<RelayProcess> {
    const gate = await DatabaseGate.open(this.databaseUrl)
    this.#gates.push(gate)
    return Object.assign(this.#start('relay', gate.through(this.databaseUrl)), { gate })
  }

  /** Starts relays, and waits until events arrive. @throws NotPutError when none does */
  async relaysAtWork(count = 1): Promise<readonly RelayProcess[]> {
    const relays: RelayProcess[] = []
    for (let index = 0; index < count; index++) relays.push(await this.startRelay())
    const warmUp = this.events(1, 1, { key: `warm-up-${this.#instances}` })
    await this.commit(warmUp)
    await this.must('The first event', () => lost(warmUp, this.exchange.log).length === 0)
    this.warmUps.push(...warmUp)
    return relays
  }

  async killRelays(): Promise<void> {
    await Promise.all(this.#processes.filter(({ instance }) => instance.startsWith('relay')).map((process) => process.kill()))
  }

  startConsumer(limits: Partial<ConsumerContext['limits']> = {}): ProductProcess {
    return this.#start('consumer', this.databaseUrl, limits)
  }

  /** Runs a consumer until the trial ends, and starts it again when it dies, as a supervisor does. @returns how often it was started */
  superviseConsumer(limits: Partial<ConsumerContext['limits']> = {}): { readonly starts: number } {
    const counted = { starts: 0 }
    const run = async () => {
      while (!this.signal.aborted) {
        counted.starts++
        await this.startConsumer(limits).exited
        await delay(200)
      }
    }
    void run()
    return counted
  }

  /** The inbox of the product. @throws when it has none: ask first */
  get consumer(): ConsumerRole {
    if ('doesNotHave' in this.adapter.consumer) throw new NotPutError(this.adapter.consumer.doesNotHave)
    return this.adapter.consumer
  }

  /** Waits for a condition. @returns whether it came within the time */
  async comes(condition: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
    const endAtMs = performance.now() + withinMs
    for (;;) {
      this.signal.throwIfAborted()
      if (await condition()) return true
      if (performance.now() >= endAtMs) return false
      await delay(POLL_MS)
    }
  }

  /** Waits for a condition without which the test means nothing. @throws NotPutError when it does not come */
  async must(what: string, condition: () => boolean | Promise<boolean>, withinMs = 30_000): Promise<void> {
    if (await this.comes(condition, withinMs)) return
    const output = this.#processes.map((process) => process.output).filter((text) => text !== '')
    throw new NotPutError(`${what} did not come within ${withinMs / 1000} s.${output.length === 0 ? '' : ` It said: ${output.at(-1)}`}`)
  }

  /**
   * Waits until all have arrived. When nothing has come for a while, a fresh relay is started: what is late comes then, and what does not is lost.
   * @returns those that are lost
   */
  async undelivered(events: readonly OutboxEvent[]): Promise<readonly OutboxEvent[]> {
    const { patienceMs } = this.#options
    for (const help of [false, true]) {
      if (help) {
        await this.killRelays()
        await this.startRelay()
      }
      let count = -1
      // Each arrival gives it the whole time again.
      while (count !== this.exchange.log.length) {
        count = this.exchange.log.length
        const arrived = await this.comes(
          () => lost(events, this.exchange.log).length === 0 || this.exchange.log.length > count,
          help ? patienceMs * 2 : patienceMs,
        )
        if (!arrived) break
        if (lost(events, this.exchange.log).length === 0) return []
      }
    }
    return lost(events, this.exchange.log)
  }

  /** What handlers have done, in the order in which they did it. */
  async effects(client: Client): Promise<readonly { id: string; key: string; number: number; instance: string }[]> {
    const { rows } = await client.query<{ id: string; key: string; number: number; instance: string }>(
      'SELECT id, key, number, instance FROM conformance_effects ORDER BY position',
    )
    return rows
  }

  async close(): Promise<void> {
    const { server } = this
    await Promise.all(this.#processes.map((process) => process.kill()))
    for (const gate of this.#gates) gate.close()
    this.exchange.close()
    await this.#application?.close().catch(() => undefined)
    await server.dropDatabase(this.databaseUrl)
    await Promise.all(this.#sessions.map((session) => session.end().catch(() => undefined)))
  }

  #start(what: 'relay' | 'consumer', databaseUrl: string, limits: Partial<ConsumerContext['limits']> = {}): ProductProcess {
    const { adapter, adapterUrl, guardian } = this.#options
    const process = new ProductProcess({
      what,
      role: what === 'relay' ? adapter.relay : this.consumer,
      adapterUrl,
      databaseUrl,
      guardian,
      instance: `${what}-${++this.#instances}`,
      exchangeUrl: this.exchange.url,
      limits: { ...LIMITS, ...limits },
    })
    this.#processes.push(process)
    return process
  }
}

export async function backendPid(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  return rows[0]!.pid
}
