import { type Database, observed, sleep, systemClock } from 'seaworthy/core'

const holding = observed('fault.lock')

/** Whatever writes publishes an event, or remembers that it need not. Every other writer waits; readers do not. */
const LOCK_OUTBOX = 'LOCK TABLE seaworthy_outbox IN SHARE MODE'
/** More than it asks for: the database must not end it before. */
const TIMEOUT_MARGIN_MS = 10_000

/**
 * Takes the lock that writers of a database wait for, and keeps it: of SQLite the file's only write lock, of PostgreSQL that of the outbox. A trace of its own, by
 * which whoever waits finds out.
 */
export function lockHolder(database: Database): (ms: number, signal: AbortSignal) => Promise<void> {
  return (ms, signal) =>
    holding.run(
      () => ({ name: 'seaworthy fault --lock', kind: 'internal', attributes: {}, parent: {} }),
      () =>
        database.transaction(
          async (tx) => {
            if (database.dialect === 'postgres') await tx.execute({ sql: LOCK_OUTBOX, params: [] })
            await sleep(systemClock, ms, signal)
          },
          { timeoutMs: ms + TIMEOUT_MARGIN_MS },
        ),
    )
}
