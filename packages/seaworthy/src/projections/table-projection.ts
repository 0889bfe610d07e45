import { type Database, type Transaction, ConfigurationError } from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'
import type { ProjectionStore } from './projection-store.ts'
import { type EventData, type Projection, projection } from './projection.ts'

/** A table of a read model, without its name: each version has one of its own. */
export interface ProjectedTable {
  /** What stands between the brackets of CREATE TABLE. */
  readonly columns: string
  /** Columns of each index, as in `customer, placed_at DESC`. */
  readonly indexes?: readonly string[]
  /** The column of text that says whose row it is: which of {@link TableProjectionDeclaration.keys}. */
  readonly key: string
  /** Columns that a replay must come to as well. Default all; leave out what is not made of events alone, such as a number that the database gives. */
  readonly compared?: readonly string[]
}

type TableNames<Tables> = { readonly [Name in keyof Tables]: string }

/** Changes the read model for one event, in the transaction and the tables it is given. Runs again when that rolls back, so it does nothing else. */
export type ApplyToTables<Tables, Data> = (tx: Transaction, event: EventEnvelope<Data>, tables: TableNames<Tables>) => Promise<void>

export interface TableProjectionDeclaration<Tables extends Readonly<Record<string, ProjectedTable>>, Events extends EventData> {
  readonly name: string
  /** From 1. Raise it whenever a change here gives other rows: the new version is built in tables of its own, and takes the old one's place by a switch. */
  readonly version: number
  /** By the name under which queries ask: that of a view on the table of the live version. */
  readonly tables: Tables
  /** By type of event. Types that are not named are passed over. */
  readonly on: { readonly [Type in keyof Events]: ApplyToTables<Tables, Events[Type]> }
  /** Keys of the rows that an event changes. Default: its own key. */
  readonly keys?: (event: EventEnvelope<Events[keyof Events]>) => readonly string[]
}

/** A read model in tables of which each version has its own. Run it as any projection, after {@link createTables}. */
export interface TableProjection extends Projection {
  readonly tables: Readonly<Record<string, ProjectedTable>>
  readonly keyedByStream: boolean
  keysOf(event: EventEnvelope): readonly string[]
  /** The table behind a name, of this version. */
  readonly tableOf: (name: string) => string
  /** The same, into tables beside them: for a check. */
  aside(): TableProjection
}

const NAME = /^[a-z][a-z0-9_]{0,40}$/

/** Declares a projection into tables. @throws ConfigurationError */
export function tableProjection<
  const Tables extends Readonly<Record<string, ProjectedTable>>,
  Events extends EventData = Record<string, unknown>,
>(declaration: TableProjectionDeclaration<Tables, Events>): TableProjection {
  for (const name of Object.keys(declaration.tables)) {
    if (!NAME.test(name)) {
      throw new ConfigurationError(
        `Table ${name} of projection ${declaration.name}: names are lower case letters, digits and _, 41 at most.`,
      )
    }
  }
  return inTables(declaration, '')
}

function inTables(
  declaration: TableProjectionDeclaration<Readonly<Record<string, ProjectedTable>>, EventData>,
  suffix: string,
): TableProjection {
  const { name, version, tables, on, keys } = declaration
  const tableOf = (table: string) => `${table}_v${version}${suffix}`
  const names = Object.fromEntries(Object.keys(tables).map((table) => [table, tableOf(table)]))
  const handlers = Object.entries(on as Readonly<Record<string, ApplyToTables<typeof tables, never>>>).map(
    ([type, apply]) => [type, (tx: Transaction, event: EventEnvelope<never>) => apply(tx, event, names)] as const,
  )
  const base = projection({
    name,
    version,
    on: Object.fromEntries(handlers),
    async reset(tx) {
      for (const table of Object.values(names)) await tx.execute({ sql: `DELETE FROM ${table}` })
    },
  })
  return {
    ...base,
    tables,
    keyedByStream: keys === undefined,
    keysOf: (event) => (keys === undefined ? [event.key] : [...new Set(keys(event as EventEnvelope<never>))]),
    tableOf,
    aside: () => inTables(declaration, '_check'),
  }
}

/**
 * Makes the tables of a version, where they are not there yet. Version 1 is what queries see from then on; a later one waits for {@link switchTables}. Call it
 * before the projection is started.
 */
export async function createTables(options: {
  readonly projection: TableProjection
  readonly database: Database
  readonly store: ProjectionStore
}): Promise<void> {
  const { projection, database, store } = options
  await database.transaction(async (tx) => {
    // Of several instances that start at one time, one makes them.
    await holdCheckpoint(tx, store, projection)
    for (const sql of creating(projection)) await tx.execute({ sql })
    if (projection.version === 1 && (await store.makeLive(tx, projection.name, { from: 0, to: 1 }))) await showTables(tx, projection)
  })
}

/** What makes the tables of a version. */
export function creating({ tables, tableOf }: TableProjection): readonly string[] {
  return Object.entries(tables).flatMap(([name, { columns, indexes = [] }]) => [
    `CREATE TABLE IF NOT EXISTS ${tableOf(name)} (${columns})`,
    ...indexes.map((index, at) => `CREATE INDEX IF NOT EXISTS ${tableOf(name)}_${at + 1} ON ${tableOf(name)} (${index})`),
  ])
}

/** Lets queries see the tables of this version, from the commit on. */
export async function showTables(tx: Transaction, { tables, tableOf }: TableProjection): Promise<void> {
  for (const name of Object.keys(tables)) {
    await tx.execute({ sql: `DROP VIEW IF EXISTS ${name}` })
    await tx.execute({ sql: `CREATE VIEW ${name} AS SELECT * FROM ${tableOf(name)}` })
  }
}

/** Keeps the version's runner out until the transaction ends. @returns where it is */
export async function holdCheckpoint(tx: Transaction, store: ProjectionStore, { name, version }: Projection): Promise<number> {
  for (;;) {
    const position = await store.checkpoint(name, version, tx)
    if (await store.advance(tx, name, version, { from: position, to: position })) return position
  }
}
