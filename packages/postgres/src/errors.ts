import { type Executed, SeaworthyError, UnavailableError } from 'seaworthy/core'

/** Base of the errors of a PostgreSQL database. Used itself for what has no class of its own, such as a mistake in the SQL. */
export class PostgresError extends SeaworthyError {
  /** PostgreSQL's own five characters for it, where the server said anything. */
  readonly sqlState: string | undefined

  constructor(
    message: string,
    options: { code?: string; executed?: Executed; final?: boolean; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    const { code = 'postgres', executed = 'no', ...rest } = options
    super(code, message, { executed, ...rest })
    this.sqlState = sqlStateOf(options.cause)
  }
}

export type ConstraintKind = 'unique' | 'foreign-key' | 'check' | 'not-null' | 'exclusion' | 'data-type'

/** A row breaks a rule of the schema. The statement had no effect, and its transaction can only be rolled back. */
export class PostgresConstraintError extends PostgresError {
  readonly kind: ConstraintKind
  /** Name of the constraint, where the server says it. */
  readonly constraint: string | undefined

  constructor(kind: ConstraintKind, message: string, options: { constraint?: string | undefined; cause?: unknown } = {}) {
    // Whether a unique, an exclusion or a foreign key holds depends on other rows, which may change; the rest depends on the values alone.
    const final = kind === 'check' || kind === 'not-null' || kind === 'data-type'
    super(message, { cause: options.cause, code: 'constraint', final })
    this.kind = kind
    this.constraint = options.constraint
  }
}

/** Transactions at one time could not all be true to their isolation level. Nothing of this one was stored: run it again. */
export class SerializationError extends PostgresError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, code: 'serialization' })
  }
}

/** Two transactions waited for each other, and the server ended this one. Nothing of it was stored: run it again. */
export class DeadlockError extends PostgresError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, code: 'deadlock' })
  }
}

/** A lock was not free in time, where a lock timeout or NOWAIT was set. */
export class PostgresBusyError extends PostgresError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, code: 'database-busy' })
  }
}

/** The server's disk is full. Nothing was stored. */
export class PostgresFullError extends PostgresError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, code: 'database-full' })
  }
}

/** The connection broke, or the server ended it. `executed` is `maybe` only if that was while it committed. */
export class ConnectionLostError extends PostgresError {
  constructor(message: string, options: { executed?: Executed; cause?: unknown } = {}) {
    super(message, { ...options, code: 'connection-lost' })
  }
}

/** The database was closed before the work began. */
export class PostgresClosedError extends PostgresError {
  constructor(name: string) {
    super(`The database ${name} is closed. Open it before use, and close it after the last user.`, { code: 'database-closed' })
  }
}

/** The tables were migrated by newer code. */
export class SchemaTooNewError extends PostgresError {
  constructor(component: string, stored: number, known: number) {
    super(
      `The tables of ${component} are at version ${stored}; this code knows ${known}. Run the newer release, or restore a backup from before it.`,
      { code: 'schema-too-new', final: true },
    )
  }
}

/** A statement that would take the transaction, or the connection, out of the library's hands. */
export class StatementRefusedError extends PostgresError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, code: 'statement-refused', final: true })
  }
}

/** `tx` was used after its body had ended, or after its time was up. The statement did not run. */
export class TransactionEndedError extends PostgresError {
  constructor(why: string) {
    super(`This transaction has ended: ${why}. Use tx only inside the body that received it, and await what you start there.`, {
      code: 'transaction-ended',
      final: true,
    })
  }
}

/** A body asked the same database for another transaction, which could wait for a lock of the first for ever. */
export class NestedTransactionError extends PostgresError {
  constructor(name: string) {
    super(
      `A transaction on ${name} was begun inside the body of another, and could wait for ever for what that one holds. Hand the outer tx on ` +
        'instead; work that shall follow the commit begins after `transaction` has settled.',
      { code: 'transaction-nested', final: true },
    )
  }
}

/** A statement failed before, and the body went on. PostgreSQL then takes nothing more, and makes a ROLLBACK of the COMMIT. */
export class TransactionLostError extends PostgresError {
  constructor(cause: unknown) {
    super(
      'An earlier statement of this transaction failed, so that nothing of it was stored, although its body caught the error. Let the error pass, ' +
        'or write the statement so that it does not fail (ON CONFLICT DO NOTHING).',
      { code: 'transaction-lost', cause },
    )
  }
}

/** COMMIT was sent, and no answer came: the transaction is stored as a whole, or not at all. */
export class CommitFailedError extends PostgresError {
  constructor(name: string, cause: unknown) {
    super(
      `No answer came to the COMMIT on ${name}, so it is not known whether the transaction is stored. Look whether it is, or repeat it only if ` +
        'that is safe, as it is under an idempotency key.',
      { code: 'commit-failed', executed: 'maybe', cause },
    )
  }
}

/** The SQLSTATE of an error that the server sent. By its shape, because a user's own pg brings a class of its own. */
function sqlStateOf(error: unknown): string | undefined {
  return error instanceof Error && 'severity' in error && 'code' in error && typeof error.code === 'string' && error.code.length === 5
    ? error.code
    : undefined
}

// https://www.postgresql.org/docs/current/errcodes-appendix.html
const CONSTRAINT_KINDS: Readonly<Record<string, ConstraintKind>> = {
  '23001': 'foreign-key', // RESTRICT
  '23502': 'not-null',
  '23503': 'foreign-key',
  '23505': 'unique',
  '23514': 'check',
  '23P01': 'exclusion',
}
// The server ends the session with these, besides everything of class 08: shut down, crashed, starting, idle in a transaction for too long.
const SESSION_OVER: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03', '57P05', '25P03', '25P04'])

/** True when the session is gone, with whatever was open in it. An error without a SQLSTATE comes from the socket. */
export function isConnectionLoss(error: unknown): boolean {
  const state = sqlStateOf(error)
  if (state === undefined) return error instanceof Error && !(error instanceof SeaworthyError)
  return state.startsWith('08') || SESSION_OVER.has(state) || severityOf(error) === 'FATAL' || severityOf(error) === 'PANIC'
}

function severityOf(error: unknown): unknown {
  return error instanceof Error && 'severity' in error ? error.severity : undefined
}

function constraintOf(error: object): string | undefined {
  if ('constraint' in error && typeof error.constraint === 'string') return error.constraint
  // postgres.js
  return 'constraint_name' in error && typeof error.constraint_name === 'string' ? error.constraint_name : undefined
}

/** The typed form of what pg threw while a statement ran, before any COMMIT; any other error as it is. `name` names the database. */
export function typed(error: unknown, name: string): unknown {
  if (!(error instanceof Error) || error instanceof SeaworthyError) return error
  const cause = error
  if (isConnectionLoss(error)) {
    return new ConnectionLostError(
      `The connection to ${name} was lost: ${error.message}. The transaction was not committed: try again; if it stays so, look at the server.`,
      { cause },
    )
  }
  const state = sqlStateOf(error) ?? ''
  const text = `${error.message} (${name}, ${state})`
  switch (state) {
    case '40001':
      return new SerializationError(`${text}. Nothing was stored; run the transaction again.`, { cause })
    case '40P01':
      return new DeadlockError(
        `${text}. Nothing was stored; run the transaction again, and let transactions take what they share in one order.`,
        { cause },
      )
    case '55P03':
      return new PostgresBusyError(`${text}. Find who holds the lock in pg_locks.`, { cause })
    case '53100':
      return new PostgresFullError(`No room is left for ${name}. Free space on the server; work goes on by itself then.`, { cause })
    case '53300':
      return new UnavailableError(
        `${name} takes no more connections: ${error.message}. Lower transactionsMax, or raise the server's limit.`,
        {
          retryAfterMs: 1_000,
          cause,
        },
      )
    case '25006':
      return new StatementRefusedError(`${text}. query() only reads: write in transaction().`, { cause })
    case '25P02':
      return new TransactionLostError(error)
    case '57014':
      return new PostgresError(`${text}. Somebody cancelled it, or a statement timeout of the server did.`, {
        code: 'statement-cancelled',
        cause,
      })
    default:
  }
  const kind = state.startsWith('22') ? 'data-type' : CONSTRAINT_KINDS[state]
  if (kind !== undefined) return new PostgresConstraintError(kind, text, { constraint: constraintOf(error), cause })
  return new PostgresError(text, { cause })
}

/** What a failed COMMIT means. An ERROR comes before the commit is written; after that, the server or the connection can only go away. */
export function typedAtCommit(error: unknown, name: string): unknown {
  return isConnectionLoss(error) ? new CommitFailedError(name, error) : typed(error, name)
}
