import type { Client } from 'pg'

// Pages of the product's tables and indexes that sessions looked at, cached or not, and rows that they read: the work of the server, whatever else the machine does.
const SELECT_PAGES = `SELECT relname AS name, (coalesce(heap_blks_hit, 0) + coalesce(heap_blks_read, 0) + coalesce(idx_blks_hit, 0) + coalesce(idx_blks_read, 0)
  + coalesce(toast_blks_hit, 0) + coalesce(toast_blks_read, 0))::float8 AS pages FROM pg_statio_user_tables WHERE relname NOT LIKE 'conformance\\_%'`
const SELECT_SESSIONS =
  "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type IN ('client backend', 'walsender')"
// What vacuums by itself would be counted as the product's work.
const VACUUM_OFF = `DO $$ DECLARE r record; BEGIN
  FOR r IN SELECT c.oid::regclass AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  LOOP EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', r.name); END LOOP;
END $$`

export async function stopAutovacuum(client: Client): Promise<void> {
  await client.query(VACUUM_OFF)
}

/** The sessions of the database. Each reports what it did at its end, or ten seconds after it has become idle. */
export async function sessionsOf(client: Client): Promise<ReadonlySet<number>> {
  const { rows } = await client.query<{ pid: number }>(SELECT_SESSIONS)
  return new Set(rows.map(({ pid }) => pid))
}

/** By table, its indexes included. */
export type Pages = Readonly<Record<string, number>>

export async function pagesRead(client: Client): Promise<Pages> {
  await client.query('SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()')
  const { rows } = await client.query<{ name: string; pages: number }>(SELECT_PAGES)
  return Object.fromEntries(rows.map(({ name, pages }) => [name, pages]))
}

/** What was read between two looks, for each of `messages`: in all, and by table. */
export function pagesPerMessage(before: Pages, after: Pages, messages: number): { readonly all: number; readonly byTable: Pages } {
  const byTable = Object.fromEntries(Object.entries(after).map(([name, pages]) => [name, (pages - (before[name] ?? 0)) / messages]))
  return { all: Object.values(byTable).reduce((sum, pages) => sum + pages, 0), byTable }
}
