import { type Clock, ConfigurationError, systemClock } from 'seaworthy/core'
import type { SqliteDatabase } from './database.ts'
import { SchemaTooNewError } from './errors.ts'

/** The tables of one part of a program, and how they came to be. */
export interface SchemaComponent {
  /** Unique within a database, as in `orders` or `seaworthy.outbox`. */
  readonly component: string
  /** Plain SQL, several statements each: `versions[0]` brings version 0 (nothing) to 1. What was released is never edited, only followed. */
  readonly versions: readonly string[]
}

const CREATE_SCHEMA_TABLE = `CREATE TABLE IF NOT EXISTS seaworthy_schema (
  component TEXT PRIMARY KEY,
  version INTEGER NOT NULL CHECK (version > 0),
  migrated_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID`
const SELECT_VERSIONS = 'SELECT component, version FROM seaworthy_schema' // the whole table: a row for each component
// Primary key of seaworthy_schema.
const SET_VERSION = `INSERT INTO seaworthy_schema (component, version, migrated_at_ms) VALUES (?, ?, ?)
  ON CONFLICT (component) DO UPDATE SET version = excluded.version, migrated_at_ms = excluded.migrated_at_ms`

/**
 * Brings the tables of every component to the newest version, all of them in one transaction. Where they are already, nothing is
 * written. The user's own tables go the same way.
 * @throws SchemaTooNewError when newer code was here before
 */
export async function migrate(
  database: SqliteDatabase,
  components: readonly SchemaComponent[],
  options: { clock?: Clock } = {},
): Promise<void> {
  const names = new Set(components.map(({ component }) => component))
  if (names.size < components.length) {
    throw new ConfigurationError('Two schema components have one name. Name each for the tables it owns.')
  }
  const clock = options.clock ?? systemClock
  await database.transaction(async (tx) => {
    await tx.execute({ sql: CREATE_SCHEMA_TABLE })
    const rows = await tx.query<{ component: string; version: number }>({ sql: SELECT_VERSIONS })
    const stored = new Map(rows.map(({ component, version }) => [component, version]))
    for (const { component, versions } of components) {
      const version = stored.get(component) ?? 0
      if (version > versions.length) throw new SchemaTooNewError(component, version, versions.length)
      for (const step of versions.slice(version)) await tx.script(step)
      if (version < versions.length) await tx.execute({ sql: SET_VERSION, params: [component, versions.length, clock.now()] })
    }
  })
}
