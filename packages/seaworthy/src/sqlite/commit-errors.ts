import { TimeoutError } from 'seaworthy/core'
import { CommitFailedError, SqliteBusyError, SqliteConstraintError, SqliteFullError, typed } from './errors.ts'
import { writerOf } from './lock-holder.ts'

/** Another process held the write lock for too long. */
export function busyError(path: string, busyTimeoutMs: number, cause: unknown): SqliteBusyError {
  const writer = writerOf(path)
  const advice =
    writer === undefined
      ? 'Find what holds it (an open sqlite3 shell, a backup) and end it.'
      : `It is process ${writer.pid}${writer.command === '' ? '' : ` (${writer.command})`}: end its transaction.`
  return new SqliteBusyError(`The write lock of ${path} was held by another process for over ${busyTimeoutMs} ms. ${advice}`, {
    retryAfterMs: busyTimeoutMs,
    cause,
  })
}

/** A body took too long. */
export function bodyTimeout(path: string, timeoutMs: number): TimeoutError {
  return new TimeoutError(
    `The body of a transaction on ${path} took longer than ${timeoutMs} ms and was rolled back. Await nothing but tx inside it: every other writer waits.`,
    timeoutMs,
    { executed: 'no' },
  )
}

/** What a failed COMMIT means. */
export function commitError(error: unknown, path: string): unknown {
  const cause = typed(error, path)
  // Constraints are checked, and a full disk is met, before the commit record is complete: the rollback takes everything back.
  if (cause instanceof SqliteConstraintError || cause instanceof SqliteFullError || cause instanceof SqliteBusyError) return cause
  // A failed write or sync may have left a whole commit record in the WAL, which recovery after a crash would honour.
  return new CommitFailedError('maybe', cause)
}
