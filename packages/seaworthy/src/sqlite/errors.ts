import { SeaworthyError } from 'seaworthy/core'

/** Another process writes this file. Embedded storage has one instance of a stateful service; more need PostgreSQL. */
export class DatabaseOwnedError extends SeaworthyError {
  constructor(path: string, options: { cause?: unknown } = {}) {
    super(
      'database-owned',
      `${path} is being written by another process. One process writes a SQLite file: stop the other instance, or move this service to PostgreSQL to run several.`,
      { ...options, executed: 'no' },
    )
  }
}

/** Other connections kept the file locked for longer than the limit. Nothing was written. */
export class DatabaseBusyError extends SeaworthyError {
  constructor(path: string, waitedMs: number, options: { cause?: unknown } = {}) {
    super(
      'database-busy',
      `${path} was locked by another connection for ${Math.round(waitedMs)} ms. Look for a tool that holds a transaction open on it.`,
      {
        ...options,
        executed: 'no',
        retryAfterMs: 100,
      },
    )
  }
}

/** The disk is full. Nothing of the transaction was kept; all that was acknowledged before is safe. */
export class DiskFullError extends SeaworthyError {
  constructor(path: string, options: { cause?: unknown } = {}) {
    super('disk-full', `The disk of ${path} is full: the transaction was rolled back. Make room; nothing that was acknowledged is lost.`, {
      ...options,
      executed: 'no',
    })
  }
}

/** The file is damaged or is no database. */
export class DatabaseCorruptError extends SeaworthyError {
  constructor(path: string, options: { cause?: unknown } = {}) {
    super(
      'database-corrupt',
      `${path} is damaged or is not a SQLite database. Stop the service, keep a copy of the file, and restore it from a backup.`,
      {
        ...options,
        executed: 'no',
        final: true,
      },
    )
  }
}

/** The database was closed, or is closing. */
export class DatabaseClosedError extends SeaworthyError {
  constructor(path: string) {
    super('database-closed', `${path} is closed. The process is stopping, or close() was called too early.`, { executed: 'no' })
  }
}

/** A statement that a transaction's body must not run, or a transaction that is used when it is over. */
export class TransactionMisuseError extends SeaworthyError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('transaction-misuse', message, { ...options, executed: 'no', final: true })
  }
}

export type ConstraintKind = 'unique' | 'foreign-key' | 'check' | 'not-null' | 'other'

/** A row breaks a constraint of its table. */
export class ConstraintError extends SeaworthyError {
  readonly constraint: ConstraintKind

  constructor(constraint: ConstraintKind, message: string, options: { cause?: unknown } = {}) {
    super('constraint', message, { ...options, executed: 'no', final: true })
    this.constraint = constraint
  }
}

/** Bits of SQLite's primary result codes (sqlite.org/rescode.html). */
const BUSY = 5
const LOCKED = 6
const IO_ERROR = 10
const CORRUPT = 11
const FULL = 13
const CONSTRAINT = 19
const NOT_A_DATABASE = 26
const CONSTRAINT_KINDS: Readonly<Record<number, ConstraintKind>> = {
  275: 'check',
  787: 'foreign-key',
  1299: 'not-null',
  1555: 'unique',
  2067: 'unique',
  2579: 'unique',
}

interface NodeSqliteError extends Error {
  readonly code: 'ERR_SQLITE_ERROR'
  /** SQLite's extended result code. */
  readonly errcode: number
}

function isNodeSqliteError(error: unknown): error is NodeSqliteError {
  return error instanceof Error && (error as Partial<NodeSqliteError>).code === 'ERR_SQLITE_ERROR'
}

/** True when another connection holds the lock: worth another try. */
export function isBusy(error: unknown): boolean {
  if (!isNodeSqliteError(error)) return false
  const primary = error.errcode & 0xff
  return primary === BUSY || primary === LOCKED
}

/** The library's error for one of node:sqlite; anything else is handed back as it is. */
export function typedError(error: unknown, path: string): unknown {
  if (!isNodeSqliteError(error)) return error
  switch (error.errcode & 0xff) {
    case FULL:
      return new DiskFullError(path, { cause: error })
    case IO_ERROR:
      return new SeaworthyError(
        'database-io',
        `Reading or writing ${path} failed: ${error.message}. Look at the disk and the system's log.`,
        { executed: 'maybe', cause: error },
      )
    case CORRUPT:
    case NOT_A_DATABASE:
      return new DatabaseCorruptError(path, { cause: error })
    case CONSTRAINT:
      return new ConstraintError(CONSTRAINT_KINDS[error.errcode] ?? 'other', `${error.message} (${path}).`, { cause: error })
    case BUSY:
    case LOCKED:
      return new DatabaseBusyError(path, 0, { cause: error })
    default:
      return error
  }
}
