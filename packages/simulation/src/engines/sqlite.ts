import { constants } from 'node:sqlite'
import { ConfigurationError, type Statement } from 'seaworthy/core'
import { Connection, type SchemaComponent, type SqlConnection, type SqliteDatabase, migrate, sqliteDatabaseOver } from 'seaworthy/sqlite'
import { stackless } from '../kernel/stackless.ts'
import { DeadProcessError } from '../world/dead-process.ts'
import type { Incarnation } from '../world/incarnation.ts'
import type { SharedEngine } from '../world/world.ts'

export interface DatabaseOptions {
  /** Of the database, within its node. Default: the node has one. */
  readonly name?: string
  /** Brought to their newest version before the database is handed out. */
  readonly schema?: readonly SchemaComponent[]
}

const TABLES = `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'seaworthy_schema'`
const HAS_REFERENCES = `SELECT 1 FROM sqlite_schema WHERE sql LIKE '%REFERENCES%' LIMIT 1`
const HAS_SEQUENCE = `SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'`

/** One embedded database in memory: what lies on the disk, as it were. Kept from one history to the next, because making tables is what takes long. */
export class StoredDatabase implements SharedEngine {
  readonly name: string
  readonly connection: Connection
  readonly #readersSql = new Map<string, string>()
  #log: (() => void)[] = []
  #tables: readonly string[] | undefined
  #hasSequence = false
  #hasReferences = false
  #reading = false
  /**
   * Rows that a migration writes would be gone after emptying, and tables that a history makes or drops would be found by the next one as they are left: such a database
   * is not kept.
   */
  #keepable = true
  /** SQLite's own count of changes of the schema, as migrations left it. */
  #migratedTo = 0

  readonly #giveBack: (stored: StoredDatabase) => void

  constructor(name: string, giveBack: (stored: StoredDatabase) => void) {
    this.name = name
    this.#giveBack = giveBack
    this.connection = new Connection({ path: ':memory:', readOnly: false, statementsMax: 512 })
    this.connection.control('PRAGMA foreign_keys = ON')
    const { guard } = this.connection
    const authorize = guard.authorize.bind(guard)
    guard.authorize = (action, first, second) => {
      const verdict = authorize(action, first, second)
      return this.#reading && (guard.changesRows || guard.changesSchema) ? constants.SQLITE_DENY : verdict
    }
  }

  get keepable(): boolean {
    return this.#keepable && this.#schemaVersion === this.#migratedTo
  }

  /** Whatever changes the schema in it is a migration. */
  async migrating(migration: () => Promise<void>): Promise<void> {
    if (this.#schemaVersion !== this.#migratedTo) this.#keepable = false
    await migration()
    this.#migratedTo = this.#schemaVersion
  }

  get #schemaVersion(): number {
    return Number(this.connection.first('PRAGMA schema_version')?.['schema_version'])
  }

  /** Does something in the open transaction, and remembers it. */
  inTransaction<T>(work: () => T): T {
    this.#log.push(work)
    return work()
  }

  control(sql: string): void {
    if (sql === 'BEGIN IMMEDIATE' || sql === 'COMMIT' || sql === 'ROLLBACK') this.#log = []
    else this.#log.push(() => this.connection.control(sql))
    this.connection.control(sql)
  }

  script(sql: string): void {
    const { guard } = this.connection
    const before = guard.changesRows
    guard.changesRows = false
    this.inTransaction(() => this.connection.script(sql))
    if (guard.changesRows && /^\s*(?:INSERT|REPLACE|UPDATE)\b/im.test(sql)) this.#keepable = false
    guard.changesRows = before
    this.#tables = undefined
  }

  /**
   * Reads what is committed, also while a transaction is open: takes the transaction back, reads, and does again what it had done. A second connection
   * would see as much, but two cannot share a database in memory without waiting for each other.
   */
  readCommitted<Row extends object>(statement: Statement): Row[] {
    const { connection } = this
    if (!connection.inTransaction) return this.#readOnly<Row>(statement)
    connection.control('ROLLBACK')
    try {
      return this.#readOnly<Row>(statement)
    } finally {
      connection.control('BEGIN IMMEDIATE')
      for (const again of this.#log) attemptAgain(again)
    }
  }

  rollBack(): void {
    this.#log = []
    if (this.connection.inTransaction) this.connection.control('ROLLBACK')
  }

  /** Empties all tables, so that the next history finds them as after their migration. */
  empty(): void {
    this.rollBack()
    if (this.#tables === undefined) {
      this.#tables = this.connection.all<{ name: string }>({ sql: TABLES }).map(({ name }) => `DELETE FROM "${name.replaceAll('"', '""')}"`)
      this.#hasReferences = this.connection.all({ sql: HAS_REFERENCES }).length > 0
      this.#hasSequence = this.connection.all({ sql: HAS_SEQUENCE }).length > 0
    }
    // This pragma makes SQLite compile every statement anew, so it is left alone where no table refers to another.
    if (this.#hasReferences) this.connection.control('PRAGMA foreign_keys = OFF')
    this.connection.control('BEGIN IMMEDIATE')
    for (const sql of this.#tables) this.connection.control(sql)
    if (this.#hasSequence) this.connection.control('DELETE FROM sqlite_sequence')
    this.connection.control('COMMIT')
    if (this.#hasReferences) this.connection.control('PRAGMA foreign_keys = ON')
  }

  /** The history is over. */
  dispose(): void {
    this.#giveBack(this)
  }

  close(): void {
    this.connection.close()
  }

  #readOnly<Row extends object>(statement: Statement): Row[] {
    const { guard } = this.connection
    const before = { changesRows: guard.changesRows, changesSchema: guard.changesSchema }
    this.#reading = true
    guard.changesRows = guard.changesSchema = false
    try {
      return this.connection.all<Row>({ ...statement, sql: this.#readersOwn(statement.sql) })
    } finally {
      this.#reading = false
      Object.assign(guard, before)
    }
  }

  /** A blank makes it a statement of its own, compiled under the rule for readers, whatever a writer has compiled. Kept, so that it is hashed once. */
  #readersOwn(sql: string): string {
    let own = this.#readersSql.get(sql)
    if (own === undefined) this.#readersSql.set(sql, (own = `${sql} `))
    return own
  }
}

/** What failed the first time fails again, and left the transaction as it was. */
function attemptAgain(work: () => void): void {
  try {
    work()
  } catch {
    // The body was told when it happened.
  }
}

/** The connection of one process to a database. It dies with the process. */
class ProcessConnection implements SqlConnection {
  readonly path: string
  readonly #stored: StoredDatabase
  readonly #process: Incarnation

  constructor(stored: StoredDatabase, process: Incarnation) {
    this.path = `${stored.name}.db`
    this.#stored = stored
    this.#process = process
  }

  get guard() {
    return this.#stored.connection.guard
  }

  get inTransaction(): boolean {
    this.#assertAlive()
    return this.#stored.connection.inTransaction
  }

  control(sql: string): void {
    this.#assertAlive()
    this.#stored.control(sql)
  }

  first(sql: string): Readonly<Record<string, unknown>> | undefined {
    this.#assertAlive()
    return this.#stored.connection.first(sql)
  }

  all<Row extends object>(statement: Statement): Row[] {
    this.#assertAlive()
    return this.#stored.inTransaction(() => this.#stored.connection.all<Row>(statement))
  }

  run(statement: Statement): number {
    this.#assertAlive()
    return this.#stored.inTransaction(() => this.#stored.connection.run(statement))
  }

  script(sql: string): void {
    this.#assertAlive()
    this.#stored.script(sql)
  }

  close(): void {
    // The database outlives the process, and the world looks into it.
  }

  #assertAlive(): void {
    if (!this.#process.alive) throw stackless(() => new DeadProcessError())
  }
}

/** Databases kept from one history to the next of an exploration. */
export class DatabasePool {
  readonly #idle = new Map<string, StoredDatabase>()

  take(name: string): StoredDatabase {
    const idle = this.#idle.get(name)
    this.#idle.delete(name)
    return idle ?? new StoredDatabase(name, (stored) => this.#give(stored))
  }

  #give(stored: StoredDatabase): void {
    stored.rollBack()
    if (!stored.keepable || this.#idle.has(stored.name)) {
      stored.close()
      return
    }
    stored.empty()
    this.#idle.set(stored.name, stored)
  }

  close(): void {
    for (const stored of this.#idle.values()) stored.close()
    this.#idle.clear()
  }
}

/** Opens the node's database for one of its lives: production's engine over a connection in memory. A crash rolls back what is open. */
export async function openDatabase(process: Incarnation, pool: DatabasePool, options: DatabaseOptions): Promise<SqliteDatabase> {
  const name = options.name ?? process.node
  const stored = process.world.shared(`database ${name}`, () => pool.take(name))
  stored.rollBack()
  const release = claim(stored, process)
  process.onDeath(() => {
    release()
    stored.rollBack()
  })
  const connection = new ProcessConnection(stored, process)
  const database = sqliteDatabaseOver(
    {
      writer: connection,
      reader: {
        all: <Row extends object>(statement: Statement) => {
          if (!process.alive) throw stackless(() => new DeadProcessError())
          return stored.readCommitted<Row>(statement)
        },
        close: () => undefined,
      },
      release,
    },
    { path: `${name}.db`, clock: process.clock, random: process.random },
  )
  const { schema } = options
  if (schema !== undefined) await stored.migrating(() => migrate(database, schema, { clock: process.clock }))
  return database
}

const owners = new WeakMap<StoredDatabase, Incarnation>()

/** One process writes an embedded database, as in production. */
function claim(stored: StoredDatabase, process: Incarnation): () => void {
  const owner = owners.get(stored)
  if (owner?.alive === true && owner.world === process.world) {
    throw new ConfigurationError(
      owner === process
        ? `Node ${process.node} opens the database ${stored.name} twice. Open it once, and hand it on.`
        : `Node ${process.node} opens the database ${stored.name}, which ${owner.node} has open. An embedded database has one owner.`,
    )
  }
  owners.set(stored, process)
  return () => {
    if (owners.get(stored) === process) owners.delete(stored)
  }
}
