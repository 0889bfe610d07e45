import type { SqlValue, Transaction } from 'seaworthy/core'
import type { AnyEntity, ColumnValue, TableDeclaration, Tables } from './mapping.ts'
import type { Entity } from './side.ts'
import { dialectOf } from './side-table.ts'

type Row = AnyEntity[string][number]

/** How an engine spells what is not the same everywhere. */
export interface Spelling {
  readonly dialect: 'sqlite' | 'postgres'
  /** A column as it is read. */
  column(table: string, column: string): string
  /** Whether a table's key is among the texts of one parameter. */
  keyIsIn(table: string, keyColumn: string, parameter: string): string
  /** The parameter for a list of keys. */
  keys(keys: readonly string[]): string
}

interface TableStatements {
  readonly name: string
  readonly declaration: TableDeclaration
  readonly select: string
  readonly remove: string
  readonly upsert: string
}

/** The user's tables of one side: reads and writes what stands under keys. The statements go by an index on the key, and by the primary key. */
export class EntityTables {
  readonly #tables: readonly TableStatements[]
  readonly #spelling: Spelling
  readonly #scan: { readonly first: string; readonly next: string }

  constructor(tables: Tables, spelling: Spelling) {
    const sql = dialectOf(spelling.dialect)
    this.#spelling = spelling
    this.#tables = Object.entries(tables).map(([name, declaration]) => {
      const { select, remove, upsert } = statementsFor(name, declaration, spelling)
      return { name, declaration, select: sql(select), remove: sql(remove), upsert: sql(upsert) }
    })
    this.#scan = { first: sql(scanOf(tables, false)), next: sql(scanOf(tables, true)) }
  }

  /** @param from whose queries see one state, so that an entity is not torn */
  async read(from: Pick<Transaction, 'query'>, keys: readonly string[]): Promise<readonly Entity[]> {
    if (keys.length === 0) return []
    const params = [this.#spelling.keys(keys)]
    // Asked for in one turn of the event loop: on a file that this process writes, nothing comes in between.
    const found = await Promise.all(this.#tables.map(({ select }) => from.query<Record<string, ColumnValue>>({ sql: select, params })))
    const byKey = new Map(keys.map((key) => [key, new Map<string, Row[]>()]))
    for (const [index, rows] of found.entries()) {
      const { name, declaration } = this.#tables[index]!
      for (const row of rows) {
        const tables = byKey.get(String(row[declaration.key]))
        const list = tables?.get(name)
        if (list === undefined) tables?.set(name, [row])
        else list.push(row)
      }
    }
    return keys.map((key) => {
      const tables = byKey.get(key)!
      return { key, tables: Object.fromEntries(this.#tables.map(({ name }) => [name, tables.get(name) ?? []])) }
    })
  }

  async scan(from: Pick<Transaction, 'query'>, after: string | null, max: number): Promise<readonly string[]> {
    const statement = after === null ? { sql: this.#scan.first, params: [max] } : { sql: this.#scan.next, params: [max, after] }
    return (await from.query<{ key: string }>(statement)).map(({ key }) => key)
  }

  /** Makes what stands under a key equal to `wanted`, and writes only what differs. */
  async replace(tx: Transaction, wanted: Entity, present: Entity): Promise<void> {
    const wantedBy = this.#tables.map(({ name, declaration }) => byIdentity(wanted.tables[name] ?? [], declaration))
    const presentBy = this.#tables.map(({ name, declaration }) => byIdentity(present.tables[name] ?? [], declaration))
    // Children go before their parents, and come after them.
    for (const [index, { declaration, remove }] of [...this.#tables.entries()].toReversed()) {
      for (const [identity, row] of presentBy[index]!) {
        if (wantedBy[index]!.has(identity)) continue
        const identifying = [declaration.key, ...declaration.primaryKey]
        await tx.execute({ sql: remove, params: identifying.map((column) => parameterOf(row[column]!)) })
      }
    }
    for (const [index, { declaration, upsert }] of this.#tables.entries()) {
      for (const [identity, row] of wantedBy[index]!) {
        const there = presentBy[index]!.get(identity)
        if (there !== undefined && declaration.columns.every((column) => same(there[column]!, row[column]!))) continue
        await tx.execute({ sql: upsert, params: declaration.columns.map((column) => parameterOf(row[column]!)) })
      }
    }
  }
}

/** Which rows of a table are the mapping's, as SQL that goes on behind a condition; nothing where all are. @param of what stands before the columns, as in `t.` */
export function onlyThose({ only = {} }: TableDeclaration, of = ''): string {
  return Object.entries(only)
    .map(([column, value]) => ` AND ${of}"${column}" = '${value.replaceAll("'", "''")}'`)
    .join('')
}

function statementsFor(name: string, declaration: TableDeclaration, spelling: Spelling) {
  const { key, primaryKey, columns } = declaration
  const quoted = (column: string) => `"${column}"`
  const place = (index: number) => `$${index + 1}`
  const others = columns.filter((column) => !primaryKey.includes(column))
  const identifying = [key, ...primaryKey]
  return {
    select: `SELECT ${columns.map((column) => spelling.column(name, column)).join(', ')} FROM "${name}"
      WHERE ${spelling.keyIsIn(name, key, '$1')}${onlyThose(declaration)} ORDER BY ${primaryKey.map(quoted).join(', ')}`,
    // The key too: a row that another entity has taken over meanwhile is that one's.
    remove: `DELETE FROM "${name}" WHERE ${identifying.map((column, index) => `"${column}" = ${place(index)}`).join(' AND ')}`,
    upsert: `INSERT INTO "${name}" (${columns.map(quoted).join(', ')}) VALUES (${columns.map((_, index) => place(index)).join(', ')})
      ON CONFLICT (${primaryKey.map(quoted).join(', ')}) ${
        others.length === 0 ? 'DO NOTHING' : `DO UPDATE SET ${others.map((column) => `"${column}" = excluded."${column}"`).join(', ')}`
      }`,
  }
}

/** A page of keys, by the key's own order, from the index of each table. */
function scanOf(tables: Tables, hasStart: boolean): string {
  const pages = Object.entries(tables).map(([name, declaration]) => {
    const { key } = declaration
    return `SELECT k FROM (SELECT DISTINCT "${key}" AS k FROM "${name}"
        WHERE ${hasStart ? `"${key}" > $2` : `"${key}" IS NOT NULL`}${onlyThose(declaration)}
        ORDER BY "${key}" LIMIT $1 + 0) AS "page of ${name}"`
  })
  return `SELECT CAST(k AS TEXT) AS key FROM (${pages.join(' UNION ')}) AS keys ORDER BY k LIMIT $1 + 0`
}

function byIdentity(rows: readonly Row[], { primaryKey }: TableDeclaration): Map<string, Row> {
  return new Map(rows.map((row) => [JSON.stringify(primaryKey.map((column) => String(row[column]))), row]))
}

/** Equal as a column keeps it. */
function same(one: ColumnValue, other: ColumnValue): boolean {
  return comparable(one) === comparable(other)
}

/** A value as text in which engines agree: true is 1, a whole number has no kind. */
export function comparable(value: ColumnValue): string {
  if (value === null) return 'null'
  if (value instanceof Uint8Array) return `x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`
  if (typeof value === 'string') return `'${value}`
  return String(typeof value === 'boolean' ? Number(value) : value)
}

function parameterOf(value: ColumnValue): SqlValue {
  // Both engines take these for a truth value, and SQLite has no other.
  return typeof value === 'boolean' ? (value ? 1 : 0) : value
}
