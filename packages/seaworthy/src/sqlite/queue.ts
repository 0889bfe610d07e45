import { type Clock, ConfigurationError, LimitExceededError, Wakeup, systemClock } from 'seaworthy/core'
import {
  type DeadQueueMessage,
  type Delivery,
  type NewQueueMessage,
  type Queue,
  type QueueStatus,
  LeaseLostError,
} from 'seaworthy/messaging'
import { type SqliteDatabase, type SqliteDatabaseOptions, openSqliteDatabase } from './database.ts'
import { migrate } from './migrate.ts'
import type { SqliteTransaction } from './open-transaction.ts'
import * as sql from './queue-file.ts'

export interface SqliteQueueOptions extends SqliteDatabaseOptions {
  /** How often a message is handed out before it is set aside. Default 5. */
  readonly deliveryLimit?: number
  /** How long an id is remembered after it was sent, in milliseconds, acknowledged or not. Default 24 hours. */
  readonly dedupeWindowMs?: number
  /** Messages stored at most, dead letters included. Default 1,000,000. */
  readonly messagesMax?: number
  /** Size of a body at most, in bytes of JSON. Default 1,000,000. */
  readonly bodyBytesMax?: number
}

interface MessageRow {
  readonly position: number
  readonly id: string
  readonly body: string
  readonly context: string
  readonly attempts: number
  readonly visible_at_ms: number
}

/**
 * Opens the embedded queue: a file that this process owns until `close`, or until it dies. Leases end with the process, so that what
 * its predecessor had handed out is ready at once.
 *
 * Times run on the monotonic clock: a wall clock that jumps moves neither leases nor delays. The wall clock is read at the opening alone. If it was
 * set back since, a delay starts anew, and ids are remembered for longer; if it was set forward, a delay ends
 * early, and ids may be forgotten early. A host that sleeps stops the clock.
 * @throws SqliteOwnedError (`database-owned`) when another process has the file
 */
export async function openSqliteQueue(options: SqliteQueueOptions): Promise<Queue> {
  const { deliveryLimit = 5, messagesMax = 1_000_000, dedupeWindowMs = 86_400_000 } = options
  for (const [name, value] of Object.entries({ deliveryLimit, messagesMax })) {
    if (!Number.isInteger(value) || value < 1) throw new ConfigurationError(`${name} of a queue is a whole number from 1, not ${value}.`)
  }
  if (!(dedupeWindowMs >= 0)) throw new ConfigurationError(`dedupeWindowMs of a queue is 0 or more, not ${dedupeWindowMs}.`)
  const database = await openSqliteDatabase(options)
  try {
    await migrate(database, [sql.QUEUE_SCHEMA], options.clock === undefined ? {} : { clock: options.clock })
    const time = new QueueClock(options.clock ?? systemClock)
    const nowMs = time.nowMs()
    await database.atomically([
      { sql: sql.RELEASE_LEASES, params: [nowMs] },
      { sql: sql.CLAMP_DELAYS, params: [nowMs] },
    ])
    const [count] = await database.query<{ messages: number }>({ sql: sql.COUNT_ALL })
    return new EmbeddedQueue(database, time, count!.messages, { ...options, deliveryLimit, messagesMax, dedupeWindowMs })
  } catch (error) {
    await database.close()
    throw error
  }
}

/** Wall-clock time as of the opening, carried on by the monotonic clock. In whole milliseconds; it never goes back or jumps. */
class QueueClock {
  readonly clock: Clock
  readonly #originMs: number

  constructor(clock: Clock) {
    this.clock = clock
    this.#originMs = clock.now() - clock.monotonicMs()
  }

  nowMs(): number {
    return Math.floor(this.#originMs + this.clock.monotonicMs())
  }
}

class EmbeddedQueue implements Queue {
  readonly #database: SqliteDatabase
  readonly #time: QueueClock
  readonly #deliveryLimit: number
  readonly #dedupeWindowMs: number
  readonly #messagesMax: number
  readonly #bodyBytesMax: number
  readonly #wakeup = new Wakeup()
  // Counted here, because this process alone writes the file and counting rows takes time.
  #stored: number
  // A new one for each hand-out; those of earlier processes were taken back at the opening.
  #lease = 0

  constructor(
    database: SqliteDatabase,
    time: QueueClock,
    stored: number,
    options: SqliteQueueOptions & { deliveryLimit: number; messagesMax: number; dedupeWindowMs: number },
  ) {
    this.#database = database
    this.#time = time
    this.#stored = stored
    this.#deliveryLimit = options.deliveryLimit
    this.#dedupeWindowMs = options.dedupeWindowMs
    this.#messagesMax = options.messagesMax
    this.#bodyBytesMax = options.bodyBytesMax ?? 1_000_000
  }

  async send(message: NewQueueMessage): Promise<void> {
    const body = this.#serialized(message)
    const delayMs = wholeMs(message.delayMs ?? 0, 'delayMs')
    if (this.#stored >= this.#messagesMax) {
      throw new LimitExceededError(
        `The queue ${this.#database.path} holds ${this.#stored} messages, its messagesMax. Let its workers catch up, and look at its dead letters.`,
        { retryAfterMs: 1_000 },
      )
    }
    const context = JSON.stringify(message.context)
    await this.#database.transaction(async (tx) => {
      const nowMs = this.#time.nowMs()
      const forgottenMs = nowMs - this.#dedupeWindowMs
      await tx.execute({ sql: sql.FORGET_IDS, params: [forgottenMs] })
      const remembered = await tx.execute({ sql: sql.REMEMBER_ID, params: [message.id, nowMs, forgottenMs] })
      if (remembered.rowCount === 0) return
      const inserted = await tx.execute({ sql: sql.INSERT_MESSAGE, params: [message.id, body, context, nowMs + delayMs, delayMs] })
      tx.afterCommit(() => {
        this.#stored += inserted.rowCount
        this.#wakeup.wake()
      })
    })
  }

  async receive(options: { max: number; leaseMs: number; waitMs: number; signal?: AbortSignal }): Promise<readonly Delivery[]> {
    const leaseMs = wholeMs(options.leaseMs, 'leaseMs')
    if (!(options.max >= 1) || leaseMs === 0)
      throw new ConfigurationError('A receive asks for at least 1 message and a lease of at least 1 ms.')
    const { clock } = this.#time
    const { signal } = options
    const deadlineMs = clock.monotonicMs() + options.waitMs
    for (;;) {
      const { count } = this.#wakeup
      // An abort ends the wait for the turn. What has been leased is handed out even so: nobody else would get it before the lease ends.
      const { deliveries, nextAtMs } = await this.#database.transaction((tx) => this.#lend(tx, options.max, leaseMs), signal && { signal })
      if (deliveries.length > 0) return deliveries
      const leftMs = deadlineMs - clock.monotonicMs()
      if (leftMs <= 0) return []
      const untilNextMs = nextAtMs === undefined ? leftMs : Math.max(0, nextAtMs - this.#time.nowMs())
      await this.#wakeup.wait(count, { clock, waitMs: Math.min(leftMs, untilNextMs), signal })
    }
  }

  async status(): Promise<QueueStatus> {
    const [row] = await this.#database.query<QueueStatus>({ sql: sql.SELECT_STATUS, params: [this.#time.nowMs()] })
    return row!
  }

  async deadLetters({ max }: { max: number }): Promise<readonly DeadQueueMessage[]> {
    const rows = await this.#database.query<{ id: string; body: string; attempts: number; reason: string; died_at_ms: number }>({
      sql: sql.SELECT_DEAD,
      params: [max],
    })
    return rows.map((row) => ({
      id: row.id,
      body: parsed(row.body)?.value ?? row.body,
      attempts: row.attempts,
      reason: row.reason,
      diedAtMs: row.died_at_ms,
    }))
  }

  requeueDead(ids: readonly string[]): Promise<number> {
    return this.#database.transaction(async (tx) => {
      let requeued = 0
      let gone = 0
      for (const id of new Set(ids)) {
        const { rowCount: exhumed } = await tx.execute({ sql: sql.EXHUME, params: [this.#time.nowMs(), id] })
        const { rowCount: deleted } = await tx.execute({ sql: sql.DELETE_DEAD, params: [id] })
        requeued += deleted
        gone += deleted - exhumed
      }
      tx.afterCommit(() => {
        this.#stored -= gone
        this.#wakeup.wake()
      })
      return requeued
    })
  }

  async close(): Promise<void> {
    await this.#database.close()
    // Those who wait look once more, and learn that it is closed.
    this.#wakeup.wake()
  }

  /** Leases what is ready, and sets aside on the way what nobody may get any more. */
  async #lend(tx: SqliteTransaction, max: number, leaseMs: number): Promise<{ deliveries: Delivery[]; nextAtMs: number | undefined }> {
    const nowMs = this.#time.nowMs()
    const lease = ++this.#lease
    const deliveries: Delivery[] = []
    for (;;) {
      const wanted = max - deliveries.length
      const rows = await tx.query<MessageRow>({ sql: sql.SELECT_READY, params: [nowMs, wanted] })
      for (const row of rows) {
        const body = parsed(row.body)
        const context = parsed(row.context)
        if (body === undefined || context === undefined) {
          await this.#bury(
            tx,
            row.id,
            'It cannot be read: its body or its context is no JSON. The file was written by other code, or is damaged.',
          )
        } else if (row.attempts >= this.#deliveryLimit) {
          await this.#bury(tx, row.id, `The lease of attempt ${row.attempts} ended without an answer: the worker hung, or died of it.`)
        } else {
          await tx.execute({ sql: sql.LEASE, params: [lease, nowMs + leaseMs, row.position] })
          deliveries.push(this.#delivery(row, body.value, context.value as Delivery['context'], { lease, nowMs }))
        }
      }
      if (deliveries.length === max || rows.length < wanted) break
    }
    if (deliveries.length > 0) return { deliveries, nextAtMs: undefined }
    const [next] = await tx.query<{ at_ms: number | null }>({ sql: sql.SELECT_NEXT_VISIBLE })
    return { deliveries, nextAtMs: next?.at_ms ?? undefined }
  }

  async #bury(tx: SqliteTransaction, id: string, reason: string): Promise<void> {
    await tx.execute({ sql: sql.BURY, params: [reason, this.#time.nowMs(), id] })
    await tx.execute({ sql: sql.DELETE_MESSAGE, params: [id] })
  }

  #delivery(
    { id, attempts, visible_at_ms: visibleAtMs }: MessageRow,
    body: unknown,
    context: Delivery['context'],
    { lease, nowMs }: { readonly lease: number; readonly nowMs: number },
  ): Delivery {
    return {
      id,
      body,
      context,
      attempt: attempts + 1,
      readyForMs: nowMs - visibleAtMs,
      acknowledge: async () => {
        const deleted = await this.#database.transaction(async (tx) => {
          const { rowCount } = await tx.execute({ sql: sql.ACKNOWLEDGE, params: [id, lease, this.#time.nowMs()] })
          tx.afterCommit(() => (this.#stored -= rowCount))
          return rowCount
        })
        if (deleted === 0) throw new LeaseLostError(id)
      },
      extend: async (leaseMs) => {
        const extendedMs = wholeMs(leaseMs, 'leaseMs')
        const nowMs = this.#time.nowMs()
        const [extended] = await this.#database.atomically([{ sql: sql.EXTEND, params: [nowMs + extendedMs, id, lease, nowMs] }])
        if (extended!.rowCount === 0) throw new LeaseLostError(id)
      },
      reject: async ({ reason, delayMs = 0, dead = false }) => {
        const pauseMs = wholeMs(delayMs, 'delayMs')
        const held = await this.#database.transaction(async (tx) => {
          const nowMs = this.#time.nowMs()
          const [row] = await tx.query<{ attempts: number }>({ sql: sql.HOLDS_LEASE, params: [id, lease, nowMs] })
          if (row === undefined) return false
          if (dead || row.attempts >= this.#deliveryLimit) await this.#bury(tx, id, reason)
          else await tx.execute({ sql: sql.RETURN, params: [nowMs, pauseMs, id, lease] })
          tx.afterCommit(() => this.#wakeup.wake())
          return true
        })
        if (!held) throw new LeaseLostError(id)
      },
    }
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

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}
