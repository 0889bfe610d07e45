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

interface Keepers {
  readonly recycle: string
  readonly archive: string
  readonly keep: string
  readonly slots: readonly string[]
}

/**
 * Writes tables anew and has the server drop its log, so that what was deleted or overwritten in them before is in neither. For the moment after a person was
 * forgotten: each table is locked while it is copied. The user must own the tables and the database, be in `pg_checkpoint`, and may call `pg_switch_wal`.
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
  for (const table of tables) await attempt(rewrite(table), `What was deleted may lie in the pages of ${table}`)
  await attempt(REWRITE_STATISTICS, 'Statistics may hold samples of what was deleted')
  await attempt(SWITCH_LOG, 'The current file of the write-ahead log may hold what was deleted')
  await attempt(CHECKPOINT, 'Files of the write-ahead log before the last checkpoint may hold what was deleted')
  const [keepers] = await database.query<Keepers>({ sql: SELECT_KEEPERS })
  return [...remains, ...keptBy(keepers!)]
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
