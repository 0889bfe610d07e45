import { type Clock, type Database, type Transaction, systemClock } from 'seaworthy/core'
import type { InboxMessage, InboxStore, InboxVerdict } from 'seaworthy/outbox'
import { type Condition, and, column, compare, equals, excluded } from './expression.ts'
import type { Schema } from './schema.ts'
import { toSql } from './sql.ts'
import { deleteFrom, insert, select, update } from './statement.ts'
import { storable } from './stored-text.ts'

/** Tables of {@link postgresModelInboxStore}. */
export const inboxStoreSchema = {
  tables: {
    seaworthy_inbox: {
      columns: {
        consumer: { type: 'text' },
        generation: { type: 'bigint' },
        message_id: { type: 'text' },
        handled_at_ms: { type: 'bigint' },
      },
      primaryKey: ['consumer', 'generation', 'message_id'],
    },
    seaworthy_inbox_sequences: {
      columns: {
        consumer: { type: 'text' },
        generation: { type: 'bigint' },
        topic: { type: 'text' },
        key: { type: 'text' },
        last: { type: 'bigint' },
        previous: { type: 'bigint' },
      },
      primaryKey: ['consumer', 'generation', 'topic', 'key'],
    },
  },
} as const satisfies Schema

/**
 * An inbox on the model, by the same steps as on a server: the row of the key is moved first and so locked until the transaction ends; a second delivery
 * waits there and then finds the number at or above its own.
 */
export function postgresModelInboxStore(database: Database, options: { clock?: Clock } = {}): InboxStore {
  return new ModelInboxStore(database, options.clock ?? systemClock)
}

class ModelInboxStore implements InboxStore {
  readonly #database: Database
  readonly #clock: Clock

  constructor(database: Database, clock: Clock) {
    this.#database = database
    this.#clock = clock
  }

  async admit(tx: Transaction, message: InboxMessage): Promise<InboxVerdict> {
    const { sequence } = message
    if (sequence === 0) return (await this.#remember(tx, message)) ? { kind: 'new' } : { kind: 'duplicate', by: 'id' }
    const previous = await this.#moveTo(tx, message)
    if (previous === undefined) return { kind: 'duplicate', by: (await this.#isKnown(tx, message)) ? 'id' : 'sequence' }
    if (!(await this.#remember(tx, message))) {
      // Known by its id, under another number: that one does not count.
      await tx.execute(toSql(update('seaworthy_inbox_sequences', { last: column('previous') }, { where: ofKey(message) })))
      return { kind: 'duplicate', by: 'id' }
    }
    return sequence === previous + 1 ? { kind: 'new' } : { kind: 'gap', expected: previous + 1 }
  }

  /** Moves the key to the number. @returns the one before; undefined when it is at or below the last */
  async #moveTo(tx: Transaction, { consumer, generation, topic, key, sequence }: InboxMessage): Promise<number | undefined> {
    const row = { consumer: storable(consumer), generation, topic: storable(topic), key: storable(key), last: sequence, previous: 0 }
    const move = insert('seaworthy_inbox_sequences', [row], {
      onConflict: {
        do: 'update',
        target: ['consumer', 'generation', 'topic', 'key'],
        set: { last: excluded('last'), previous: column('last') },
        where: compare(column('last'), '<', excluded('last')),
      },
      returning: ['previous'],
    })
    const [moved] = await tx.query<{ previous: number }>(toSql(move))
    return moved?.previous
  }

  /** Records the id. @returns false when it was there */
  async #remember(tx: Transaction, { consumer, generation, messageId }: InboxMessage): Promise<boolean> {
    const row = { consumer: storable(consumer), generation, message_id: storable(messageId), handled_at_ms: this.#clock.now() }
    const { rowCount } = await tx.execute(toSql(insert('seaworthy_inbox', [row], { onConflict: { do: 'nothing' } })))
    return rowCount === 1
  }

  async #isKnown(tx: Transaction, { consumer, generation, messageId }: InboxMessage): Promise<boolean> {
    const where = and(equals('consumer', storable(consumer)), equals('generation', generation), equals('message_id', storable(messageId)))
    return (await tx.query(toSql(select('seaworthy_inbox', { where })))).length > 0
  }

  async forget(olderThanMs: number): Promise<number> {
    const old = deleteFrom('seaworthy_inbox', { where: compare(column('handled_at_ms'), '<', olderThanMs) })
    const [deleted] = await this.#database.atomically([toSql(old)])
    return deleted!.rowCount
  }
}

function ofKey({ consumer, generation, topic, key }: InboxMessage): Condition {
  return and(
    equals('consumer', storable(consumer)),
    equals('generation', generation),
    equals('topic', storable(topic)),
    equals('key', storable(key)),
  )
}
