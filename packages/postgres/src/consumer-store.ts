import type { SqlValue, Statement, Transaction } from 'seaworthy/core'
import {
  type Admission,
  type BeginOptions,
  type ConsumedMessage,
  type ConsumerStore,
  type DeadLetter,
  type DeadLetterKind,
  type DeadLetterLimit,
  type EventEnvelope,
  type MessageName,
  type NewDeadLetter,
  cameBefore,
} from 'seaworthy/messaging'
import type { PostgresDatabase } from './database.ts'
import { librarySchema } from './migrate.ts'
import { prepared } from './prepared.ts'
import { restored, storable, textArray } from './values.ts'

/** Tables of {@link postgresConsumerStore}. */
export const consumerStoreSchema = librarySchema('seaworthy.consumer', 1)

// Held until the transaction ends, whether there are rows or not. Statements after it see what was committed while it waited.
const LOCK = prepared('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))')
// seaworthy_dead_letters_by_message, a look-up; seaworthy_dead_letters_by_key, the first letter of a key; primary key of seaworthy_attempts.
const SELECT_STANDING = prepared(`SELECT
    EXISTS (SELECT FROM seaworthy_dead_letters WHERE consumer = $1 AND topic = $2 AND message_id = $3) AS dead,
    (SELECT event FROM seaworthy_dead_letters
      WHERE consumer = $1 AND topic = $2 AND key = $4 AND kind <> 'skipped' ORDER BY position LIMIT 1) AS parked,
    EXISTS (SELECT FROM seaworthy_attempts WHERE consumer = $1 AND topic = $2 AND message_id = $3) AS tried`)
// Primary key of seaworthy_attempts.
const COUNT_ATTEMPT = prepared(`INSERT INTO seaworthy_attempts AS a (consumer, topic, message_id, attempts) VALUES ($1, $2, $3, 1)
  ON CONFLICT (consumer, topic, message_id) DO UPDATE SET attempts = a.attempts + 1 RETURNING attempts`)
// Primary key of seaworthy_attempts, a look-up for each message.
const FORGET_ATTEMPTS = prepared(`DELETE FROM seaworthy_attempts a USING unnest($2::text[], $3::text[]) AS h (topic, message_id)
  WHERE a.consumer = $1 AND a.topic = h.topic AND a.message_id = h.message_id`)
// seaworthy_dead_letters_by_message, a consumer's entries.
const COUNT_LETTERS = 'SELECT count(*) AS letters FROM seaworthy_dead_letters WHERE consumer = $1'
// seaworthy_dead_letters_by_message.
const REPLACE_LETTER = `UPDATE seaworthy_dead_letters SET kind = $1, attempts = $2, reason = $3, died_at_ms = $4
  WHERE consumer = $5 AND topic = $6 AND message_id = $7`
const INSERT_LETTER = `INSERT INTO seaworthy_dead_letters (kind, attempts, reason, died_at_ms, consumer, topic, message_id, key, event)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
const LETTER = 'position, consumer, topic, kind, attempts, reason, died_at_ms, event'
// seaworthy_dead_letters_by_key, a key's entries in the order of their positions.
const SELECT_LETTERS_OF_KEY = `SELECT ${LETTER} FROM seaworthy_dead_letters
  WHERE consumer = $1 AND topic = $2 AND key = $3 AND position > $4 ORDER BY position LIMIT $5`
// seaworthy_dead_letters_by_key, a consumer's entries, which are then sorted: deadLettersMax keeps them few.
const SELECT_LETTERS = `SELECT ${LETTER} FROM seaworthy_dead_letters
  WHERE position > $1 AND consumer = $2 AND ($3::text IS NULL OR topic = $3) AND ($4::text IS NULL OR key = $4) ORDER BY position LIMIT $5`
// Primary key of seaworthy_dead_letters.
const COUNT_RETRY = 'UPDATE seaworthy_dead_letters SET attempts = attempts + 1 WHERE position = $1 RETURNING attempts'
// Primary key of seaworthy_dead_letters.
const DELETE_LETTER = 'DELETE FROM seaworthy_dead_letters WHERE position = $1'
// seaworthy_dead_letters_by_key, a consumer's entries.
const SELECT_PARKED = `SELECT topic, key, count(*) AS letters FROM seaworthy_dead_letters
  WHERE consumer = $1 AND kind <> 'skipped' GROUP BY topic, key ORDER BY topic, key`

interface LetterRow {
  readonly position: number
  readonly consumer: string
  readonly topic: string
  readonly kind: DeadLetterKind
  readonly attempts: number
  readonly reason: string
  readonly died_at_ms: number
  readonly event: EventEnvelope
}

/** What a consumer remembers, in a PostgreSQL database. Whoever parks, releases or begins messages of one key waits for the others that do. */
export function postgresConsumerStore(database: PostgresDatabase): ConsumerStore {
  return new PostgresConsumerStore(database)
}

class PostgresConsumerStore implements ConsumerStore {
  readonly #database: PostgresDatabase

  constructor(database: PostgresDatabase) {
    this.#database = database
  }

  begin(message: ConsumedMessage, { deadLettersMax, atMs, countSuspect, handled }: BeginOptions): Promise<Admission> {
    const { consumer, topic, messageId, key } = stored(message)
    return this.#database.transaction(async (tx): Promise<Admission> => {
      // Sent together and carried out in order, in one round trip.
      const [, , [standing]] = await Promise.all([
        handled.length > 0 && tx.execute(forgetting(message.consumer, handled)),
        tx.query(lockOfKey(message)),
        tx.query<{ dead: boolean; parked: EventEnvelope | null; tried: boolean }>({
          sql: SELECT_STANDING,
          params: [consumer, topic, messageId, key],
        }),
      ])
      const { dead, parked, tried } = standing!
      if (dead) return { kind: 'dead' }
      if (parked !== null && !cameBefore(message.event, parked)) {
        const reason = 'Its key is parked behind a message that could not be handled.'
        const letter: NewDeadLetter = { ...message, kind: 'held', attempts: 0, reason, diedAtMs: atMs }
        return (await insertLetter(tx, letter, deadLettersMax)) ? { kind: 'held' } : { kind: 'full' }
      }
      if (tried && !countSuspect) return { kind: 'suspect' }
      const [counted] = await tx.query<{ attempts: number }>({ sql: COUNT_ATTEMPT, params: [consumer, topic, messageId] })
      return { kind: 'run', attempt: counted!.attempts }
    })
  }

  async forgetAttempts(consumer: string, messages: readonly MessageName[]): Promise<void> {
    if (messages.length > 0) await this.#database.atomically([forgetting(consumer, messages)])
  }

  bury(letter: NewDeadLetter, { deadLettersMax }: DeadLetterLimit): Promise<'buried' | 'full'> {
    const { kind, attempts, reason, diedAtMs, event } = letter
    const { consumer, topic, messageId } = stored(letter)
    return this.#database.transaction(async (tx) => {
      const [, replaced] = await Promise.all([
        tx.query(lockOfKey(letter)),
        tx.execute({ sql: REPLACE_LETTER, params: [kind, attempts, storable(reason), diedAtMs, consumer, topic, messageId] }),
      ])
      if (replaced.rowCount === 0 && !(await insertLetter(tx, letter, deadLettersMax))) return 'full'
      await tx.execute(forgetting(letter.consumer, [{ topic: letter.topic, messageId: event.id }]))
      return 'buried'
    })
  }

  async deadLetters(
    consumer: string,
    options: { readonly topic?: string; readonly key?: string; readonly after?: number; readonly max: number },
  ): Promise<readonly DeadLetter[]> {
    const { after = 0, max } = options
    const [topic, key] = [options.topic, options.key].map((name) => (name === undefined ? null : storable(name)))
    const ofKey = topic != null && key != null
    const params: SqlValue[] = ofKey
      ? [storable(consumer), topic, key, after, max]
      : [after, storable(consumer), topic ?? null, key ?? null, max]
    const rows = await this.#database.query<LetterRow>({ sql: ofKey ? SELECT_LETTERS_OF_KEY : SELECT_LETTERS, params })
    return rows.map(({ died_at_ms: diedAtMs, ...row }) => ({
      ...row,
      consumer: restored(row.consumer),
      topic: restored(row.topic),
      reason: restored(row.reason),
      diedAtMs,
    }))
  }

  async countRetry(letter: DeadLetter): Promise<number | undefined> {
    const [counted] = await this.#database.transaction((tx) =>
      tx.query<{ attempts: number }>({ sql: COUNT_RETRY, params: [letter.position] }),
    )
    return counted?.attempts
  }

  async resolve(letter: DeadLetter): Promise<void> {
    // Not between another's look at the key and its letter behind the others, which would then lie there alone.
    await this.#database.atomically([lockOfKey(letter), { sql: DELETE_LETTER, params: [letter.position] }])
  }

  async countLetters(consumer: string): Promise<number> {
    const [count] = await this.#database.query<{ letters: number }>({ sql: COUNT_LETTERS, params: [storable(consumer)] })
    return count!.letters
  }

  async parkedKeys(consumer: string): Promise<readonly { readonly topic: string; readonly key: string; readonly letters: number }[]> {
    const rows = await this.#database.query<{ topic: string; key: string; letters: number }>({
      sql: SELECT_PARKED,
      params: [storable(consumer)],
    })
    return rows.map(({ topic, key, letters }) => ({ topic: restored(topic), key: restored(key), letters }))
  }
}

/** The names of a message as the tables keep them. */
function stored({ consumer, topic, event }: ConsumedMessage) {
  return { consumer: storable(consumer), topic: storable(topic), messageId: storable(event.id), key: storable(event.key) }
}

function lockOfKey({ consumer, topic, event }: ConsumedMessage): Statement {
  return { sql: LOCK, params: [JSON.stringify(['seaworthy.consumer', consumer, topic, event.key])] }
}

function forgetting(consumer: string, messages: readonly MessageName[]): Statement {
  const topics = textArray(messages.map(({ topic }) => storable(topic)))
  const ids = textArray(messages.map(({ messageId }) => storable(messageId)))
  return { sql: FORGET_ATTEMPTS, params: [storable(consumer), topics, ids] }
}

/** @returns false when the consumer has as many letters as it may have */
async function insertLetter(tx: Transaction, letter: NewDeadLetter, deadLettersMax: number): Promise<boolean> {
  const { kind, attempts, reason, diedAtMs, event } = letter
  const { consumer, topic, messageId, key } = stored(letter)
  // One at a time for a consumer, so that none is stored beyond the limit.
  const [, [count]] = await Promise.all([
    tx.query({ sql: LOCK, params: [JSON.stringify(['seaworthy.dead-letters', letter.consumer])] }),
    tx.query<{ letters: number }>({ sql: COUNT_LETTERS, params: [consumer] }),
  ])
  if (count!.letters >= deadLettersMax) return false
  const params = [kind, attempts, storable(reason), diedAtMs, consumer, topic, messageId, key, JSON.stringify(event)]
  await tx.execute({ sql: INSERT_LETTER, params })
  return true
}
