import type { StatementResult } from './command.ts'
import type { PostgresModelError } from './errors.ts'
import type { Notification } from './notifications.ts'
import type { PostgresStatement } from './statement.ts'

/**
 * - `idle`: outside a transaction.
 * - `in-transaction`: between BEGIN and COMMIT, doing nothing.
 * - `failed`: a statement failed, so that the transaction is rolled back and only its end is accepted.
 * - `waiting`: a statement waits for another session.
 * - `closed`: the connection is gone.
 */
export type SessionState = 'idle' | 'in-transaction' | 'failed' | 'waiting' | 'closed'

/**
 * A connection to the model. It runs one statement at a time; those that come meanwhile queue, as in a driver. A statement outside BEGIN and COMMIT is a
 * transaction of its own.
 */
export interface Session {
  readonly name: string
  readonly state: SessionState
  /** Settles when the statement has ended, which may take until other sessions commit or roll back. @throws PostgresModelError what the server answers */
  execute(statement: PostgresStatement): Promise<StatementResult>
  /** Told of each notification on a channel that the session listens on, outside its transactions. @returns a function that stops it */
  onNotification(listener: (notification: Notification) => void): () => void
  /** Ends the statement that waits, if one does, with the error 57014: `pg_cancel_backend`. */
  cancel(): void
  /** The server ends the connection: the open transaction rolls back, and whoever asks gets the error, 57P01 by default. `pg_terminate_backend`. */
  terminate(error?: PostgresModelError): void
  /**
   * The client is gone, and the server has noticed: what is open rolls back. A server at work notices later, so a statement that waits is finished first, and
   * committed if it is a transaction of its own. Nothing that the client waits for ever settles.
   */
  disconnect(): void
}
