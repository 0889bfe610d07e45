import { type ClientConfig, Client } from 'pg'
import { type PgoutputPlugin as Plugin, PgoutputPlugin } from 'pg-logical-replication'
import { type Clock, sleep } from 'seaworthy/core'
import { lsnAsBigInt } from './lsn.ts'

/** A message of PostgreSQL's plug-in `pgoutput`. */
export type ReplicationMessage = ReturnType<Plugin['parse']>

export interface ReplicationSessionOptions {
  readonly config: ClientConfig
  readonly slot: string
  readonly publication: string
  /** Whether logical messages of transactions are wanted too. */
  readonly messages?: boolean
  readonly onStart: () => void
  /** As `onHeartbeat`: what it throws ends the session. */
  readonly onMessage: (message: ReplicationMessage) => void
  /** @param lsn up to where the server has sent its log */
  readonly onHeartbeat: (lsn: string) => void
  readonly clock: Clock
}

/** What is used of pg's connection, which its types leave out. */
interface Wire {
  readonly stream: { destroy(): void }
  on(event: 'copyData', listener: (message: { readonly chunk: Buffer }) => void): void
  on(event: 'replicationStart', listener: () => void): void
  sendCopyFromChunk(chunk: Buffer): void
}

const CLOSE_MS = 5_000
const XLOG_DATA = 'w'.codePointAt(0)
const KEEPALIVE = 'k'.codePointAt(0)
const XLOG_DATA_HEAD_BYTES = 25
const STATUS_BYTES = 34
// PostgreSQL's time begins with the year 2000.
const EPOCH_MS = Date.UTC(2000, 0)

/**
 * One session of logical replication, on pg's client: its errors are heard from before it is opened until after it is closed, because one that nobody hears ends
 * the process. (pg-logical-replication, which parses the messages, listens a moment after the session is open: too late for a server that ends it in that moment.)
 * @see https://www.postgresql.org/docs/current/protocol-replication.html
 */
export class ReplicationSession {
  readonly #options: ReplicationSessionOptions
  readonly #client: Client
  readonly #wire: Wire
  readonly #over = Promise.withResolvers<never>()
  #isStreaming = false

  constructor(options: ReplicationSessionOptions) {
    this.#options = options
    const config: ClientConfig & { readonly replication: 'database' } = { keepAlive: true, ...options.config, replication: 'database' }
    this.#client = new Client(config)
    this.#wire = (this.#client as unknown as { readonly connection: Wire }).connection
    this.#over.promise.catch(() => undefined)
    this.#client.on('error', this.#over.reject)
  }

  /** Opens it, and streams from where the slot is. Once. @throws why it ended */
  async stream(): Promise<never> {
    const { slot, publication, messages = false, onStart, onMessage, onHeartbeat } = this.#options
    const plugin = new PgoutputPlugin({ protoVersion: 1, publicationNames: [publication], messages })
    this.#wire.on('replicationStart', () => {
      this.#isStreaming = true
      onStart()
    })
    this.#wire.on('copyData', ({ chunk }) => {
      try {
        if (chunk[0] === XLOG_DATA) onMessage(plugin.parse(chunk.subarray(XLOG_DATA_HEAD_BYTES)))
        else if (chunk[0] === KEEPALIVE) onHeartbeat(lsnAt(chunk, 1))
      } catch (error) {
        this.end(error)
      }
    })
    const streaming = async () => {
      await this.#client.connect()
      await plugin.start(this.#client, slot, '0/0')
      throw new Error('The server ended the replication.')
    }
    return Promise.race([streaming(), this.#over.promise])
  }

  /** Tells the server that everything before a place in its log is stored here. @param isAsking whether it shall say how far it is, by a heartbeat */
  acknowledge(lsn: string, isAsking = false): void {
    if (this.#isStreaming) this.#wire.sendCopyFromChunk(statusUpdate(lsn, { atMs: this.#options.clock.now(), isAsking }))
  }

  /** Ends the stream for a reason from here. Nothing more is acknowledged. */
  end(reason: unknown): void {
    this.#isStreaming = false
    this.#over.reject(reason)
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#isStreaming = false
    // Bound, because a server that has gone says no goodbye.
    const bound = new AbortController()
    const closed = this.#client.end().catch(() => undefined)
    await Promise.race([closed, sleep(this.#options.clock, CLOSE_MS, bound.signal).catch(() => undefined)])
    bound.abort()
    this.#wire.stream.destroy()
  }
}

function lsnAt(message: Buffer, offset: number): string {
  const half = (at: number) => message.readUInt32BE(at).toString(16).toUpperCase()
  return `${half(offset)}/${half(offset + 4)}`
}

/** A standby's status update: what it has received, flushed and applied is one and the same. */
export function statusUpdate(lsn: string, { atMs, isAsking }: { readonly atMs: number; readonly isAsking: boolean }): Buffer {
  const message = Buffer.alloc(STATUS_BYTES)
  message.write('r')
  for (const offset of [1, 9, 17]) message.writeBigUInt64BE(lsnAsBigInt(lsn), offset)
  message.writeBigInt64BE(BigInt(Math.trunc(atMs - EPOCH_MS)) * 1_000n, 25)
  message.writeInt8(isAsking ? 1 : 0, 33)
  return message
}
