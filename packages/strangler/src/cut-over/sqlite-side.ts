import { type Database, type Statement, type Transaction, ConfigurationError } from 'seaworthy/core'
import type { AppendOnlyLog } from 'seaworthy/messaging'
import { Connection, unsentEvents } from 'seaworthy/sqlite'
import { DatabaseSide, type WriteEntity } from './database-side.ts'
import type { Mapping, SideName } from './mapping.ts'
import type { Side } from './side.ts'
import { SideTable } from './side-table.ts'
import { type SqliteReader, installTriggers, nextPosition, removeTriggers, sqliteCapture } from './sqlite-capture.ts'

export interface SqliteSideOptions {
  readonly mapping: Mapping
  readonly side: SideName
  /** The file, in the process that writes it. It has {@link cutOverSchema}. */
  readonly database: Database
  /**
   * What becomes of a write while another side owns the data. `refuse`: a trigger fails its statement. `alarm`: it is stored and told, with its row, and the feed
   * does not bring it over. Default: `alarm` on the old side, whose other work might fail along with it; `refuse` on the new.
   */
  readonly strayWrites?: 'alarm' | 'refuse'
  /** Writes an entity in place of rows. */
  readonly write?: WriteEntity
  /** Of a mapping with a topic: the log that this side's process publishes on it by. The old side has it; the new one publishes through that ({@link throughOldSide}). */
  readonly log?: Pick<AppendOnlyLog, 'append'>
}

/**
 * A side on SQLite. Puts the triggers on its tables where they are missing.
 * @throws SqliteError when a table or column of the mapping is missing
 */
export async function sqliteSide(options: SqliteSideOptions): Promise<Side> {
  const { mapping, side, database } = options
  if (database.dialect !== 'sqlite')
    throw new ConfigurationError('sqliteSide needs a database of seaworthy/sqlite; for PostgreSQL there is postgresSide.')
  const refuse = (options.strayWrites ?? (side === 'old' ? 'alarm' : 'refuse')) === 'refuse'
  const table = new SideTable(mapping.name, 'sqlite')
  const capture = sqliteCapture(mapping.name, database)
  await database.transaction(async (tx) => {
    const isFirst = await table.create(tx, side, refuse)
    const isNew = await installTriggers(tx, mapping.name, mapping[side])
    // Whoever has followed up to here has missed something, and copies again.
    if (isNew && !isFirst) await table.capturedFrom(tx, await nextPosition(tx, mapping.name))
  })
  const { topic } = mapping
  const told = topic === undefined ? undefined : { unsent: () => unsentEvents(database, topic), log: options.log }
  return new DatabaseSide({ mapping, side, database, table, capture, write: options.write, told })
}

export interface DropSqliteSideOptions extends Pick<SqliteSideOptions, 'mapping' | 'database'> {
  /** Whether who owned the data last is forgotten too: for a side that may be moved again, from the beginning. Default: it stays written down. */
  readonly isForgotten?: boolean
}

/**
 * Takes everything off the tables of a side that nobody moves any more: triggers and what they captured, which would grow with every write, and tell of a stray whenever
 * something else begins to write there. The process that has the file calls it, on both sides, once the cut-over has ended.
 */
export async function dropSqliteSide({ mapping, database, isForgotten = false }: DropSqliteSideOptions): Promise<void> {
  await database.transaction(async (tx) => {
    await removeTriggers(tx, mapping.name)
    if (isForgotten) await new SideTable(mapping.name, 'sqlite').forget(tx)
  })
}

/** A side whose file is read by this process, and written by another. */
export interface SqliteFileSide extends Side {
  close(): void
}

/**
 * Reads the changes and the rows of a side straight from its file, over a connection that cannot write, so that a copy costs the process that owns the file
 * nothing; everything that writes goes to that process.
 * @param owner the side as that process serves it
 */
export function readSqliteFile(
  owner: Side,
  options: { readonly mapping: Mapping; readonly side: SideName; readonly path: string },
): SqliteFileSide {
  const { mapping, side, path } = options
  const connection = new Connection({ path, readOnly: true, statementsMax: 64 })
  const query = async <Row extends object>(statement: Statement) => connection.all<Row>(statement)
  const reader: SqliteReader = {
    query,
    together: async <T>(read: (from: Pick<Transaction, 'query'>) => Promise<T>) => {
      // All statements are asked for, and synchronously answered, in this turn: the snapshot is closed before anything else runs on this connection.
      connection.control('BEGIN')
      let reading: Promise<T>
      try {
        reading = read({ query })
      } finally {
        connection.control('COMMIT')
      }
      return reading
    },
  }
  const capture = sqliteCapture(mapping.name, reader)
  const unwritable: Database = {
    dialect: 'sqlite',
    durability: 'power-loss',
    concurrency: 'serial',
    query,
    transaction: () => Promise.reject(new ConfigurationError('This side only reads the file.')),
    atomically: () => Promise.reject(new ConfigurationError('This side only reads the file.')),
    close: async () => connection.close(),
  }
  const reads = new DatabaseSide({
    mapping,
    side,
    database: unwritable,
    table: new SideTable(mapping.name, 'sqlite'),
    capture,
    write: undefined,
  })
  return {
    state: (request) => owner.state(request),
    take: (request) => owner.take(request),
    apply: (batch) => owner.apply(batch),
    trim: (request) => owner.trim(request),
    verified: (request) => owner.verified(request),
    unsent: (request) => owner.unsent(request),
    publish: (request) => owner.publish(request),
    head: () => reads.head(),
    changes: (request) => reads.changes(request),
    lag: (request) => reads.lag(request),
    strays: (request) => reads.strays(request),
    scan: (request) => reads.scan(request),
    read: (request) => reads.read(request),
    setAside: (request) => reads.setAside(request),
    close: () => connection.close(),
  }
}
