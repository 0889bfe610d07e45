import { readFileSync } from 'node:fs'
import { ConfigurationError } from 'seaworthy/core'
import type { PostgresDatabase } from './database.ts'
import { SchemaTooNewError } from './errors.ts'

/** The tables of one part of a program, and how they came to be. */
export interface SchemaComponent {
  /** Unique within a database, as in `orders` or `seaworthy.outbox`. */
  readonly component: string
  /** Plain SQL, several statements each: `versions[0]` brings version 0 (nothing) to 1. What was released is never edited, only followed. */
  readonly versions: readonly string[]
}

// Held until the migration ends: of several instances that start at one time, one migrates and the others find it done.
const LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('seaworthy.migrate', 0))"
const SELECT_VERSIONS = 'SELECT component, version FROM seaworthy_schema' // the whole table: a row for each component
// Primary key of seaworthy_schema.
const SET_VERSION = `INSERT INTO seaworthy_schema (component, version) VALUES ($1, $2)
  ON CONFLICT (component) DO UPDATE SET version = excluded.version, migrated_at = excluded.migrated_at`

/** A component of the library, from the plain SQL files in sql/, which another tool may run as well: each says by itself what it brought about. */
export function librarySchema(component: string, versions: number): SchemaComponent {
  const file = component.replace(/^seaworthy\./, '')
  return { component, versions: Array.from({ length: versions }, (_, index) => sqlFile(`${file}.${index + 1}.sql`)) }
}

function sqlFile(name: string): string {
  return readFileSync(new URL(`../sql/${name}`, import.meta.url), 'utf8')
}

/**
 * Brings the tables of every component to the newest version, all of them in one transaction. Where they are already, nothing is
 * written. The user's own tables go the same way.
 * @throws SchemaTooNewError when newer code was here before
 */
export async function migrate(
  database: PostgresDatabase,
  components: readonly SchemaComponent[],
  options: { timeoutMs?: number } = {},
): Promise<void> {
  const names = new Set(components.map(({ component }) => component))
  if (names.size < components.length) {
    throw new ConfigurationError('Two schema components have one name. Name each for the tables it owns.')
  }
  await database.transaction(
    async (tx) => {
      await tx.query({ sql: LOCK })
      await tx.script(sqlFile('schema.1.sql'))
      const rows = await tx.query<{ component: string; version: number }>({ sql: SELECT_VERSIONS })
      const stored = new Map(rows.map(({ component, version }) => [component, version]))
      for (const { component, versions } of components) {
        const version = stored.get(component) ?? 0
        if (version > versions.length) throw new SchemaTooNewError(component, version, versions.length)
        for (const step of versions.slice(version)) await tx.script(step)
        if (version < versions.length) await tx.execute({ sql: SET_VERSION, params: [component, versions.length] })
      }
    },
    { timeoutMs: options.timeoutMs ?? 600_000 },
  )
}
