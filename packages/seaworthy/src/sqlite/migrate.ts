import { type Clock, ConfigurationError, systemClock } from 'seaworthy/core'
import type { SqliteDatabase } from './database.ts'
import { SchemaTooNewError } from './errors.ts'
import { HandleStatements, type SynchronousHandle } from './synchronous-handle.ts'

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
  assertDistinct(components)
  const clock = options.clock ?? systemClock
  await database.transaction(async (tx) => {
    await tx.execute({ sql: CREATE_SCHEMA_TABLE })
    for (const { component, steps, version } of pending(components, await tx.query<VersionRow>({ sql: SELECT_VERSIONS }))) {
      for (const step of steps) await tx.script(step)
      await tx.execute({ sql: SET_VERSION, params: [component, version, clock.now()] })
    }
  })
}

/** The same on a handle of the caller's own, at once. @throws SchemaTooNewError when newer code was here before */
export function migrateSync(handle: SynchronousHandle, components: readonly SchemaComponent[], options: { clock?: Clock } = {}): void {
  assertDistinct(components)
  const clock = options.clock ?? systemClock
  const statements = new HandleStatements(handle)
  statements.atomically(() => {
    statements.run(CREATE_SCHEMA_TABLE)
    for (const { component, steps, version } of pending(components, statements.all<VersionRow>(SELECT_VERSIONS))) {
      for (const step of steps) statements.script(step)
      statements.run(SET_VERSION, component, version, clock.now())
    }
  })
}

interface VersionRow {
  readonly component: string
  readonly version: number
}

function assertDistinct(components: readonly SchemaComponent[]): void {
  const names = new Set(components.map(({ component }) => component))
  if (names.size < components.length) {
    throw new ConfigurationError('Two schema components have one name. Name each for the tables it owns.')
  }
}

/** What is missing of those components that are behind. */
function pending(components: readonly SchemaComponent[], rows: readonly VersionRow[]) {
  const stored = new Map(rows.map(({ component, version }) => [component, version]))
  return components.flatMap(({ component, versions }) => {
    const version = stored.get(component) ?? 0
    if (version > versions.length) throw new SchemaTooNewError(component, version, versions.length)
    return version < versions.length ? [{ component, steps: versions.slice(version), version: versions.length }] : []
  })
}
