import type { PostgresDatabase, PostgresDatabaseOptions } from '@seaworthy/postgres'
import { type Clock, type Transaction, ConfigurationError, systemClock } from 'seaworthy/core'
import { DatabaseSide, type WriteEntity } from './database-side.ts'
import type { Mapping, SideName, Tables } from './mapping.ts'
import { postgresCapture } from './postgres-capture.ts'
import type { Side } from './side.ts'
import { SideTable } from './side-table.ts'

export interface PostgresSideOptions {
  readonly mapping: Mapping
  readonly side: SideName
  /** It has {@link cutOverPostgresSchema}. */
  readonly database: PostgresDatabase
  /** The same database once more, for the session that replicates: its role needs REPLICATION, and owns the tables. No pooler in between. */
  readonly connection: PostgresDatabaseOptions['connection']
  /** As on SQLite: `alarm` on the old side, `refuse` on the new. */
  readonly strayWrites?: 'alarm' | 'refuse'
  /** Writes an entity in place of rows. */
  readonly write?: WriteEntity
  /** Of the replication slot and the publication. Default `seaworthy_NAME_SIDE`. */
  readonly slot?: string
  /** How long a step waits for transactions that write. Default 500. */
  readonly lockTimeoutMs?: number
  readonly clock?: Clock
}

export interface PostgresSide extends Side {
  /** Ends the replication. The slot stays and keeps the server's log: {@link dropPostgresSide} when it is over. */
  stop(): Promise<void>
}

const COLUMN_TYPES = `SELECT c.relname AS table_name, a.attname AS column_name, format_type(a.atttypid, NULL) AS type
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.oid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped`
const IDENTITY = 'SELECT relreplident AS identity FROM pg_class WHERE oid = to_regclass($1)'
const HAS_PUBLICATION = 'SELECT 1 AS there FROM pg_publication WHERE pubname = $1'
const HAS_SLOT = 'SELECT 1 AS there FROM pg_replication_slots WHERE slot_name = $1 AND database = current_database()'
const CREATE_SLOT = "SELECT lsn - '0/0'::pg_lsn AS position FROM pg_create_logical_replication_slot($1, 'pgoutput')"
const DROP_SLOT = 'SELECT pg_drop_replication_slot($1) FROM pg_replication_slots WHERE slot_name = $1'
const IS_REFUSED = `SELECT 1 AS there FROM pg_trigger WHERE tgrelid = to_regclass($1) AND tgname = $2 AND NOT tgisinternal`
const HAS_ROW = 'SELECT 1 AS there FROM seaworthy_cut_over WHERE name = $1'
const NAME = /^[a-z0-9_]{1,63}$/

/**
 * A side on PostgreSQL. Makes what is missing: publication, replication slot, triggers where stray writes are refused, and REPLICA IDENTITY FULL on tables whose
 * primary key does not hold the entity's key. The server needs `wal_level = logical`; set `max_slot_wal_keep_size`, too.
 * @throws PostgresError when the server or the role does not allow it
 */
export async function postgresSide(options: PostgresSideOptions): Promise<PostgresSide> {
  const { mapping, side, database, clock = systemClock } = options
  const slot = slotOf(options)
  const tables = mapping[side]
  if (mapping.topic !== undefined || Object.values(tables).some(({ only }) => only !== undefined))
    throw new ConfigurationError(`Mapping ${mapping.name} has a topic, or a table of which only some rows are meant. Both are for SQLite.`)
  const refuse = (options.strayWrites ?? (side === 'old' ? 'alarm' : 'refuse')) === 'refuse'
  const types = await columnTypes(database, tables)
  const table = new SideTable(mapping.name, 'postgres')
  await publish(database, slot, tables)
  const hadRow = (await database.query({ sql: HAS_ROW, params: [mapping.name] })).length > 0
  await database.transaction(async (tx) => {
    await table.create(tx, side, refuse)
    await installRefusal(tx, mapping.name, tables, refuse)
  })
  const [existing] = await database.query({ sql: HAS_SLOT, params: [slot] })
  if (existing === undefined || !hadRow) {
    if (existing !== undefined) await database.query({ sql: DROP_SLOT, params: [slot] })
    const [created] = await database.query<{ position: number | string }>({ sql: CREATE_SLOT, params: [slot] })
    // Whoever stands before it has missed what was written without a slot.
    await database.transaction((tx) => table.capturedFrom(tx, Number(created!.position)))
  }
  const capture = postgresCapture({
    name: mapping.name,
    tables,
    database,
    connection: options.connection,
    slot,
    types,
    clock,
    lockTimeoutMs: options.lockTimeoutMs ?? 500,
  })
  return Object.assign(new DatabaseSide({ mapping, side, database, table, capture, write: options.write }), { stop: () => capture.stop() })
}

/** Removes slot and publication. Until then the slot keeps the server's log. */
export async function dropPostgresSide(options: Pick<PostgresSideOptions, 'mapping' | 'side' | 'database' | 'slot'>): Promise<void> {
  const slot = slotOf(options)
  const { database, mapping, side } = options
  await database.query({ sql: DROP_SLOT, params: [slot] })
  await database.transaction(async (tx) => {
    await tx.execute({ sql: `DROP PUBLICATION IF EXISTS ${slot}` })
    await installRefusal(tx, mapping.name, mapping[side], false)
  })
}

function slotOf({
  mapping,
  side,
  slot = `seaworthy_${mapping.name}_${side}`,
}: Pick<PostgresSideOptions, 'mapping' | 'side' | 'slot'>): string {
  if (!NAME.test(slot)) throw new ConfigurationError(`The name of a slot has small letters, digits and _, 63 at most, unlike ${slot}.`)
  return slot
}

async function columnTypes(database: PostgresDatabase, tables: Tables): Promise<ReadonlyMap<string, string>> {
  const types = new Map<string, string>()
  for (const [table, { columns }] of Object.entries(tables)) {
    const rows = await database.query<{ column_name: string; type: string }>({ sql: COLUMN_TYPES, params: [`"${table}"`] })
    for (const { column_name: column, type } of rows) types.set(`${table}.${column}`, type)
    const missing = columns.find((column) => !types.has(`${table}.${column}`))
    if (missing !== undefined) throw new ConfigurationError(`${database.name} has no column ${table}.${missing}, which the mapping names.`)
  }
  return types
}

async function publish(database: PostgresDatabase, publication: string, tables: Tables): Promise<void> {
  const [published] = await database.query({ sql: HAS_PUBLICATION, params: [publication] })
  await database.transaction(async (tx) => {
    for (const [table, { key, primaryKey }] of Object.entries(tables)) {
      const [row] = await tx.query<{ identity: string }>({ sql: IDENTITY, params: [`"${table}"`] })
      // A deleted row tells no more than its identity.
      if (row!.identity !== 'f' && !primaryKey.includes(key)) await tx.execute({ sql: `ALTER TABLE "${table}" REPLICA IDENTITY FULL` })
    }
    if (published !== undefined) return
    const list = Object.keys(tables).map((table) => `"${table}"`)
    await tx.execute({ sql: `CREATE PUBLICATION ${publication} FOR TABLE ${list.join(', ')}` })
  })
}

async function installRefusal(tx: Transaction, name: string, tables: Tables, refuse: boolean): Promise<void> {
  for (const [table, { key }] of Object.entries(tables)) {
    const trigger = `seaworthy_${name}_refuse`
    const there = (await tx.query({ sql: IS_REFUSED, params: [`"${table}"`, trigger] })).length > 0
    if (there && !refuse) await tx.execute({ sql: `DROP TRIGGER ${trigger} ON "${table}"` })
    if (there || !refuse) continue
    await tx.execute({
      sql: `CREATE TRIGGER ${trigger} BEFORE INSERT OR UPDATE OR DELETE ON "${table}"
        FOR EACH ROW EXECUTE FUNCTION seaworthy_cut_over_refuse('${name}', '${key}')`,
    })
  }
}
