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
  /**
   * By how many versions the tables may be newer than this code. Default 0. Set 1 where no version takes away or demands anything that the one before it lives
   * by: then instances of the old code go on, and start again, beside those of the new code, for as long as a rolling deployment takes.
   */
  readonly newerBy?: number
}

// Held until the migration ends: of several instances that start at one time, one migrates and the others find it done.
const LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('seaworthy.migrate', 0))"
const SELECT_VERSIONS = 'SELECT component, version FROM seaworthy_schema' // the whole table: a row for each component
const HAS_VERSIONS = "SELECT to_regclass('seaworthy_schema') IS NOT NULL AS exists"
// Primary key of seaworthy_schema.
const SET_VERSION = `INSERT INTO seaworthy_schema (component, version) VALUES ($1, $2)
  ON CONFLICT (component) DO UPDATE SET version = excluded.version, migrated_at = excluded.migrated_at`

/**
 * A component of the library, from the plain SQL files in sql/, which another tool may run as well: each says by itself what it brought about. Code one version
 * older works beside each: test/versions.process.test.ts holds them to that.
 */
export function librarySchema(component: string, versions: number): SchemaComponent {
  const file = component.replace(/^seaworthy\./, '')
  return { component, versions: Array.from({ length: versions }, (_, index) => sqlFile(`${file}.${index + 1}.sql`)), newerBy: 1 }
}

function sqlFile(name: string): string {
  return readFileSync(new URL(`../sql/${name}`, import.meta.url), 'utf8')
}

/** What brings a component's tables from one version to another. */
export interface Migration {
  readonly component: string
  /** 0 where there are no tables yet. */
  readonly from: number
  readonly to: number
  /** In this order. */
  readonly statements: readonly string[]
}

/**
 * Brings the tables of every component to the newest version, all of them in one transaction. Where they are already, nothing is
 * written. The user's own tables go the same way.
 * @returns what was done
 * @throws SchemaTooNewError when newer code was here before, by more than the component's `newerBy`
 */
export async function migrate(
  database: PostgresDatabase,
  components: readonly SchemaComponent[],
  options: { timeoutMs?: number } = {},
): Promise<readonly Migration[]> {
  const names = new Set(components.map(({ component }) => component))
  if (names.size < components.length) {
    throw new ConfigurationError('Two schema components have one name. Name each for the tables it owns.')
  }
  return database.transaction(
    async (tx) => {
      await tx.query({ sql: LOCK })
      await tx.script(sqlFile('schema.1.sql'))
      const migrations = missing(components, storedVersions(await tx.query<StoredVersion>({ sql: SELECT_VERSIONS })))
      for (const { component, to, statements } of migrations) {
        for (const statement of statements) await tx.script(statement)
        await tx.execute({ sql: SET_VERSION, params: [component, to] })
      }
      return migrations
    },
    { timeoutMs: options.timeoutMs ?? 600_000 },
  )
}

/** The versions of all components that a database has tables of, by name. Reads only. */
export async function schemaVersions(database: PostgresDatabase): Promise<ReadonlyMap<string, number>> {
  const [row] = await database.query<{ exists: boolean }>({ sql: HAS_VERSIONS })
  return row!.exists ? storedVersions(await database.query<StoredVersion>({ sql: SELECT_VERSIONS })) : new Map()
}

/** What {@link migrate} would run on a database that has these versions, for another tool. Empty when there is nothing to do. @throws SchemaTooNewError */
export function migrationScript(components: readonly SchemaComponent[], versions: ReadonlyMap<string, number>): string {
  const migrations = missing(components, versions)
  if (migrations.length === 0) return ''
  const parts = migrations.map(
    ({ component, from, to, statements }) => `-- ${component}: version ${from} to ${to}\n${statements.join('\n')}`,
  )
  // Whatever is there, it does no harm.
  return [sqlFile('schema.1.sql'), ...parts].join('\n')
}

function missing(components: readonly SchemaComponent[], stored: ReadonlyMap<string, number>): readonly Migration[] {
  return components.flatMap(({ component, versions, newerBy = 0 }) => {
    const from = stored.get(component) ?? 0
    const to = versions.length
    if (from > to + newerBy) throw new SchemaTooNewError(component, from, to)
    return from >= to ? [] : [{ component, from, to, statements: versions.slice(from) }]
  })
}

interface StoredVersion {
  readonly component: string
  readonly version: number
}

function storedVersions(rows: readonly StoredVersion[]): ReadonlyMap<string, number> {
  return new Map(rows.map(({ component, version }) => [component, version]))
}
