import { channel } from 'node:diagnostics_channel'
import { type Executed, SeaworthyError } from 'seaworthy/core'

/** Base of the errors of an embedded database. Used itself for what has no class of its own, such as a mistake in the SQL. */
export class SqliteError extends SeaworthyError {
  constructor(
    message: string,
    options: { code?: string; executed?: Executed; final?: boolean; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    const { code = 'sqlite', executed = 'no', ...rest } = options
    super(code, message, { executed, ...rest })
  }
}

export type ConstraintKind = 'unique' | 'foreign-key' | 'check' | 'not-null' | 'data-type' | 'trigger'

/** A row breaks a rule of the schema. The statement had no effect; the transaction goes on unless the body lets the error pass. */
export class SqliteConstraintError extends SqliteError {
  readonly kind: ConstraintKind

  constructor(kind: ConstraintKind, message: string, options: { cause?: unknown } = {}) {
    // Whether a unique or a foreign key holds depends on other rows, which may change; the rest depends on the values alone.
    super(message, { ...options, code: 'constraint', final: kind === 'check' || kind === 'not-null' || kind === 'data-type' })
    this.kind = kind
  }
}

/** Another process held the write lock for longer than the limit. */
export class SqliteBusyError extends SqliteError {
  constructor(message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { ...options, code: 'database-busy' })
  }
}

/** The disk, or the quota, is full. Nothing was stored. */
export class SqliteFullError extends SqliteError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, code: 'database-full' })
  }
}

/** The file is damaged, or is no SQLite database. */
export class SqliteCorruptError extends SqliteError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, code: 'database-corrupt', final: true })
  }
}

/** The database was closed before the work began. */
export class SqliteClosedError extends SqliteError {
  constructor(path: string) {
    super(`The database ${path} is closed. Open it before use, and close it after the last user.`, { code: 'database-closed' })
  }
}

/** Another process, or another handle in this one, owns the file. */
export class SqliteOwnedError extends SqliteError {
  readonly path: string

  constructor(path: string, waitedMs: number, options: { cause?: unknown } = {}) {
    super(
      `${path} is in use by another process, which still held it after ${waitedMs} ms. One process at a time writes an embedded database: ` +
        'run one instance of the service, or close the other handle; several instances need PostgreSQL.',
      { ...options, code: 'database-owned' },
    )
    this.path = path
  }
}

/** The file was migrated by newer code. */
export class SchemaTooNewError extends SqliteError {
  constructor(component: string, stored: number, known: number) {
    super(
      `The tables of ${component} are at version ${stored}; this code knows ${known}. Run the newer release, or restore a backup from before it.`,
      { code: 'schema-too-new', final: true },
    )
  }
}

/** A statement that would take the transaction, or the connection, out of the library's hands. */
export class StatementRefusedError extends SqliteError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, code: 'statement-refused', final: true })
  }
}

/** `tx` was used after its body had ended, or after its time was up. The statement did not run. */
export class TransactionEndedError extends SqliteError {
  constructor(why: string) {
    super(`This transaction has ended: ${why}. Use tx only inside the body that received it, and await what you start there.`, {
      code: 'transaction-ended',
      final: true,
    })
  }
}

/** A body asked the same database for another transaction, and would have waited for itself. */
export class NestedTransactionError extends SqliteError {
  constructor(path: string) {
    super(
      `A transaction on ${path} was begun inside the body of another, and would wait for it for ever. Hand the outer tx on instead; ` +
        'work that shall follow the commit begins after `transaction` has settled.',
      { code: 'transaction-nested', final: true },
    )
  }
}

/** The engine rolled back the whole transaction in mid-flight, and with it every transaction that shared its commit. */
export class TransactionLostError extends SqliteError {
  constructor(cause: unknown) {
    super(
      'The engine rolled the transaction back before its commit, because of a statement with OR ROLLBACK, RAISE(ROLLBACK), or a failing disk. ' +
        'Nothing of it was stored: try again, and use OR ABORT, which undoes its own statement alone.',
      { code: 'transaction-lost', cause },
    )
  }
}

/** COMMIT failed. */
export class CommitFailedError extends SqliteError {
  constructor(executed: Executed, cause: unknown) {
    super(
      `The commit failed${executed === 'maybe' ? ', and it is not known whether it would survive a restart' : ''}. Look at the cause and at the disk; ` +
        'work that is safe to repeat may be tried again.',
      { code: 'commit-failed', executed, cause },
    )
  }
}

// Primary and extended result codes: https://sqlite.org/rescode.html
const BUSY = 5
const LOCKED = 6
const READONLY = 8
const IOERR = 10
const CORRUPT = 11
const FULL = 13
const CANTOPEN = 14
const CONSTRAINT = 19
const AUTH = 23
const NOTADB = 26
const CONSTRAINT_KINDS: Readonly<Record<number, ConstraintKind>> = {
  275: 'check',
  787: 'foreign-key',
  1299: 'not-null',
  1555: 'unique', // primary key
  2067: 'unique',
  2579: 'unique', // rowid
  3091: 'data-type',
}

function errcodeOf(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined
}

/** True when somebody else holds the lock, so that waiting can help. */
export function isBusy(error: unknown): boolean {
  const errcode = errcodeOf(error)
  return errcode !== undefined && ((errcode & 0xff) === BUSY || (errcode & 0xff) === LOCKED)
}

/**
 * Failures that a person must see to: a full disk, one that cannot be read or written, a damaged file. Whoever meets one tries again, so that without
 * a listener it would show in a status only. Publishes the typed error.
 */
const diskFailedChannel = channel('seaworthy:sqlite.disk-failed')
const DISK_FAILURES: ReadonlySet<number> = new Set([FULL, IOERR, CORRUPT, NOTADB])

/** The typed form of an error of node:sqlite; any other error as it is. `path` names the database. Publishes what is wrong with the disk. */
export function typed(error: unknown, path: string): unknown {
  const result = classified(error, path)
  if (diskFailedChannel.hasSubscribers && result !== error && DISK_FAILURES.has((errcodeOf(error) ?? 0) & 0xff))
    diskFailedChannel.publish(result)
  return result
}

function classified(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof SeaworthyError) return error
  const cause = error
  const errcode = errcodeOf(error)
  if (errcode === undefined) {
    // node:sqlite's own refusals: a value that cannot be bound, an integer beyond 2^53, a statement without SQL.
    return 'code' in error && typeof error.code === 'string' && error.code.startsWith('ERR_')
      ? new SqliteError(`${error.message} (${path})`, { final: true, cause })
      : error
  }
  switch (errcode & 0xff) {
    case CONSTRAINT: {
      // RESTRICT is carried out by an internal trigger and reported as one.
      const kind = error.message.startsWith('FOREIGN KEY') ? 'foreign-key' : (CONSTRAINT_KINDS[errcode] ?? 'trigger')
      return new SqliteConstraintError(kind, `${error.message} (${path})`, { cause })
    }
    case BUSY:
    case LOCKED:
      return new SqliteBusyError(
        `${path} is locked by another process: ${error.message}. End what holds it, such as an open sqlite3 shell.`,
        {
          cause,
        },
      )
    case FULL:
      return new SqliteFullError(`No room is left for ${path}. Free space on its volume; work goes on by itself then.`, { cause })
    case CORRUPT:
    case NOTADB:
      return new SqliteCorruptError(`${path} is damaged or no SQLite database: ${error.message}. Restore it from a backup.`, { cause })
    case READONLY:
      return new StatementRefusedError(
        `${path} cannot be written here: query() only reads, so write in transaction(); if this was one, the file is write-protected.`,
        { cause },
      )
    case AUTH:
      return new StatementRefusedError(
        `A statement was refused on ${path}: BEGIN, COMMIT, ROLLBACK, SAVEPOINT, ATTACH and settings of the connection are the library's.`,
        { cause },
      )
    case IOERR:
      return new SqliteError(`Reading or writing ${path} failed: ${error.message}. Look at the disk and the kernel's log.`, {
        code: 'database-io',
        executed: 'maybe',
        cause,
      })
    case CANTOPEN:
      return new SqliteError(`${path} cannot be opened: ${error.message}. Look at the folder, its rights, and the limit of open files.`, {
        code: 'database-cannot-open',
        cause,
      })
    default:
      return new SqliteError(`${error.message} (${path})`, { cause })
  }
}
