import type { Database, SqlValue, Transaction } from 'seaworthy/core'
import { type HandlerOfTypes, handlers, on } from 'seaworthy/messaging'
import type { ServiceLogger } from '../../../shop/platform/service-ports.ts'
import { parameters } from '../../../shop/platform/statements.ts'
import { tables } from '../../../shop/platform/tables.ts'
import { customerCreated } from '../../../shop/services/customers/contract/events.ts'
import type { WriteLetter } from '../../../shop/services/notifications/application/letters.ts'
import type { Letter } from '../../../shop/services/notifications/domain/letter.ts'
import { orderCompleted } from '../../../shop/services/orders/contract/events.ts'

/** Letters that are still to be written: the monolith's queue is a table beside its others. */
export const LETTERS_SCHEMA = tables(
  'letters',
  ({ strict }) => `CREATE TABLE letters_due (
       id TEXT PRIMARY KEY,
       letter TEXT NOT NULL
     ) ${strict};`,
)

const BATCH_MAX = 32
const INSERT_DUE = 'INSERT INTO letters_due (id, letter) VALUES (?, ?)'
// By primary key; ids begin with their time.
const SELECT_DUE = 'SELECT id, letter FROM letters_due ORDER BY id LIMIT ?'
// By primary key.
const deleteAll = (ids: readonly SqlValue[]) => `DELETE FROM letters_due WHERE id IN (${parameters(ids)})`

export interface LettersOptions {
  readonly database: Database
  readonly write: WriteLetter
  readonly logger: ServiceLogger
}

export interface Letters {
  /** Notes in the transaction of an event that somebody is to be told of it. */
  readonly noting: HandlerOfTypes<[Transaction]>
  /** Begins with what an earlier process left. */
  start(): void
  /** Finishes the letters in hand. */
  stop(): Promise<void>
}

/** Notes letters in the transactions that give reason for them, and writes them afterwards. One that cannot be written waits for the next one, or the next start. */
export function letterRoom({ database, write, logger }: LettersOptions): Letters {
  let writing: Promise<void> | undefined
  let isWanted = false
  const stopped = new AbortController()

  async function note(tx: Transaction, id: string, letter: Letter): Promise<void> {
    await tx.execute({ sql: INSERT_DUE, params: [id, JSON.stringify(letter)] })
    tx.afterCommit(wake)
  }

  function wake(): void {
    isWanted = true
    writing ??= writeAll()
      .catch((error: unknown) => logger.warn({ err: error }, 'a letter was not written'))
      .finally(() => (writing = undefined))
  }

  async function writeAll(): Promise<void> {
    while (isWanted && !stopped.signal.aborted) {
      isWanted = false
      const due = await database.query<{ id: string; letter: string }>({ sql: SELECT_DUE, params: [BATCH_MAX] })
      if (due.length === 0) continue
      for (const { id, letter } of due) await write({ id, letter: JSON.parse(letter) as Letter })
      const ids = due.map(({ id }) => id)
      await database.atomically([{ sql: deleteAll(ids), params: ids }])
      isWanted = true
    }
  }

  return {
    noting: handlers(
      [
        on(customerCreated, ({ id, data: { customerId } }, tx: Transaction) => note(tx, id, { kind: 'welcome', customerId })),
        on(orderCompleted, ({ id, data: { customerId, orderId, lines, totalCents } }, tx: Transaction) =>
          note(tx, id, { kind: 'order-confirmation', customerId, orderId, lines, totalCents }),
        ),
      ],
      { others: 'ignore' },
    ),
    start: wake,
    async stop() {
      stopped.abort()
      await writing
    },
  }
}
