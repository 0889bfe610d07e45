import { type ClientConfig, Client } from 'pg'
import { type Clock, backoffMs, exponential, sleep, systemRandom } from 'seaworthy/core'
import { type BatchStatement, StatementBatch } from './statement-batch.ts'
import { textArray } from './values.ts'

const RECONNECT = exponential({ baseMs: 50, maxMs: 5_000, jitter: 'full' })
const NOTIFY = 'SELECT pg_notify($1, $2)'
const NOTIFY_ALL = 'SELECT pg_notify(n.channel, n.payload) FROM unnest($1::text[], $2::text[]) AS n (channel, payload)'
// A notification is written to the server's log like a row, and nothing is lost with it: it need not wait for the disk, nor hold its lock meanwhile.
const CONFIGURE = "SELECT pg_backend_pid() AS pid, set_config('synchronous_commit', 'off', false)"
// How long the server may take to answer. Nobody waits for a bell for longer, a closing process least of all.
const ANSWER_MS = 5_000
// From one notification to the next, on average. Where commits follow each other closely, a bell for each of them cost a third of the throughput of a single writer,
// and whoever heard the last one reads what came since anyhow. A few after a pause go at once, so that traffic that comes now and then waits for nothing.
const GAP_MS = 5
const AT_ONCE = 8
// What PostgreSQL takes.
const PAYLOAD_BYTES_MAX = 7_999

interface Session {
  readonly client: Client
  readonly pid: number
}

/**
 * LISTEN and NOTIFY on a session of its own, opened at the first use.
 *
 * A NOTIFY inside a transaction holds a lock of the whole cluster from before its COMMIT until after it, so that transactions that notify wait for
 * each other's disk. So ours go out after the commits that they tell of, and one statement carries all that gathered while the one
 * before it was under way, or waited for its turn. A process that dies between the two rings no bell: whoever listens looks by itself from time to time as well.
 */
export class Signals {
  readonly #config: ClientConfig
  readonly #clock: Clock
  readonly #listeners = new Map<string, Set<(payload: string) => void>>()
  readonly #closing = new AbortController()
  /** Ends the wait between two notifications: what is unsent goes now, or never. */
  readonly #leaving = new AbortController()
  readonly #unsent = new Map<string, readonly [channel: string, payload: string]>()
  /** When the next one is due if all go evenly (the generic cell rate algorithm, ITU-T I.371). */
  #dueAtMs = 0
  #session: Promise<Session> | undefined
  #sending: Promise<void> | undefined
  #reconnecting: Promise<void> | undefined

  constructor(options: { config: ClientConfig; clock: Clock }) {
    this.#config = options.config
    this.#clock = options.clock
  }

  listen(channel: string, listener: (payload: string) => void): () => void {
    const own = (payload: string) => listener(payload)
    const listeners = this.#listeners.get(channel)
    if (listeners === undefined) {
      this.#listeners.set(channel, new Set([own]))
      if (this.#session === undefined) this.#keepConnected()
      else void this.#session.then(({ client }) => client.query(`LISTEN ${client.escapeIdentifier(channel)}`)).catch(() => undefined)
    } else listeners.add(own)
    return () => this.#listeners.get(channel)?.delete(own)
  }

  notify(channel: string, payload: string): void {
    if (Buffer.byteLength(payload) > PAYLOAD_BYTES_MAX) return
    this.#unsent.set(`${channel} ${payload}`, [channel, payload])
    this.#sending ??= this.#send().finally(() => (this.#sending = undefined))
  }

  async close(): Promise<void> {
    this.#leaving.abort()
    await this.#sending
    this.#closing.abort()
    await this.#reconnecting
    const session = await this.#session?.catch(() => undefined)
    await session?.client.end().catch(() => undefined)
  }

  async #send(): Promise<void> {
    while (this.#unsent.size > 0) {
      await this.#turn()
      const signals = [...this.#unsent.values()]
      this.#unsent.clear()
      try {
        const { client } = await this.#connected()
        await sent(client, notification(signals)).catch((error: unknown) => {
          // Without an answer the session is of no use to anybody.
          void client.end().catch(() => undefined)
          throw error
        })
      } catch {
        // Who listens looks by itself too. The next one opens a new session.
      }
    }
  }

  async #turn(): Promise<void> {
    const nowMs = this.#clock.monotonicMs()
    this.#dueAtMs = Math.max(this.#dueAtMs, nowMs)
    const waitMs = this.#dueAtMs - (AT_ONCE - 1) * GAP_MS - nowMs
    this.#dueAtMs += GAP_MS
    if (waitMs > 0) await sleep(this.#clock, waitMs, this.#leaving.signal).catch(() => undefined)
  }

  #connected(): Promise<Session> {
    this.#session ??= this.#connect()
    return this.#session
  }

  async #connect(): Promise<Session> {
    const client = new Client({
      application_name: 'seaworthy signals',
      keepAlive: true,
      connectionTimeoutMillis: ANSWER_MS,
      query_timeout: ANSWER_MS,
      ...this.#config,
    })
    client.on('error', () => undefined)
    client.once('end', () => {
      this.#session = undefined
      if (this.#listeners.size > 0 && !this.#closing.signal.aborted) this.#keepConnected()
    })
    try {
      await client.connect()
      const { rows } = await client.query<{ pid: number }>(CONFIGURE)
      const { pid } = rows[0]!
      client.on('notification', ({ channel, payload = '', processId }) => {
        // Its own were told in the process already.
        if (processId !== pid) for (const listener of this.#listeners.get(channel) ?? []) listener(payload)
      })
      for (const channel of this.#listeners.keys()) await client.query(`LISTEN ${client.escapeIdentifier(channel)}`)
      return { client, pid }
    } catch (error) {
      this.#session = undefined
      void client.end().catch(() => undefined)
      throw error
    }
  }

  /** Opens the session, again and again: a server may be down for a while. */
  #keepConnected(): void {
    this.#reconnecting ??= this.#reconnect().finally(() => (this.#reconnecting = undefined))
  }

  async #reconnect(): Promise<void> {
    const { signal } = this.#closing
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await this.#connected()
        return
      } catch {
        await sleep(this.#clock, backoffMs(RECONNECT, attempt, systemRandom), signal).catch(() => undefined)
      }
    }
  }
}

/** As a batch, which spares the client the description of a row that nobody reads. */
function sent(client: Client, statement: BatchStatement): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAnswer = (error: Error | null) => (error === null ? resolve() : reject(error))
    client.query(new StatementBatch([statement], { timeoutMs: ANSWER_MS, onAnswer }))
  })
}

function notification(signals: readonly (readonly [channel: string, payload: string])[]): BatchStatement {
  const [first] = signals
  return signals.length === 1
    ? { sql: NOTIFY, values: [...first!] }
    : { sql: NOTIFY_ALL, values: [textArray(signals.map(([channel]) => channel)), textArray(signals.map(([, payload]) => payload))] }
}
