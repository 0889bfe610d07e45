import { type Clock, type Propagated, ConfigurationError, LimitExceededError, Wakeup, systemClock } from 'seaworthy/core'
import {
  type DeadQueueMessage,
  type Delivery,
  type NewQueueMessage,
  type Queue,
  type QueueStatus,
  LeaseLostError,
} from 'seaworthy/messaging'
import type { PostgresDatabase } from './database.ts'
import { PostgresClosedError } from './errors.ts'
import type { PostgresTransaction } from './open-transaction.ts'
import * as sql from './queue-statements.ts'
import { restored, storable, textArray } from './values.ts'

export interface PostgresQueueOptions {
  /** Of the queue: several share the tables. */
  readonly name: string
  /** How often a message is handed out before it is set aside. Default 5. */
  readonly deliveryLimit?: number
  /** How long an id is remembered after it was sent, in milliseconds, acknowledged or not. Default 24 hours. */
  readonly dedupeWindowMs?: number
  /** Messages stored at most, dead letters included. Counted every few seconds, so that a burst may pass it. Default 1,000,000. */
  readonly messagesMax?: number
  /** Size of a body at most, in bytes of JSON. Default 1,000,000. */
  readonly bodyBytesMax?: number
  /** How often a waiting receiver looks without being woken, in milliseconds. Default 1,000. */
  readonly pollMs?: number
  readonly clock?: Clock
}

interface MessageRow {
  readonly position: number
  readonly id: string
  readonly body: unknown
  readonly context: Propagated
  readonly attempts: number
  readonly lease: number
  readonly ready_for_ms: number
}

const CHANNEL = 'seaworthy_queue'
const COUNT_EVERY_MS = 5_000
// Rows that others are taking at this moment look ready, and are not.
const LOOK_AGAIN_MS = 10

/**
 * A queue in a PostgreSQL database, for any number of processes. Leases, delays and the window run on the server's clock, so that processes whose
 * clocks differ agree on them; a server's clock that is set moves them all. A process that died keeps its leases until they end.
 */
export function openPostgresQueue(database: PostgresDatabase, options: PostgresQueueOptions): Queue {
  const { deliveryLimit = 5, messagesMax = 1_000_000, dedupeWindowMs = 86_400_000 } = options
  for (const [name, value] of Object.entries({ deliveryLimit, messagesMax })) {
    if (!Number.isInteger(value) || value < 1) throw new ConfigurationError(`${name} of a queue is a whole number from 1, not ${value}.`)
  }
  if (!(dedupeWindowMs >= 0)) throw new ConfigurationError(`dedupeWindowMs of a queue is 0 or more, not ${dedupeWindowMs}.`)
  return new PostgresQueue(database, { ...options, deliveryLimit, messagesMax, dedupeWindowMs })
}

class PostgresQueue implements Queue {
  readonly #database: PostgresDatabase
  readonly #name: string
  readonly #clock: Clock
  readonly #deliveryLimit: number
  readonly #dedupeWindowMs: number
  readonly #messagesMax: number
  readonly #bodyBytesMax: number
  readonly #pollMs: number
  readonly #wakeup = new Wakeup()
  readonly #stopListening: () => void
  #countedAtMs: number | undefined
  #stored = 0
  #closed = false

  constructor(
    database: PostgresDatabase,
    options: PostgresQueueOptions & { deliveryLimit: number; messagesMax: number; dedupeWindowMs: number },
  ) {
    this.#database = database
    this.#name = storable(options.name)
    this.#clock = options.clock ?? systemClock
    this.#deliveryLimit = options.deliveryLimit
    this.#dedupeWindowMs = Math.ceil(options.dedupeWindowMs)
    this.#messagesMax = options.messagesMax
    this.#bodyBytesMax = options.bodyBytesMax ?? 1_000_000
    this.#pollMs = options.pollMs ?? 1_000
    this.#stopListening = database.listen(CHANNEL, (name) => {
      if (name === this.#name) this.#wakeup.wake()
    })
  }

  async send(message: NewQueueMessage): Promise<void> {
    this.#assertOpen()
    const body = this.#serialized(message)
    const delayMs = wholeMs(message.delayMs ?? 0, 'delayMs')
    await this.#assertRoom()
    await this.#database.atomically([
      { sql: sql.FORGET_IDS, params: [this.#name, this.#dedupeWindowMs] },
      { sql: sql.SEND, params: [this.#name, storable(message.id), body, JSON.stringify(message.context), delayMs, this.#dedupeWindowMs] },
    ])
    this.#ring()
  }

  async receive(options: { max: number; leaseMs: number; waitMs: number; signal?: AbortSignal }): Promise<readonly Delivery[]> {
    const leaseMs = wholeMs(options.leaseMs, 'leaseMs')
    if (!(options.max >= 1) || leaseMs === 0)
      throw new ConfigurationError('A receive asks for at least 1 message and a lease of at least 1 ms.')
    const { signal } = options
    const deadlineMs = this.#clock.monotonicMs() + options.waitMs
    for (;;) {
      this.#assertOpen()
      const { count } = this.#wakeup
      // An abort rolls back, and no message is taken along.
      const { deliveries, nextInMs } = await this.#database.transaction((tx) => this.#lend(tx, options.max, leaseMs), signal && { signal })
      if (deliveries.length > 0) return deliveries
      const leftMs = deadlineMs - this.#clock.monotonicMs()
      if (leftMs <= 0) return []
      const untilNextMs = nextInMs === undefined ? this.#pollMs : Math.min(this.#pollMs, Math.max(LOOK_AGAIN_MS, nextInMs))
      await this.#wakeup.wait(count, { clock: this.#clock, waitMs: Math.min(leftMs, untilNextMs), signal })
    }
  }

  async status(): Promise<QueueStatus> {
    const [row] = await this.#database.query<QueueStatus>({ sql: sql.SELECT_STATUS, params: [this.#name] })
    return row!
  }

  async deadLetters({ max }: { max: number }): Promise<readonly DeadQueueMessage[]> {
    const rows = await this.#database.query<{ id: string; body: unknown; attempts: number; reason: string; died_at_ms: number }>({
      sql: sql.SELECT_DEAD,
      params: [this.#name, max],
    })
    return rows.map(({ id, body, attempts, reason, died_at_ms: diedAtMs }) => ({
      id: restored(id),
      body,
      attempts,
      reason: restored(reason),
      diedAtMs,
    }))
  }

  async requeueDead(ids: readonly string[]): Promise<number> {
    const [row] = await this.#database.transaction((tx) =>
      tx.query<{ count: number }>({ sql: sql.EXHUME, params: [this.#name, textArray(ids.map(storable))] }),
    )
    this.#ring()
    return row!.count
  }

  /** Ends those who wait. The database is its owner's to close. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stopListening()
    this.#wakeup.wake()
  }

  /** Leases what is ready, and sets aside on the way what nobody may get any more. */
  async #lend(tx: PostgresTransaction, max: number, leaseMs: number): Promise<{ deliveries: Delivery[]; nextInMs: number | undefined }> {
    const deliveries: Delivery[] = []
    for (;;) {
      const wanted = max - deliveries.length
      const rows = await tx.query<MessageRow>({ sql: sql.LEND, params: [this.#name, wanted, leaseMs] })
      for (const row of rows.toSorted((one, other) => one.position - other.position)) {
        if (row.attempts <= this.#deliveryLimit) {
          deliveries.push(this.#delivery(row))
          continue
        }
        const reason = `The lease of attempt ${row.attempts - 1} ended without an answer: the worker hung, or died of it.`
        await tx.execute({ sql: sql.BURY, params: [row.position, row.lease, reason, 1] })
      }
      if (deliveries.length === max || rows.length < wanted) break
    }
    if (deliveries.length > 0) return { deliveries, nextInMs: undefined }
    const [next] = await tx.query<{ in_ms: number | null }>({ sql: sql.SELECT_NEXT_VISIBLE, params: [this.#name] })
    return { deliveries, nextInMs: next?.in_ms ?? undefined }
  }

  #delivery({ position, id: storedId, body, context, attempts, lease, ready_for_ms: readyForMs }: MessageRow): Delivery {
    const id = restored(storedId)
    // One round trip each, which changes a row only under this very lease.
    const answer = async (statement: string, ...params: readonly (string | number)[]) => {
      const [changed] = await this.#database.atomically([{ sql: statement, params: [position, lease, ...params] }])
      if (changed!.rowCount === 0) throw new LeaseLostError(id)
    }
    return {
      id,
      body,
      context,
      attempt: attempts,
      readyForMs: Math.max(0, readyForMs),
      acknowledge: () => answer(sql.ACKNOWLEDGE),
      extend: async (leaseMs) => answer(sql.EXTEND, wholeMs(leaseMs, 'leaseMs')),
      reject: async ({ reason, delayMs = 0, dead = false }) => {
        const pauseMs = wholeMs(delayMs, 'delayMs')
        if (dead || attempts >= this.#deliveryLimit) await answer(sql.BURY, storable(reason), 0)
        else await answer(sql.RETURN, pauseMs)
        this.#ring()
      },
    }
  }

  #ring(): void {
    this.#wakeup.wake()
    this.#database.notify(CHANNEL, this.#name)
  }

  #assertOpen(): void {
    if (this.#closed) throw new PostgresClosedError(`${restored(this.#name)} (a queue of ${this.#database.name})`)
  }

  async #assertRoom(): Promise<void> {
    const nowMs = this.#clock.monotonicMs()
    if (this.#countedAtMs === undefined || nowMs - this.#countedAtMs >= COUNT_EVERY_MS) {
      this.#countedAtMs = nowMs
      const params = [this.#name, this.#messagesMax]
      const [row] = await this.#database.query<{ stored: number }>({ sql: sql.COUNT_STORED, params })
      this.#stored = row!.stored
    }
    if (this.#stored < this.#messagesMax) return
    throw new LimitExceededError(
      `The queue ${restored(this.#name)} holds ${this.#stored} messages; its messagesMax is ${this.#messagesMax}. Let its workers catch up, and look at its dead letters.`,
      { retryAfterMs: 1_000 },
    )
  }

  #serialized({ id, body }: NewQueueMessage): string {
    const text: string | undefined = JSON.stringify(body)
    if (text === undefined)
      throw new ConfigurationError(`The body of message ${id} is no JSON value: ${typeof body}. Send null, or what JSON can express.`)
    const bytes = Buffer.byteLength(text)
    if (bytes <= this.#bodyBytesMax) return text
    throw new LimitExceededError(
      `The body of message ${id} is ${bytes} bytes long; bodyBytesMax is ${this.#bodyBytesMax}. Store what is large elsewhere and send where it is.`,
      { final: true },
    )
  }
}

/** Milliseconds as the tables keep them. Rounded up: a lease is never shorter than asked for. */
function wholeMs(value: number, name: string): number {
  if (!(value >= 0) || value > Number.MAX_SAFE_INTEGER / 2)
    throw new ConfigurationError(`${name} is a number of milliseconds from 0, not ${value}.`)
  return Math.ceil(value)
}
