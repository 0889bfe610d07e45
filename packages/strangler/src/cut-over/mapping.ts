import { type SqlValue, ConfigurationError } from 'seaworthy/core'
import { outboxNumbersTable } from 'seaworthy/sqlite'
import { MappingError } from './errors.ts'

/** A value of a column. What PostgreSQL keeps as a time, a number of any length, JSON or an array comes and goes as its text. */
export type ColumnValue = SqlValue | boolean

/** One table that holds a part of the entity. */
export interface TableDeclaration {
  /** The column that says which entity a row belongs to. */
  readonly key: string
  /** What tells its rows apart. A unique index must stand on it. */
  readonly primaryKey: readonly string[]
  /** What is moved, key and primary key included. Other columns of the table are left as they are. */
  readonly columns: readonly string[]
  /** Only rows with these values in these columns; the others of the table are left as they are. On SQLite alone. Default: all. */
  readonly only?: Readonly<Record<string, string>>
}

/** The tables of an entity on one side, parents before children. */
export type Tables = Readonly<Record<string, TableDeclaration>>

/** A row as the mapping sees it. */
export type RowOf<Table extends TableDeclaration> = { readonly [Column in Table['columns'][number]]: ColumnValue }

/** Everything that one side has under one key, by table. */
export type EntityOf<Side extends Tables> = { readonly [Name in keyof Side]: readonly RowOf<Side[Name]>[] }

/** An entity whose tables are not known to the compiler. */
export type AnyEntity = Readonly<Record<string, readonly Readonly<Record<string, ColumnValue>>[]>>

/** How the data of a route looks on each side, and how one becomes the other. */
export interface Mapping<Old extends Tables = Tables, New extends Tables = Tables> {
  /** Of the route whose data it is: small letters, digits and `_`. It names slots, triggers and rows. */
  readonly name: string
  /** The monolith's tables. */
  readonly old: Old
  /** The new service's. */
  readonly new: New
  /**
   * The topic on which whoever owns the data tells of it, under the same keys, from an outbox in the same database. The number of a key's last event moves with its
   * rows, and no side gives the data away before all its events are sent. The key columns are text then, as the keys of events are. On SQLite alone. Default: nothing
   * is told.
   */
  readonly topic?: string
  /** The rows of the new service that stand for an entity of the monolith. Pure: it is called again for the same rows, and to verify. Not called for a key without rows. */
  toNew(entity: EntityOf<Old>, key: string): EntityOf<New>
  /** And back, once the new service owns the data. */
  toOld(entity: EntityOf<New>, key: string): EntityOf<Old>
}

/** Which of a route's two places. */
export type SideName = 'old' | 'new'

const NAME = /^[a-z][a-z0-9_]{0,39}$/
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/

/** Declares a mapping. @throws ConfigurationError where a declaration contradicts itself */
export function defineMapping<const Old extends Tables, const New extends Tables>(mapping: Mapping<Old, New>): Mapping<Old, New> {
  const { name } = mapping
  if (!NAME.test(name)) throw new ConfigurationError(`The name of a mapping has small letters, digits and _, 40 at most, unlike '${name}'.`)
  for (const side of ['old', 'new'] as const) {
    const tables = Object.entries(mapping[side])
    if (tables.length === 0) throw new ConfigurationError(`Mapping ${name} names no table on its ${side} side.`)
    for (const [table, { key, primaryKey, columns, only = {} }] of tables) {
      for (const identifier of [table, ...columns]) {
        if (!IDENTIFIER.test(identifier)) {
          throw new ConfigurationError(`Mapping ${name}: ${identifier} is no plain SQL name. Put a view with plain names before the table.`)
        }
      }
      if (new Set(columns).size < columns.length) throw new ConfigurationError(`Mapping ${name}: ${table} names a column twice.`)
      const missing = [key, ...primaryKey, ...Object.keys(only)].find((column) => !columns.includes(column))
      if (missing !== undefined) throw new ConfigurationError(`Mapping ${name}: ${table}.${missing} is a key, and not among its columns.`)
      if (primaryKey.length === 0)
        throw new ConfigurationError(`Mapping ${name}: ${table} has no primary key. Rows could not be told apart.`)
    }
  }
  return mapping.topic === undefined ? mapping : withNumbers(mapping, mapping.topic)
}

/** The same, with the numbers of the topic's events as one more table on both sides. */
function withNumbers<Old extends Tables, New extends Tables>(mapping: Mapping<Old, New>, topic: string): Mapping<Old, New> {
  const { name, ...declaration } = outboxNumbersTable
  const numbers: Tables = { [name]: { ...declaration, only: { topic } } }
  const passing =
    <From extends Tables, To extends Tables>(from: From, to: To, map: (entity: EntityOf<From>, key: string) => EntityOf<To>) =>
    (entity: EntityOf<From>, key: string): EntityOf<To> => {
      const { [name]: last = [], ...own } = entity as AnyEntity
      // Of an entity that is gone its number stays: one that comes back under its key goes on from there.
      const mapped = Object.keys(from).every((table) => own[table]?.length === 0) ? emptyEntity(to) : map(entity, key)
      return { ...mapped, [name]: last } as EntityOf<To>
    }
  return {
    ...mapping,
    old: { ...mapping.old, ...numbers },
    new: { ...mapping.new, ...numbers },
    toNew: passing(mapping.old, mapping.new, (entity, key) => mapping.toNew(entity, key)),
    toOld: passing(mapping.new, mapping.old, (entity, key) => mapping.toOld(entity, key)),
  }
}

/** A mapping seen in one direction. */
export interface DirectedMapping {
  readonly name: string
  readonly from: SideName
  readonly to: SideName
  /** What the target should hold under a key. @throws MappingError when the user's function threw, or returned something that the target cannot hold */
  map(entity: AnyEntity, key: string): AnyEntity
}

export function directed(mapping: Mapping, to: SideName): DirectedMapping {
  const target = mapping[to]
  const translate = (entity: AnyEntity, key: string) => (to === 'new' ? mapping.toNew(entity, key) : mapping.toOld(entity, key))
  return {
    name: mapping.name,
    from: to === 'new' ? 'old' : 'new',
    to,
    map(entity, key) {
      if (isEmpty(entity)) return emptyEntity(target)
      let mapped: AnyEntity
      try {
        mapped = translate(entity, key)
      } catch (cause) {
        throw new MappingError(mapping.name, key, cause instanceof Error ? cause.message : String(cause), { cause })
      }
      const wrong = wrongWith(mapped, target, key)
      if (wrong !== undefined) throw new MappingError(mapping.name, key, wrong)
      return mapped
    },
  }
}

/** Whether nothing stands under a key. */
export function isEmpty(entity: AnyEntity): boolean {
  return Object.values(entity).every((rows) => rows.length === 0)
}

export function emptyEntity(tables: Tables): AnyEntity {
  return Object.fromEntries(Object.keys(tables).map((table) => [table, []]))
}

/** Why a side cannot hold an entity; undefined when it can. */
function wrongWith(entity: AnyEntity, tables: Tables, key: string): string | undefined {
  const stranger = Object.keys(entity).find((table) => tables[table] === undefined)
  if (stranger !== undefined) return `it returned rows of ${stranger}, which is not declared`
  for (const [table, declaration] of Object.entries(tables)) {
    const rows = entity[table]
    if (!Array.isArray(rows)) return `it returned no rows of ${table}; an empty list says that there are none`
    const seen = new Set<string>()
    for (const row of rows as AnyEntity[string]) {
      const wrong = wrongWithRow(row, table, declaration, key)
      if (wrong !== undefined) return wrong
      const identity = JSON.stringify(declaration.primaryKey.map((column) => String(row[column])))
      if (seen.has(identity)) return `it returned two rows of ${table} with the primary key ${identity}`
      seen.add(identity)
    }
  }
  return undefined
}

function wrongWithRow(row: AnyEntity[string][number], table: string, declaration: TableDeclaration, key: string): string | undefined {
  const { columns } = declaration
  const missing = columns.find((column) => !isColumnValue(row[column]))
  if (missing !== undefined)
    return `${table}.${missing} is ${typeof row[missing]}; a column takes text, numbers, bytes, true, false or null`
  const stranger = Object.keys(row).find((column) => !columns.includes(column))
  if (stranger !== undefined) return `${table}.${stranger} is not declared`
  const own = String(row[declaration.key])
  // A row that lands under another key would be taken away by that one's next change.
  if (own !== key) return `a row of ${table} has the key ${own}; a mapping keeps the key`
  return undefined
}

function isColumnValue(value: unknown): value is ColumnValue {
  if (value === null || value instanceof Uint8Array) return true
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value === 'string' || typeof value === 'bigint' || typeof value === 'boolean'
}
