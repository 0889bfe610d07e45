import type { Database, Transaction } from 'seaworthy/core'

/** The last number that a key of a topic was given. */
export interface OutboxNumber {
  readonly key: string
  readonly last: number
}

/** The table of these numbers, for whoever copies them together with other rows of the same key. */
export const outboxNumbersTable = {
  name: 'seaworthy_outbox_sequences',
  key: 'key',
  primaryKey: ['topic', 'key'],
  columns: ['topic', 'key', 'last'],
} as const

// Primary key of seaworthy_outbox_sequences, in both.
const SELECT_PAGE = 'SELECT key, last FROM seaworthy_outbox_sequences WHERE topic = ? AND key > ? ORDER BY key LIMIT ? + 0'
const RAISE = `INSERT INTO seaworthy_outbox_sequences (topic, key, last) VALUES (?, ?, ?)
  ON CONFLICT (topic, key) DO UPDATE SET last = max(last, excluded.last)`

// seaworthy_outbox_by_topic, a range.
const COUNT_UNSENT = 'SELECT count(*) AS unsent FROM seaworthy_outbox WHERE topic = ?'

/** How many events of a topic were committed and not sent yet. */
export async function unsentEvents(database: Pick<Database, 'query'>, topic: string): Promise<number> {
  const [row] = await database.query<{ unsent: number }>({ sql: COUNT_UNSENT, params: [topic] })
  return row!.unsent
}

/** Where an outbox stands with a topic, key by key, in the order of the keys. @param after the last key of the page before; '' for the first */
export function outboxNumbers(
  database: Pick<Database, 'query'>,
  { topic, after, max }: { readonly topic: string; readonly after: string; readonly max: number },
): Promise<readonly OutboxNumber[]> {
  return database.query<OutboxNumber>({ sql: SELECT_PAGE, params: [topic, after, max] })
}

/**
 * Lets an outbox go on where another stopped, when a topic gets another owner: the next event of each key has the number after its last one, so that consumers
 * see neither a gap nor a number that they know. Never lowers one. The other outbox must be empty and out of use: whoever numbers beside another gives
 * numbers twice.
 */
export async function continueOutboxNumbers(tx: Transaction, topic: string, numbers: readonly OutboxNumber[]): Promise<void> {
  for (const { key, last } of numbers) await tx.execute({ sql: RAISE, params: [topic, key, last] })
}
