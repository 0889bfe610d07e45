import type { Database, Transaction } from 'seaworthy/core'
import type { SchemaComponent } from 'seaworthy/sqlite'
import type { Capture } from './capture.ts'
import { type Spelling, onlyThose } from './entity-tables.ts'
import type { TableDeclaration, Tables } from './mapping.ts'
import type { ChangePage, StrayWrite } from './side.ts'

/**
 * Tables of a cut-over's side on SQLite. Migrate them together with, and before, the tables that they watch: both are the business of the process that
 * writes the file.
 */
export const cutOverSchema: SchemaComponent = {
  component: 'seaworthy.cut-over',
  versions: [
    `CREATE TABLE seaworthy_cut_over (
      name TEXT PRIMARY KEY,
      side TEXT NOT NULL CHECK (side IN ('old', 'new')),
      refuse INTEGER NOT NULL,
      gate TEXT NOT NULL,
      phase TEXT NOT NULL DEFAULT 'old',
      epoch INTEGER NOT NULL DEFAULT 1,
      applying INTEGER NOT NULL DEFAULT 0,
      revision INTEGER NOT NULL DEFAULT 0,
      position INTEGER NOT NULL DEFAULT 0,
      copy_stage TEXT NOT NULL DEFAULT 'none',
      copy_after TEXT,
      switched_at INTEGER NOT NULL DEFAULT 0,
      closed_at INTEGER NOT NULL DEFAULT 0,
      captured_from INTEGER NOT NULL DEFAULT 0,
      verified_at_ms INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE seaworthy_cut_over_keys (
      name TEXT NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('held', 'parked')),
      key TEXT NOT NULL,
      reason TEXT NOT NULL,
      PRIMARY KEY (name, kind, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE seaworthy_cut_over_changes (
      position INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL,
      key TEXT NOT NULL,
      source TEXT NOT NULL,
      operation TEXT NOT NULL,
      stray TEXT,
      epoch INTEGER,
      at_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX seaworthy_cut_over_changes_by_name ON seaworthy_cut_over_changes (name, position);
    CREATE INDEX seaworthy_cut_over_strays ON seaworthy_cut_over_changes (name, position) WHERE epoch IS NOT NULL`,
  ],
}

const MARK = 'UPDATE seaworthy_cut_over SET applying = ?2 WHERE name = ?1'
// Survives the rows that are trimmed: a position is never given out twice.
const HEAD = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'seaworthy_cut_over_changes'), 0) AS head"
// Index seaworthy_cut_over_changes_by_name, in the next three.
const CHANGES = 'SELECT position, key FROM seaworthy_cut_over_changes WHERE name = ?1 AND position > ?2 ORDER BY position LIMIT ?3 + 0'
// The clock of SQLite's triggers, on both ends of the difference.
const NOW_MS = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
const LAG = `SELECT count(*) AS changes, coalesce(${NOW_MS} - min(at_ms), 0) AS age FROM
  (SELECT at_ms FROM seaworthy_cut_over_changes WHERE name = ?1 AND position > ?2 ORDER BY position LIMIT ?3 + 0)`
// What was written against the ownership stays until the monolith owns the data again, and has so been brought over.
const TRIM = `DELETE FROM seaworthy_cut_over_changes WHERE name = ?1 AND position <= ?2
  AND (epoch IS NULL OR (SELECT phase FROM seaworthy_cut_over WHERE name = ?1) = 'old')`
// Index seaworthy_cut_over_changes_by_name.
const FORGET = 'DELETE FROM seaworthy_cut_over_changes WHERE name = ?1'
// Index seaworthy_cut_over_strays.
const STRAYS = `SELECT position, key, source AS "table", operation, stray AS "row", epoch FROM seaworthy_cut_over_changes
  WHERE name = ?1 AND position > ?2 AND epoch IS NOT NULL ORDER BY position LIMIT ?3 + 0`

const ADD_NOTHING = `INSERT INTO seaworthy_cut_over_changes (name, key, source, operation, at_ms) VALUES (?1, '', '', 'none', 0)`
const REMOVE_NOTHING = "DELETE FROM seaworthy_cut_over_changes WHERE name = ?1 AND operation = 'none'" // index seaworthy_cut_over_changes_by_name
const CAPTURED_FROM = 'SELECT captured_from FROM seaworthy_cut_over WHERE name = ?1' // primary key

const TRIGGERS = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND name LIKE ?1 ESCAPE '!'"
const UNIQUE_COLUMNS = `SELECT i.name AS unique_index, c.name AS column_name FROM pragma_index_list(?1) AS i, pragma_index_info(i.name) AS c
  WHERE i."unique" = 1 AND i.partial = 0 AND c.name IS NOT NULL ORDER BY i.name, c.seqno`

const sqliteSpelling: Spelling = {
  dialect: 'sqlite',
  column: (_, column) => `"${column}"`,
  // A list of texts beside a column of whole numbers is compared as numbers, so that its index serves.
  keyIsIn: (_, column, parameter) => `"${column}" IN (SELECT value FROM json_each(${parameter}))`,
  keys: (keys) => JSON.stringify(keys),
}

/** What reads a file: the database of the process that writes it, or a connection of another process that can only read. */
export interface SqliteReader {
  query: Database['query']
  /** Runs reads on one state of the file. */
  together?<T>(read: (from: Pick<Transaction, 'query'>) => Promise<T>): Promise<T>
}

/** Own writes by triggers into a table of the same file, in the same transaction. Positions are given out in the order of commits, because SQLite has one writer. */
export function sqliteCapture(name: string, reader: SqliteReader): Capture {
  const head = async (tx?: Transaction) => (await (tx ?? reader).query<{ head: number }>({ sql: HEAD }))[0]!.head
  return {
    spelling: sqliteSpelling,
    async beginFeed(tx) {
      await tx.execute({ sql: MARK, params: [name, 1] })
    },
    async endFeed(tx) {
      await tx.execute({ sql: MARK, params: [name, 0] })
    },
    // Whoever has the one transaction that writes has waited for the others.
    quiesce: async () => undefined,
    head,
    async changes({ after, max }): Promise<ChangePage> {
      // First: with the rows that are found after it, everything up to it is told.
      const end = await head()
      const [row] = await reader.query<{ captured_from: number }>({ sql: CAPTURED_FROM, params: [name] })
      const changes = await reader.query<{ position: number; key: string }>({ sql: CHANGES, params: [name, after, max] })
      const last = changes.at(-1)?.position ?? after
      return {
        changes,
        from: row?.captured_from ?? 0,
        upTo: changes.length === max ? last : Math.max(end, last),
        // A file from before that position: an older copy was put in its place.
        all: after > end,
      }
    },
    async lag({ after, max }) {
      const [row] = await reader.query<{ changes: number; age: number }>({ sql: LAG, params: [name, after, max] })
      return { changes: row!.changes, ageMs: Math.max(0, row!.age) }
    },
    reading: (_, read) => reader.together?.(read) ?? read(reader),
    async trim(tx, upTo) {
      await tx.execute({ sql: TRIM, params: [name, upTo] })
    },
    notice: async () => undefined,
    strays: ({ after, max }) => reader.query<StrayWrite>({ sql: STRAYS, params: [name, after, max] }),
    stop: async () => undefined,
  }
}

/** Takes a position that no change has: who has come to it has everything from then on, and who has not may have missed something. */
export async function nextPosition(tx: Transaction, name: string): Promise<number> {
  await tx.execute({ sql: ADD_NOTHING, params: [name] })
  await tx.execute({ sql: REMOVE_NOTHING, params: [name] })
  return (await tx.query<{ head: number }>({ sql: HEAD }))[0]!.head
}

/** Takes the triggers from the watched tables, and forgets what they had captured. */
export async function removeTriggers(tx: Transaction, name: string): Promise<void> {
  for (const { name: trigger } of await triggersOf(tx, name)) await tx.execute({ sql: `DROP TRIGGER "${trigger}"` })
  await tx.execute({ sql: FORGET, params: [name] })
}

/** Those that stand on watched tables now. */
function triggersOf(tx: Transaction, name: string): Promise<readonly { readonly name: string; readonly sql: string }[]> {
  return tx.query({ sql: TRIGGERS, params: [`${prefixOf(name).replaceAll('_', '!_')}%`] })
}

const prefixOf = (name: string): string => `seaworthy_${name}_on_`

/**
 * Puts the triggers on the watched tables, where they are missing or were made for other columns.
 * @returns whether there are new ones, so that what was written before was not captured
 */
export async function installTriggers(tx: Transaction, name: string, tables: Tables): Promise<boolean> {
  const prefix = prefixOf(name)
  const present = new Map((await triggersOf(tx, name)).map((trigger) => [trigger.name, trigger.sql]))
  const wanted = new Map<string, string>()
  for (const [table, declaration] of Object.entries(tables)) {
    const uniques = await uniqueSets(tx, table, declaration)
    for (const [event, sql] of triggersFor(name, table, declaration, uniques)) wanted.set(`${prefix}${table}_${event}`, sql)
  }
  const outdated = [...present].filter(([trigger, sql]) => wanted.get(trigger) !== sql).map(([trigger]) => trigger)
  const missing = [...wanted].filter(([trigger, sql]) => present.get(trigger) !== sql).map(([, sql]) => sql)
  for (const trigger of outdated) await tx.execute({ sql: `DROP TRIGGER "${trigger}"` })
  for (const sql of missing) await tx.execute({ sql })
  return missing.length > 0
}

/** The sets of columns by which an INSERT OR REPLACE may take away a row of another key, without a word to a trigger on DELETE. */
async function uniqueSets(tx: Transaction, table: string, { key, primaryKey }: TableDeclaration): Promise<readonly (readonly string[])[]> {
  const rows = await tx.query<{ unique_index: string; column_name: string }>({ sql: UNIQUE_COLUMNS, params: [table] })
  const byIndex = Map.groupBy(rows, (row) => row.unique_index)
  const sets = [[...primaryKey], ...[...byIndex.values()].map((columns) => columns.map((column) => column.column_name))]
  // One that holds the key can only take away a row of the same key.
  const others = sets.filter((columns) => !columns.includes(key))
  return [...new Map(others.map((columns) => [columns.toSorted().join(','), columns])).values()]
}

function triggersFor(
  name: string,
  table: string,
  declaration: TableDeclaration,
  uniques: readonly (readonly string[])[],
): Map<string, string> {
  const { key, columns } = declaration
  // A row that was, or becomes, one of those that are meant.
  const meant = (...rows: readonly string[]) =>
    declaration.only === undefined ? '' : ` AND (${rows.map((row) => `TRUE${onlyThose(declaration, `${row}.`)}`).join(' OR ')})`
  const trigger = (event: string, when: string, statements: readonly string[], rows: readonly string[] = []) =>
    `CREATE TRIGGER "seaworthy_${name}_on_${table}_${event}" ${when} ON "${table}"
      WHEN (SELECT applying FROM seaworthy_cut_over WHERE name = '${name}') = 0${rows.length === 0 ? '' : meant(...rows)}
      BEGIN ${statements.map((statement) => `${statement}; `).join('')}END`
  const parts = { name, table, columns }
  const triggers = new Map([
    [
      'insert',
      trigger(
        'insert',
        'AFTER INSERT',
        [refusal(name, `new."${key}"`), capture({ ...parts, row: 'new', key, operation: 'insert' })],
        ['new'],
      ),
    ],
    [
      'update',
      trigger(
        'update',
        `AFTER UPDATE OF ${columns.map((column) => `"${column}"`).join(', ')}`,
        [
          refusal(name, `old."${key}"`),
          refusal(name, `new."${key}"`),
          capture({ ...parts, row: 'new', key, operation: 'update' }),
          // A row that changes its entity changes two.
          `${capture({ ...parts, row: 'old', key, operation: 'update' })} AND old."${key}" IS NOT new."${key}"`,
        ],
        ['old', 'new'],
      ),
    ],
    [
      'delete',
      trigger(
        'delete',
        'AFTER DELETE',
        [refusal(name, `old."${key}"`), capture({ ...parts, row: 'old', key, operation: 'delete' })],
        ['old'],
      ),
    ],
  ])
  if (uniques.length > 0) {
    const statements = uniques.map(
      (unique) => `INSERT INTO seaworthy_cut_over_changes (name, key, source, operation, stray, epoch, at_ms)
        SELECT c.name, CAST(t."${key}" AS TEXT), '${table}', 'replace', ${strayRow(columns, 't')}, ${STRAY_EPOCH}, ${NOW_MS}
        FROM seaworthy_cut_over c, "${table}" t WHERE c.name = '${name}' AND t."${key}" IS NOT NULL AND t."${key}" IS NOT new."${key}"
          AND ${unique.map((column) => `t."${column}" = new."${column}"`).join(' AND ')}${onlyThose(declaration, 't.')}`,
    )
    triggers.set('replace', trigger('replace', 'BEFORE INSERT', statements))
  }
  return triggers
}

const IS_STRAY = `(c.gate = 'closed' OR (c.gate = 'held' AND EXISTS (SELECT 1 FROM seaworthy_cut_over_keys k
  WHERE k.name = c.name AND k.kind = 'held' AND k.key = `
const STRAY_EPOCH = "CASE WHEN c.gate <> 'open' THEN c.epoch END"

function refusal(name: string, key: string): string {
  return `SELECT RAISE(ABORT, 'seaworthy cut-over: the other side owns ${name}')
    FROM seaworthy_cut_over c WHERE c.name = '${name}' AND c.refuse = 1 AND ${IS_STRAY}CAST(${key} AS TEXT))))`
}

function capture(parts: {
  name: string
  table: string
  columns: readonly string[]
  row: 'new' | 'old'
  key: string
  operation: string
}): string {
  const { name, table, columns, row, operation } = parts
  const key = `${row}."${parts.key}"`
  const stray = (value: string) => `CASE WHEN ${IS_STRAY}CAST(${key} AS TEXT)))) THEN ${value} END`
  return `INSERT INTO seaworthy_cut_over_changes (name, key, source, operation, stray, epoch, at_ms)
    SELECT c.name, CAST(${key} AS TEXT), '${table}', '${operation}', ${stray(strayRow(columns, row))}, ${stray('c.epoch')}, ${NOW_MS}
    FROM seaworthy_cut_over c WHERE c.name = '${name}' AND ${key} IS NOT NULL`
}

/** Every value as an SQL literal: bytes too, which JSON cannot hold. */
function strayRow(columns: readonly string[], row: string): string {
  return `json_object(${columns.map((column) => `'${column}', quote(${row}."${column}")`).join(', ')})`
}
