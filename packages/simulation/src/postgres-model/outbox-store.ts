import { type Clock, type Database, type Transaction, systemClock } from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'
import { type OutboxEntry, type OutboxStore, serializeEvent } from 'seaworthy/outbox'
import { column, equals, excluded, isIn, nextval, plus } from './expression.ts'
import type { Schema } from './schema.ts'
import { toSql } from './sql.ts'
import { deleteFrom, insert, select } from './statement.ts'
import { restored, storable } from './stored-text.ts'

/** Tables of {@link postgresModelOutboxStore}. */
export const outboxStoreSchema = {
  sequences: ['seaworthy_outbox_position'],
  tables: {
    seaworthy_outbox: {
      columns: {
        position: { type: 'bigint', default: nextval('seaworthy_outbox_position') },
        topic: { type: 'text' },
        sequence: { type: 'bigint' },
        event: { type: 'text' },
        added_at_ms: { type: 'bigint' },
      },
      primaryKey: ['position'],
    },
    seaworthy_outbox_sequences: {
      columns: { topic: { type: 'text' }, key: { type: 'text' }, last: { type: 'bigint' } },
      primaryKey: ['topic', 'key'],
    },
  },
} as const satisfies Schema

const OLDEST_FIRST = [{ column: 'position' }]

export interface PostgresModelOutboxStoreOptions {
  /** Size of an event at most, in bytes of JSON. Default 950,000. */
  readonly eventBytesMax?: number
  readonly clock?: Clock
}

interface UnsentRow {
  readonly position: number
  readonly topic: string
  readonly sequence: number
  readonly event: string
  readonly added_at_ms: number
}

/**
 * An outbox on the model, by the same steps as on a server: the row of the key is updated first and so locked until the transaction ends; number and position
 * are taken under that lock.
 */
export function postgresModelOutboxStore(database: Database, options: PostgresModelOutboxStoreOptions = {}): OutboxStore {
  return new ModelOutboxStore(database, options)
}

class ModelOutboxStore implements OutboxStore {
  readonly #database: Database
  readonly #eventBytesMax: number
  readonly #clock: Clock
  readonly #listeners = new Set<(topic: string) => void>()

  constructor(database: Database, options: PostgresModelOutboxStoreOptions) {
    this.#database = database
    this.#eventBytesMax = options.eventBytesMax ?? 950_000
    this.#clock = options.clock ?? systemClock
  }

  async add(tx: Transaction, topic: string, events: readonly EventEnvelope[]): Promise<void> {
    if (events.length === 0) return
    // Before any number is taken: a caller who catches the refusal and commits must not leave a gap.
    const texts = events.map((event) => serializeEvent(event, this.#eventBytesMax))
    const next = await this.#takeNumbers(tx, topic, events)
    const rows = events.map(({ key }, index) => {
      const sequence = next.get(key)!
      next.set(key, sequence + 1)
      return { topic: storable(topic), sequence, event: texts[index]!, added_at_ms: this.#clock.now() }
    })
    await tx.execute(toSql(insert('seaworthy_outbox', rows)))
    tx.afterCommit(() => {
      for (const listener of this.#listeners) listener(topic)
    })
  }

  /** The first number for each key. */
  async #takeNumbers(tx: Transaction, topic: string, events: readonly EventEnvelope[]): Promise<Map<string, number>> {
    const counts = new Map<string, number>()
    for (const { key } of events) counts.set(key, (counts.get(key) ?? 0) + 1)
    const next = new Map<string, number>()
    // In one order for all callers: two that each held a row the other waits for would end as a deadlock.
    for (const key of [...counts.keys()].toSorted()) {
      const count = counts.get(key)!
      const take = insert('seaworthy_outbox_sequences', [{ topic: storable(topic), key: storable(key), last: count }], {
        onConflict: { do: 'update', target: ['topic', 'key'], set: { last: plus(column('last'), excluded('last')) } },
        returning: ['last'],
      })
      const [row] = await tx.query<{ last: number }>(toSql(take))
      next.set(key, row!.last - count + 1)
    }
    return next
  }

  async topics(): Promise<readonly string[]> {
    const rows = await this.#database.query<{ topic: string }>(toSql(select('seaworthy_outbox', { columns: ['topic'] })))
    return [...new Set(rows.map(({ topic }) => restored(topic)))]
  }

  async unsent(topic: string, max: number): Promise<readonly OutboxEntry[]> {
    const ofTopic = select('seaworthy_outbox', { where: equals('topic', storable(topic)), orderBy: OLDEST_FIRST, limit: max })
    const rows = await this.#database.query<UnsentRow>(toSql(ofTopic))
    return rows.map((row) => ({
      position: row.position,
      topic,
      event: { ...(JSON.parse(row.event) as EventEnvelope), sequence: row.sequence },
      addedAtMs: row.added_at_ms,
    }))
  }

  async markSent(positions: readonly number[]): Promise<void> {
    if (positions.length === 0) return
    await this.#database.atomically([toSql(deleteFrom('seaworthy_outbox', { where: isIn(column('position'), positions) }))])
  }

  async backlog(): Promise<{ readonly messages: number; readonly oldestAtMs: number | undefined }> {
    const all = select('seaworthy_outbox', { columns: ['added_at_ms'], orderBy: OLDEST_FIRST })
    const rows = await this.#database.query<{ added_at_ms: number }>(toSql(all))
    return { messages: rows.length, oldestAtMs: rows[0]?.added_at_ms }
  }

  onAdded(listener: (topic: string) => void): () => void {
    // A wrapper of its own for each call, so that one function may listen twice.
    const own = (topic: string) => listener(topic)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }
}
