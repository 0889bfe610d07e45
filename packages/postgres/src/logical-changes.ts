import type { ClientConfig } from 'pg'
import { type PgoutputPlugin as Plugin, LogicalReplicationService, PgoutputPlugin } from 'pg-logical-replication'
import { type Clock, backoffMs, exponential, sleep, systemClock, systemRandom } from 'seaworthy/core'
import { justBefore, lsnAsNumber, numberAsLsn } from './lsn.ts'

/** What a transaction did to one row of a published table. */
export interface LogicalChange {
  readonly table: string
  readonly operation: 'insert' | 'update' | 'delete'
  /** What is known of the row before: all of it under REPLICA IDENTITY FULL, else its key, and on an update nothing where the key stayed. */
  readonly before: Readonly<Record<string, unknown>> | undefined
  readonly after: Readonly<Record<string, unknown>> | undefined
}

/** Is told of committed transactions, one after another, in the order of their commits. */
export interface LogicalReceiver {
  /** @param xid its lower 32 bits */
  begin(xid: number): void
  change(change: LogicalChange): void
  /** Tables were emptied at once. */
  truncated(tables: readonly string[]): void
  /** A logical message of the transaction (`pg_logical_emit_message`). */
  message(prefix: string, content: string): void
  /** @param position after the transaction, as a number of bytes of the server's log @param atMs by the server's clock, in milliseconds since 1970 */
  commit(position: number, atMs: number): void
  /** Everything up to a position has been told. */
  progress(position: number): void
}

export interface LogicalChangesOptions {
  /** For the session that replicates: its role needs REPLICATION. No pooler in between. */
  readonly connection: string | ClientConfig
  readonly slot: string
  readonly publication: string
  readonly receiver: LogicalReceiver
  readonly clock?: Clock
}

export interface LogicalChanges {
  /** Undefined while it streams. */
  failure(): unknown
  /** Tells the server that everything up to a position is stored elsewhere: it is not told again, and the server may forget it. */
  acknowledge(position: number): void
  /** Asks the server how far it is. The answer comes as `progress`. */
  ask(): void
  stop(): Promise<void>
}

const RECONNECT = exponential({ baseMs: 50, maxMs: 5_000, jitter: 'full' })
const STOP_MS = 5_000
// The server ends a session that says nothing for wal_sender_timeout, a minute.
const SIGN_OF_LIFE_MS = 10_000

/**
 * Reads what is committed to the tables of a publication, by logical replication. After a broken connection it begins again after what was acknowledged last,
 * so the receiver is told of some transactions twice.
 */
export function startLogicalChanges(options: LogicalChangesOptions): LogicalChanges {
  return new SlotStream(options)
}

class SlotStream implements LogicalChanges {
  readonly #options: LogicalChangesOptions
  readonly #config: ClientConfig
  readonly #clock: Clock
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  #failure: unknown = new Error('not connected yet')
  #acknowledged = 0
  #service: LogicalReplicationService | undefined

  constructor(options: LogicalChangesOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#config = typeof options.connection === 'string' ? { connectionString: options.connection } : options.connection
    this.#running = this.#run()
  }

  failure(): unknown {
    return this.#failure
  }

  acknowledge(position: number): void {
    if (position > this.#acknowledged) this.#acknowledged = position
    this.#send(false)
  }

  ask(): void {
    this.#send(true)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  #send(ping: boolean): void {
    // A session that broke is noticed where it is read.
    void this.#service?.acknowledge(justBefore(numberAsLsn(this.#acknowledged)), ping).catch(() => undefined)
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    for (let attempts = 1; !signal.aborted; attempts++) {
      try {
        await this.#stream(() => (attempts = 0))
      } catch (error) {
        this.#failure = error
      }
      await sleep(this.#clock, backoffMs(RECONNECT, Math.max(1, attempts), systemRandom), signal).catch(() => undefined)
    }
  }

  async #stream(onStart: () => void): Promise<void> {
    const { signal } = this.#stopping
    const { receiver, slot, publication } = this.#options
    const config: ClientConfig = { application_name: 'seaworthy changes', keepAlive: true, ...this.#config }
    const service = new LogicalReplicationService(config, { acknowledge: { auto: false, timeoutSeconds: 0 } })
    const over = Promise.withResolvers<never>()
    over.promise.catch(() => undefined)
    const onAbort = () => over.reject(signal.reason)
    let isInTransaction = false
    service.on('error', over.reject)
    service.on('start', () => {
      onStart()
      this.#failure = undefined
      this.#service = service
      this.#send(true)
    })
    service.on('data', (_, message: ReturnType<Plugin['parse']>) => {
      isInTransaction = message.tag !== 'commit' && (isInTransaction || message.tag === 'begin')
      tell(receiver, message)
    })
    service.on('heartbeat', (lsn) => {
      // What comes before it in the log has come before it on this connection.
      if (!isInTransaction) receiver.progress(lsnAsNumber(lsn))
    })
    const beat = () => {
      this.#send(false)
      timer = this.#clock.timer(SIGN_OF_LIFE_MS, beat, { keepAlive: false })
    }
    let timer = this.#clock.timer(SIGN_OF_LIFE_MS, beat, { keepAlive: false })
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    try {
      const plugin = new PgoutputPlugin({ protoVersion: 1, publicationNames: [publication], messages: true })
      await Promise.race([service.subscribe(plugin, slot), over.promise])
      throw new Error('The server ended the replication.')
    } finally {
      this.#service = undefined
      timer.cancel()
      signal.removeEventListener('abort', onAbort)
      // Bound, because a server that has gone says no goodbye.
      const bound = new AbortController()
      await Promise.race([service.destroy().catch(() => undefined), sleep(this.#clock, STOP_MS, bound.signal).catch(() => undefined)])
      bound.abort()
    }
  }
}

function tell(receiver: LogicalReceiver, message: ReturnType<Plugin['parse']>): void {
  switch (message.tag) {
    case 'begin':
      receiver.begin(message.xid)
      return
    case 'insert':
      receiver.change({ table: message.relation.name, operation: 'insert', before: undefined, after: message.new })
      return
    case 'update':
      receiver.change({
        table: message.relation.name,
        operation: 'update',
        before: message.old ?? message.key ?? undefined,
        after: message.new,
      })
      return
    case 'delete':
      receiver.change({
        table: message.relation.name,
        operation: 'delete',
        before: message.old ?? message.key ?? undefined,
        after: undefined,
      })
      return
    case 'truncate':
      receiver.truncated(message.relations.map(({ name }) => name))
      return
    case 'message':
      // One that does not belong to its transaction came from one that may have rolled back.
      if (message.transactional) receiver.message(message.prefix, Buffer.from(message.content).toString('utf8'))
      return
    case 'commit':
      receiver.commit(lsnAsNumber(message.commitEndLsn ?? '0/0'), Number(message.commitTime) / 1_000)
      return
    case 'origin':
    case 'relation':
    case 'type':
  }
}
