import type { ClientConfig } from 'pg'
import { type Clock, backoffMs, exponential, sleep, systemClock, systemRandom } from 'seaworthy/core'
import { lsnAsNumber, numberAsLsn } from './lsn.ts'
import { type ReplicationMessage, ReplicationSession } from './replication-session.ts'

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
  #session: ReplicationSession | undefined

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

  #send(isAsking: boolean): void {
    this.#session?.acknowledge(numberAsLsn(this.#acknowledged), isAsking)
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
    let isInTransaction = false
    const session = new ReplicationSession({
      config: { application_name: 'seaworthy changes', ...this.#config },
      slot,
      publication,
      messages: true,
      onStart: () => {
        onStart()
        this.#failure = undefined
        this.#session = session
        this.#send(true)
      },
      onMessage: (message) => {
        isInTransaction = message.tag !== 'commit' && (isInTransaction || message.tag === 'begin')
        tell(receiver, message)
      },
      onHeartbeat: (lsn) => {
        // What comes before it in the log has come before it on this connection.
        if (!isInTransaction) receiver.progress(lsnAsNumber(lsn))
      },
      clock: this.#clock,
    })
    const onAbort = () => session.end(signal.reason)
    const beat = () => {
      this.#send(false)
      timer = this.#clock.timer(SIGN_OF_LIFE_MS, beat, { keepAlive: false })
    }
    let timer = this.#clock.timer(SIGN_OF_LIFE_MS, beat, { keepAlive: false })
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    try {
      await session.stream()
    } finally {
      this.#session = undefined
      timer.cancel()
      signal.removeEventListener('abort', onAbort)
      await session.close()
    }
  }
}

function tell(receiver: LogicalReceiver, message: ReplicationMessage): void {
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
