/** SQLSTATE codes that the model raises: https://www.postgresql.org/docs/18/errcodes-appendix.html */
export type SqlState =
  | '21000' // cardinality violation: one command would change a row a second time
  | '22003' // a number is out of range
  | '22021' // a text holds the character NUL
  | '23502' // not-null violation
  | '23505' // unique violation
  | '23514' // check violation
  | '25P02' // the transaction is aborted
  | '40P01' // deadlock
  | '42703' // no such column
  | '42804' // a value of another type than its column
  | '42883' // values of two types are compared or added
  | '42P01' // no such table or sequence
  | '55P03' // a lock is not available
  | '57014' // canceled
  | '57P01' // the connection was terminated
  | '57P02' // the server crashed

/**
 * What the server answers instead of a result, as drivers report it: `code` is the SQLSTATE. It says nothing of retries or effects;
 * {@link PostgresModelDatabase} turns it into the library's errors.
 */
export class PostgresModelError extends Error {
  readonly code: SqlState
  /** The constraint that a row breaks. */
  readonly constraint: string | undefined

  constructor(code: SqlState, message: string, constraint?: string) {
    super(message)
    this.name = 'PostgresModelError'
    this.code = code
    this.constraint = constraint
  }
}
