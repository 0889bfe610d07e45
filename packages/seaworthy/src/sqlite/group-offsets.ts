import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Statement } from 'seaworthy/core'
import { GroupTakenError } from 'seaworthy/messaging'
import { Connection } from './connection.ts'
import { type SqliteDatabase, type SqliteDatabaseOptions, openSqliteDatabase } from './database.ts'
import { SqliteOwnedError } from './errors.ts'
import { type SchemaComponent, migrate } from './migrate.ts'
import { groupOfFile, groupPath } from './topic-file.ts'

const GROUP_SCHEMA: SchemaComponent = {
  component: 'seaworthy.group',
  versions: [
    `CREATE TABLE place (
       topic TEXT NOT NULL,
       partition INTEGER NOT NULL,
       log_id TEXT NOT NULL,
       offset INTEGER NOT NULL,
       PRIMARY KEY (topic, partition)
     ) STRICT, WITHOUT ROWID;`,
  ],
}
const IS_MIGRATED = `SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'place'` // no index: a few rows
// Primary key of place.
const SELECT_PLACES = 'SELECT partition, log_id, offset FROM place WHERE topic = ? ORDER BY partition'
const ADVANCE = `INSERT INTO place (topic, partition, log_id, offset) VALUES (?, ?, ?, ?)
  ON CONFLICT (topic, partition) DO UPDATE SET
    offset = CASE WHEN log_id = excluded.log_id THEN max(offset, excluded.offset) ELSE excluded.offset END,
    log_id = excluded.log_id`
const SET = `INSERT INTO place (topic, partition, log_id, offset) VALUES (?, ?, ?, ?)
  ON CONFLICT (topic, partition) DO UPDATE SET log_id = excluded.log_id, offset = excluded.offset`

/** Where a group goes on in one partition. */
export interface Place {
  readonly topic: string
  readonly partition: number
  /** The log that the offset belongs to. */
  readonly logId: string
  readonly offset: number
}

/** The offsets of one group, in a file of their own, so that commits of consumers never contend with appends. */
export class GroupOffsets {
  readonly #database: SqliteDatabase

  private constructor(database: SqliteDatabase) {
    this.#database = database
  }

  /** @throws GroupTakenError when the group has a member already */
  static async open(directory: string, group: string, options: Omit<SqliteDatabaseOptions, 'path' | 'durability'>): Promise<GroupOffsets> {
    try {
      // A commit lost to a power cut is a redelivery, which at-least-once allows: no wait for the disk here.
      const database = await openSqliteDatabase({ ...options, path: groupPath(directory, group), durability: 'process-crash' })
      try {
        await migrate(database, [GROUP_SCHEMA])
      } catch (error) {
        await database.close()
        throw error
      }
      return new GroupOffsets(database)
    } catch (error) {
      throw error instanceof SqliteOwnedError ? new GroupTakenError(group, { cause: error }) : error
    }
  }

  async places(topic: string): Promise<readonly Place[]> {
    const rows = await this.#database.query<{ partition: number; log_id: string; offset: number }>({ sql: SELECT_PLACES, params: [topic] })
    return rows.map((row) => ({ topic, partition: row.partition, logId: row.log_id, offset: row.offset }))
  }

  /** Moves forward; a place behind the stored one is ignored. */
  async advance(places: readonly Place[]): Promise<void> {
    await this.#database.atomically(places.map(storing(ADVANCE)))
  }

  /** Moves anywhere. */
  async set(places: readonly Place[]): Promise<void> {
    await this.#database.atomically(places.map(storing(SET)))
  }

  async close(): Promise<void> {
    await this.#database.close()
  }
}

function storing(sql: string): (place: Place) => Statement {
  return (place) => ({ sql, params: [place.topic, place.partition, place.logId, place.offset] })
}

/** The groups whose offsets lie in a folder, and where each is in a topic. Groups that never read it are left out. */
export function groupsOf(directory: string, topic: string): ReadonlyMap<string, readonly Place[]> {
  const groups = new Map<string, readonly Place[]>()
  for (const file of filesIn(directory)) {
    const group = groupOfFile(file)
    if (group === undefined) continue
    const connection = new Connection({ path: join(directory, file), readOnly: true, statementsMax: 4 })
    try {
      if (connection.all({ sql: IS_MIGRATED }).length === 0) continue
      const rows = connection.all<{ partition: number; log_id: string; offset: number }>({ sql: SELECT_PLACES, params: [topic] })
      if (rows.length > 0) {
        groups.set(
          group,
          rows.map((row) => ({ topic, partition: row.partition, logId: row.log_id, offset: row.offset })),
        )
      }
    } finally {
      connection.close()
    }
  }
  return groups
}

/** The names in a folder; none when it is not there yet. */
export function filesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).toSorted()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
