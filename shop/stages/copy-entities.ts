import { type AnyEntity, type Mapping, onlyThose, type Tables } from '@seaworthy/strangler/cut-over'
import { type Database, type SqlValue, SeaworthyError, type Transaction } from 'seaworthy/core'

/** The target has something else than what the source's rows become. Nothing of the source was touched, and the data stays where it is. */
export class DataDiffersError extends SeaworthyError {
  readonly keys: readonly string[]

  constructor(name: string, keys: readonly string[]) {
    const shown = keys.slice(0, KEYS_SHOWN_MAX).join(', ')
    super(
      'stage-data-differs',
      `The copy of ${name} is not as its source, under ${keys.length} keys: ${shown}. The data was not moved. Look at these rows on both sides; who changed them?`,
      { executed: 'no', final: true },
    )
    this.keys = keys
  }
}

export interface CopyOptions {
  readonly mapping: Mapping
  /** `new`: from the monolith to the service; `old`: back. */
  readonly to: 'new' | 'old'
  /** Both at rest: nobody else writes. */
  readonly source: Database
  readonly target: Database
  readonly signal: AbortSignal
}

const PAGE_MAX = 500
const KEYS_SHOWN_MAX = 10

type Row = AnyEntity[string][number]

/**
 * Brings everything under the mapping's keys over, a page of keys in a transaction, and compares both sides afterwards. Repeating it only writes what differs, so
 * that it can be broken off anywhere and begun again.
 * @returns how many entities there are, and how many had to be written
 * @throws DataDiffersError when the target has something that the source has not
 */
export async function copyEntities(options: CopyOptions): Promise<{ readonly entities: number; readonly written: number }> {
  let entities = 0
  let written = 0
  for await (const wanted of pagesOf(options)) {
    options.signal.throwIfAborted()
    entities += wanted.size
    written += await writeMissing(options, wanted)
  }
  await compare(options)
  return { entities, written }
}

/** What the target should have, page by page of the source's keys. */
async function* pagesOf({ mapping, to, source }: CopyOptions): AsyncGenerator<ReadonlyMap<string, AnyEntity>> {
  const tables = to === 'new' ? mapping.old : mapping.new
  const map = (entity: AnyEntity, key: string) => (to === 'new' ? mapping.toNew(entity, key) : mapping.toOld(entity, key))
  for await (const page of entitiesOf(source, tables)) yield new Map(Array.from(page, ([key, entity]) => [key, map(entity, key)]))
}

/** Everything of one side, page by page in the order of the keys. */
async function* entitiesOf(database: Database, tables: Tables): AsyncGenerator<ReadonlyMap<string, AnyEntity>> {
  let after = ''
  for (;;) {
    const keys = await nextKeys(database, tables, after)
    if (keys.length === 0) return
    yield await read(database, tables, keys)
    after = keys.at(-1)!
  }
}

async function nextKeys(database: Database, tables: Tables, after: string): Promise<readonly string[]> {
  const pages = Object.entries(tables).map(
    ([name, table]) => `SELECT ${table.key} AS key FROM ${name} WHERE ${table.key} > ?1${onlyThose(table)}`,
  )
  const sql = `${pages.join(' UNION ')} ORDER BY key LIMIT ?2 + 0` // by the index on each table's key
  return (await database.query<{ key: string }>({ sql, params: [after, PAGE_MAX] })).map(({ key }) => key)
}

async function read(from: Pick<Transaction, 'query'>, tables: Tables, keys: readonly string[]): Promise<ReadonlyMap<string, AnyEntity>> {
  const entities = new Map(keys.map((key) => [key, Object.fromEntries(Object.keys(tables).map((name): [string, Row[]] => [name, []]))]))
  for (const [name, table] of Object.entries(tables)) {
    const { key, primaryKey, columns } = table
    // By the index on the table's key.
    const sql = `SELECT ${columns.join(', ')} FROM ${name} WHERE ${key} IN (SELECT value FROM json_each(?))${onlyThose(table)} ORDER BY ${primaryKey.join(', ')}`
    for (const row of await from.query<Record<string, SqlValue>>({ sql, params: [JSON.stringify(keys)] }))
      entities.get(String(row[key]))?.[name]?.push(row)
  }
  return entities
}

function writeMissing({ mapping, to, target }: CopyOptions, wanted: ReadonlyMap<string, AnyEntity>): Promise<number> {
  const tables = mapping[to]
  return target.transaction(async (tx) => {
    const present = await read(tx, tables, [...wanted.keys()])
    let written = 0
    for (const [key, entity] of wanted) {
      if (same(entity, present.get(key), tables)) continue
      written++
      for (const [name, { primaryKey, columns }] of Object.entries(tables)) {
        const others = columns.filter((column) => !primaryKey.includes(column))
        const sql = `INSERT INTO ${name} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
          ON CONFLICT (${primaryKey.join(', ')}) DO UPDATE SET ${others.map((column) => `${column} = excluded.${column}`).join(', ')}`
        for (const row of entity[name] ?? []) await tx.execute({ sql, params: columns.map((column) => row[column] as SqlValue) })
      }
    }
    return written
  })
}

/** Reads both sides again, from the first key to the last. @throws DataDiffersError */
async function compare(options: CopyOptions): Promise<void> {
  const { mapping, to, target, signal } = options
  const tables = mapping[to]
  const differing: string[] = []
  const known = new Set<string>()
  for await (const wanted of pagesOf(options)) {
    signal.throwIfAborted()
    const present = await read(target, tables, [...wanted.keys()])
    for (const [key, entity] of wanted) {
      known.add(key)
      if (!same(entity, present.get(key), tables)) differing.push(key)
    }
  }
  for await (const present of entitiesOf(target, tables)) for (const key of present.keys()) if (!known.has(key)) differing.push(key)
  if (differing.length > 0) throw new DataDiffersError(mapping.name, differing)
}

function same(one: AnyEntity, other: AnyEntity | undefined, tables: Tables): boolean {
  return other !== undefined && textOf(one, tables) === textOf(other, tables)
}

function textOf(entity: AnyEntity, tables: Tables): string {
  return JSON.stringify(
    Object.entries(tables).map(([name, { columns }]) =>
      (entity[name] ?? []).map((row) => JSON.stringify(columns.map((column) => row[column]))).toSorted(),
    ),
  )
}
