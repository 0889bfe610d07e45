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
import type { SqliteDatabase } from './database.ts'
import type { SchemaComponent } from './migrate.ts'

/** Tables of {@link sqliteConsumerStore}. */
export const consumerStoreSchema: SchemaComponent = {
  component: 'seaworthy.consumer',
  versions: [
    `CREATE TABLE seaworthy_attempts (
      consumer TEXT NOT NULL,
      topic TEXT NOT NULL,
      message_id TEXT NOT NULL,
      attempts INTEGER NOT NULL CHECK (attempts > 0),
      PRIMARY KEY (consumer, topic, message_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE seaworthy_dead_letters (
      position INTEGER PRIMARY KEY AUTOINCREMENT,
      consumer TEXT NOT NULL,
      topic TEXT NOT NULL,
      key TEXT NOT NULL,
      message_id TEXT NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('skipped', 'parked', 'held')),
      attempts INTEGER NOT NULL,
      reason TEXT NOT NULL,
      died_at_ms INTEGER NOT NULL,
      event TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX seaworthy_dead_letters_by_message ON seaworthy_dead_letters (consumer, topic, message_id);
    CREATE INDEX seaworthy_dead_letters_by_key ON seaworthy_dead_letters (consumer, topic, key)`,
  ],
}

// seaworthy_dead_letters_by_message, a look-up; seaworthy_dead_letters_by_key, the first letter of a key; primary key of seaworthy_attempts.
const SELECT_STANDING = `SELECT
    EXISTS (SELECT 1 FROM seaworthy_dead_letters WHERE consumer = ?1 AND topic = ?2 AND message_id = ?3) AS dead,
    (SELECT event FROM seaworthy_dead_letters
      WHERE consumer = ?1 AND topic = ?2 AND key = ?4 AND kind <> 'skipped' ORDER BY position LIMIT 1) AS parked,
    EXISTS (SELECT 1 FROM seaworthy_attempts WHERE consumer = ?1 AND topic = ?2 AND message_id = ?3) AS tried`
// Primary key of seaworthy_attempts.
const COUNT_ATTEMPT = `INSERT INTO seaworthy_attempts (consumer, topic, message_id, attempts) VALUES (?, ?, ?, 1)
  ON CONFLICT (consumer, topic, message_id) DO UPDATE SET attempts = attempts + 1 RETURNING attempts`
// Primary key of seaworthy_attempts, a look-up.
const FORGET_ATTEMPTS_OF_ONE = 'DELETE FROM seaworthy_attempts WHERE consumer = ? AND topic = ? AND message_id = ?'
// Primary key of seaworthy_attempts, a look-up for each message. Reading JSON costs what several look-ups do, so one alone goes without.
const FORGET_ATTEMPTS = `DELETE FROM seaworthy_attempts WHERE consumer = ?1 AND (topic, message_id) IN (
    SELECT value ->> 'topic', value ->> 'messageId' FROM json_each(?2))`
// seaworthy_dead_letters_by_message, a consumer's entries.
const COUNT_LETTERS = 'SELECT count(*) AS letters FROM seaworthy_dead_letters WHERE consumer = ?'
// seaworthy_dead_letters_by_message.
const REPLACE_LETTER = `UPDATE seaworthy_dead_letters SET kind = ?, attempts = ?, reason = ?, died_at_ms = ?
  WHERE consumer = ? AND topic = ? AND message_id = ?`
const INSERT_LETTER = `INSERT INTO seaworthy_dead_letters (kind, attempts, reason, died_at_ms, consumer, topic, message_id, key, event)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
const LETTER = 'position, consumer, topic, kind, attempts, reason, died_at_ms, event'
// seaworthy_dead_letters_by_key, a key's entries in the order of their positions.
const SELECT_LETTERS_OF_KEY = `SELECT ${LETTER} FROM seaworthy_dead_letters
  WHERE consumer = ? AND topic = ? AND key = ? AND position > ? ORDER BY position LIMIT ?`
// seaworthy_dead_letters_by_key, a consumer's entries, which are then sorted: deadLettersMax keeps them few.
const SELECT_LETTERS = `SELECT ${LETTER} FROM seaworthy_dead_letters
  WHERE position > ?1 AND consumer = ?2 AND (?3 IS NULL OR topic = ?3) AND (?4 IS NULL OR key = ?4) ORDER BY position LIMIT ?5`
// Primary key of seaworthy_dead_letters.
const COUNT_RETRY = 'UPDATE seaworthy_dead_letters SET attempts = attempts + 1 WHERE position = ? RETURNING attempts'
// Primary key of seaworthy_dead_letters.
const DELETE_LETTER = 'DELETE FROM seaworthy_dead_letters WHERE position = ?'
// seaworthy_dead_letters_by_key, a consumer's entries.
const SELECT_PARKED = `SELECT topic, key, count(*) AS letters FROM seaworthy_dead_letters
  WHERE consumer = ? AND kind <> 'skipped' GROUP BY topic, key ORDER BY topic, key`

interface LetterRow {
  readonly position: number
  readonly consumer: string
  readonly topic: string
  readonly kind: DeadLetterKind
  readonly attempts: number
  readonly reason: string
  readonly died_at_ms: number
  readonly event: string
}

/** What a consumer remembers, in an embedded database. */
export function sqliteConsumerStore(database: SqliteDatabase): ConsumerStore {
  return new SqliteConsumerStore(database)
}

class SqliteConsumerStore implements ConsumerStore {
  readonly #database: SqliteDatabase

  constructor(database: SqliteDatabase) {
    this.#database = database
  }

  begin(message: ConsumedMessage, { deadLettersMax, atMs, countSuspect, handled }: BeginOptions): Promise<Admission> {
    const { consumer, topic, event } = message
    return this.#database.transaction(async (tx): Promise<Admission> => {
      if (handled.length > 0) await tx.execute(forgetting(consumer, handled))
      const [standing] = await tx.query<{ dead: number; parked: string | null; tried: number }>({
        sql: SELECT_STANDING,
        params: [consumer, topic, event.id, event.key],
      })
      const { dead, parked, tried } = standing!
      if (dead === 1) return { kind: 'dead' }
      if (parked !== null && !cameBefore(event, JSON.parse(parked) as EventEnvelope)) {
        const reason = 'Its key is parked behind a message that could not be handled.'
        const letter: NewDeadLetter = { ...message, kind: 'held', attempts: 0, reason, diedAtMs: atMs }
        return (await insertLetter(tx, letter, deadLettersMax)) ? { kind: 'held' } : { kind: 'full' }
      }
      if (tried === 1 && !countSuspect) return { kind: 'suspect' }
      const [counted] = await tx.query<{ attempts: number }>({ sql: COUNT_ATTEMPT, params: [consumer, topic, event.id] })
      return { kind: 'run', attempt: counted!.attempts }
    })
  }

  async forgetAttempts(consumer: string, messages: readonly MessageName[]): Promise<void> {
    await this.#database.atomically([forgetting(consumer, messages)])
  }

  bury(letter: NewDeadLetter, { deadLettersMax }: DeadLetterLimit): Promise<'buried' | 'full'> {
    const { consumer, topic, event, kind, attempts, reason, diedAtMs } = letter
    return this.#database.transaction(async (tx) => {
      const replaced = await tx.execute({ sql: REPLACE_LETTER, params: [kind, attempts, reason, diedAtMs, consumer, topic, event.id] })
      if (replaced.rowCount === 0 && !(await insertLetter(tx, letter, deadLettersMax))) return 'full'
      await tx.execute(forgetting(consumer, [{ topic, messageId: event.id }]))
      return 'buried'
    })
  }

  async deadLetters(
    consumer: string,
    options: { readonly topic?: string; readonly key?: string; readonly after?: number; readonly max: number },
  ): Promise<readonly DeadLetter[]> {
    const { topic, key, after = 0, max } = options
    const ofKey = topic !== undefined && key !== undefined
    const params: SqlValue[] = ofKey ? [consumer, topic, key, after, max] : [after, consumer, topic ?? null, key ?? null, max]
    const rows = await this.#database.query<LetterRow>({ sql: ofKey ? SELECT_LETTERS_OF_KEY : SELECT_LETTERS, params })
    return rows.map(({ died_at_ms: diedAtMs, event, ...letter }) => ({ ...letter, diedAtMs, event: JSON.parse(event) as EventEnvelope }))
  }

  async countRetry(letter: DeadLetter): Promise<number | undefined> {
    const [counted] = await this.#database.transaction((tx) =>
      tx.query<{ attempts: number }>({ sql: COUNT_RETRY, params: [letter.position] }),
    )
    return counted?.attempts
  }

  async resolve(letter: DeadLetter): Promise<void> {
    await this.#database.atomically([{ sql: DELETE_LETTER, params: [letter.position] }])
  }

  async countLetters(consumer: string): Promise<number> {
    const [count] = await this.#database.query<{ letters: number }>({ sql: COUNT_LETTERS, params: [consumer] })
    return count!.letters
  }

  parkedKeys(consumer: string): Promise<readonly { readonly topic: string; readonly key: string; readonly letters: number }[]> {
    return this.#database.query({ sql: SELECT_PARKED, params: [consumer] })
  }
}

function forgetting(consumer: string, messages: readonly MessageName[]): Statement {
  const [first] = messages
  return messages.length === 1 && first !== undefined
    ? { sql: FORGET_ATTEMPTS_OF_ONE, params: [consumer, first.topic, first.messageId] }
    : { sql: FORGET_ATTEMPTS, params: [consumer, JSON.stringify(messages)] }
}

/** @returns false when the consumer has as many letters as it may have */
async function insertLetter(tx: Transaction, letter: NewDeadLetter, deadLettersMax: number): Promise<boolean> {
  const { consumer, topic, event, kind, attempts, reason, diedAtMs } = letter
  const [count] = await tx.query<{ letters: number }>({ sql: COUNT_LETTERS, params: [consumer] })
  if (count!.letters >= deadLettersMax) return false
  const params = [kind, attempts, reason, diedAtMs, consumer, topic, event.id, event.key, JSON.stringify(event)]
  await tx.execute({ sql: INSERT_LETTER, params })
  return true
}
