import { sleep, systemClock } from 'seaworthy/core'
import type { PostgresDatabase } from './database.ts'

// A deleted row stays in its page until something overwrites it, also after a plain VACUUM. This writes the table anew and removes the old file; and statistics keep
// samples of what was in it.
const rewrite = (table: string) => `VACUUM (FULL, ANALYZE) ${table}`
// Where the samples were: the owner of a database may rewrite its catalogs.
const REWRITE_STATISTICS = 'VACUUM (FULL) pg_statistic'
// What was logged before goes with its files at the checkpoint, if nothing keeps them.
const SWITCH_LOG = 'SELECT pg_switch_wal()'
const CHECKPOINT = 'CHECKPOINT'
const SELECT_KEEPERS = `SELECT current_setting('wal_recycle') AS recycle, current_setting('archive_mode') AS archive,
  current_setting('wal_keep_size') AS keep, ARRAY(SELECT slot_name::text FROM pg_replication_slots) AS slots`

// A table that is written anew keeps the rows that somebody's snapshot may still see: of a transaction, or of an autovacuum at its ANALYZE.
const SELECT_SINCE = 'SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS since'
const SELECT_OLDER = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND greatest(age(backend_xmin), age(backend_xid)) > age($1::xid8::xid) ORDER BY pid`
const OLDER_MS_MAX = 10_000
const LOOK_AGAIN_MS = 20

interface Keepers {
  readonly recycle: string
  readonly archive: string
  readonly keep: string
  readonly slots: readonly string[]
}

/**
 * Writes tables anew and has the server drop its log, so that what was deleted or overwritten in them before is in neither. For the moment after a person was
 * forgotten: each table is locked while it is copied. Transactions that began
 * before are waited for, for ten seconds. The user must own the tables and the database, be in `pg_checkpoint`, and may call `pg_switch_wal`.
 * @param tables names as they stand in SQL
 * @returns what could not be done, or is kept by a setting of the server, and what to do about it; empty when nothing is
 */
export async function scrubTables(database: PostgresDatabase, tables: readonly string[]): Promise<readonly string[]> {
  const remains: string[] = []
  const attempt = async (sql: string, what: string) => {
    try {
      await database.query({ sql })
    } catch (error) {
      remains.push(`${what} (${sql}: ${error instanceof Error ? error.message : String(error)}). Have an administrator run it.`)
    }
  }
  const older = await transactionsFromBefore(database)
  if (older.length > 0)
    remains.push(
      `Transactions from before still see what was deleted in ${tables.join(', ')}, so that it is kept: end their sessions (pid ${older.join(', ')}), and do it again.`,
    )
  for (const table of tables) await attempt(rewrite(table), `What was deleted may lie in the pages of ${table}`)
  await attempt(REWRITE_STATISTICS, 'Statistics may hold samples of what was deleted')
  await attempt(SWITCH_LOG, 'The current file of the write-ahead log may hold what was deleted')
  await attempt(CHECKPOINT, 'Files of the write-ahead log before the last checkpoint may hold what was deleted')
  const [keepers] = await database.query<Keepers>({ sql: SELECT_KEEPERS })
  return [...remains, ...keptBy(keepers!)]
}

/** Waits until nobody sees what was deleted. @returns the sessions of those who still do, after ten seconds */
async function transactionsFromBefore(database: PostgresDatabase): Promise<readonly number[]> {
  const [{ since } = { since: '0' }] = await database.query<{ since: string }>({ sql: SELECT_SINCE })
  const untilMs = systemClock.monotonicMs() + OLDER_MS_MAX
  for (;;) {
    const older = await database.query<{ pid: number }>({ sql: SELECT_OLDER, params: [since] })
    if (older.length === 0 || systemClock.monotonicMs() > untilMs) return older.map(({ pid }) => pid)
    await sleep(systemClock, LOOK_AGAIN_MS)
  }
}

function keptBy({ recycle, archive, keep, slots }: Keepers): readonly string[] {
  return [
    ...(recycle === 'on'
      ? ['Old files of the write-ahead log are used again, and hold their bytes until then: set wal_recycle = off.']
      : []),
    ...(archive === 'off' ? [] : ['The write-ahead log is archived: what was written while it was is in the archive.']),
    ...(keep === '0' ? [] : [`The write-ahead log is kept for replicas (wal_keep_size = ${keep}): it goes once as much has been written.`]),
    ...(slots.length === 0 ? [] : [`Replication slots keep the write-ahead log until they have read it: ${slots.join(', ')}.`]),
  ]
}
