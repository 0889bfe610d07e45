import { type Statement, TimeoutError } from 'seaworthy/core'
import { PostgresError } from './errors.ts'

// A group holds the locks of all its statements. Well below the second after which PostgreSQL looks for deadlocks, so that nobody else is made to pay for one.
const LOCK_WAIT_MS = 50

/** The first statement of a group: it fails where it had to wait for a lock, and each then waits for its own. */
export const WAIT_BRIEFLY: Statement = { sql: `SELECT set_config('lock_timeout', '${LOCK_WAIT_MS}ms', true)` }

/** Whether the failure of a group may be that of one in it. Then nothing of it was stored. */
export function isOfOne(error: unknown): boolean {
  return (error instanceof PostgresError || error instanceof TimeoutError) && error.executed === 'no'
}
