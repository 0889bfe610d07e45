import { type Clock, type Statement, TimeoutError } from 'seaworthy/core'
import type { Connection } from './connection.ts'
import { CommitFailedError, typedAtCommit } from './errors.ts'
import { BEGIN, ROLLBACK_MS } from './open-transaction.ts'
import { isPlain } from './statement-guard.ts'

const BEGIN_BATCH: Statement = { sql: BEGIN['read-committed'] }
const COMMIT_BATCH: Statement = { sql: 'COMMIT' }
// For this transaction alone: the next one begins with the session's default, which is to read only. Unlike SET TRANSACTION it asks for no BEGIN, and unlike
// set_config() it comes before the transaction's first snapshot, after which it would be refused.
const WRITE: Statement = { sql: 'SET transaction_read_only = off' }

export interface BatchOptions {
  /** How long the statements may take, and how much longer the answer to their COMMIT, in milliseconds. */
  readonly timeoutMs: number
  readonly commitTimeoutMs: number
  /** Asks the server to end what the session runs. Never rejects. */
  readonly cancel: () => Promise<void>
  readonly clock: Clock
}

/**
 * A transaction of statements that are known before it begins, in one batch. What is sent before one Sync is a transaction, and needs neither BEGIN nor COMMIT, but for
 * statements that would be something else without. A COMMIT behind a failure is not carried out.
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
 */
export async function runBatch(
  connection: Connection,
  statements: readonly Statement[],
  { timeoutMs, commitTimeoutMs, cancel, clock }: BatchOptions,
): Promise<readonly { readonly rowCount: number }[]> {
  const isImplicit = statements.every(({ sql }) => isPlain(sql))
  const batch = isImplicit ? [WRITE, ...statements] : [BEGIN_BATCH, ...statements, COMMIT_BATCH]
  const late: { cancelled?: Promise<void> } = {}
  const timer = clock.timer(timeoutMs, () => void (late.cancelled = cancel()))
  try {
    const rowCounts = await connection.batch(batch, timeoutMs + commitTimeoutMs)
    return rowCounts.slice(1, statements.length + 1).map((rowCount) => ({ rowCount }))
  } catch (error) {
    // An answer that was lost with the connection says nothing: all of it, the COMMIT too, may have been carried out.
    const outcome = typedAtCommit(error, connection.name)
    if (outcome instanceof CommitFailedError) throw outcome
    if (!isImplicit) await connection.control('ROLLBACK', ROLLBACK_MS).catch(() => undefined)
    throw late.cancelled === undefined ? outcome : bodyTimeout(connection.name, timeoutMs)
  } finally {
    timer.cancel()
    // One that comes late must not meet the statement of whoever has the session next.
    await late.cancelled
  }
}

export function bodyTimeout(name: string, timeoutMs: number): TimeoutError {
  return new TimeoutError(
    `The body of a transaction on ${name} took longer than ${timeoutMs} ms and was rolled back. Await nothing but tx inside it: others wait for its locks.`,
    timeoutMs,
    { executed: 'no' },
  )
}
