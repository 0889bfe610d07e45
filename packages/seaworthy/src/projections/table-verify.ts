import { type Database, type Transaction, type Clock, ConflictError, sleep, systemClock } from 'seaworthy/core'
import type { EventStore } from 'seaworthy/event-sourcing'
import type { EventEnvelope } from 'seaworthy/messaging'
import { checksum } from './checksum.ts'
import type { ProjectionStore } from './projection-store.ts'
import { type Sample, eventsBetween, replaySample } from './replayed-sample.ts'
import type { UpcastTypes } from './stored-event.ts'
import { type TableProjection, creating, holdCheckpoint } from './table-projection.ts'
import type { ChangedDocument, Difference } from './verify.ts'

export interface CheckTablesOptions {
  readonly projection: TableProjection
  readonly source: EventStore
  readonly database: Database
  readonly store: ProjectionStore
  readonly events?: UpcastTypes
  /** The version that answers; 0 when there is none. */
  readonly live: number
  readonly sampleSize: number
  readonly seed: string
  readonly signal?: AbortSignal
  readonly clock?: Clock
}

export interface CheckedTables {
  readonly compared: readonly string[]
  readonly differences: readonly Difference[]
  readonly changed: readonly ChangedDocument[]
}

/** Rows by table. */
type Rows = Readonly<Record<string, readonly object[]>>

const KEYS_AT_ONCE = 250
const EVENTS_AT_ONCE = 200
const DIFFERENCES_MAX = 100
const LOOKS_MAX = 500
const LOOK_MS = 10

/**
 * Builds the rows of a sample of keys again from the first event, in tables aside, and compares them with what is stored, in this version and in the live one, while
 * both are being built on: what is aside is brought to where each of them is.
 * @returns the keys that were compared; the first of which this version has other rows; and those of which the live one has
 * @throws ConflictError when the live one does not get on
 */
export async function checkTables(options: CheckTablesOptions): Promise<CheckedTables> {
  const { projection, database, store, live, sampleSize: size, seed } = options
  const upTo = await store.checkpoint(projection.name, projection.version)
  // Which keys: the documents of this replay say no more than that there is one.
  const keysOnly = { ...projection, partitions: 1, evolve: () => true, listingOf: () => undefined }
  const sample = await replaySample({ ...options, projection: keysOnly }, { upTo, size, seed, without: new Set() })
  const compared = [...new Set([...sample.documents.keys(), ...(await strays(options, sample))])]
  const check = projection.aside()
  await dropTables(database, check)
  try {
    await database.transaction(async (tx) => {
      for (const sql of creating(check)) await tx.execute({ sql })
    })
    const replayed = new Replayed(check, options, new Set(compared))
    const differences: Difference[] = []
    const changed: ChangedDocument[] = []
    for (let at = 0; at < compared.length && differences.length <= DIFFERENCES_MAX; at += KEYS_AT_ONCE) {
      const keys = compared.slice(at, at + KEYS_AT_ONCE)
      const own = await heldRows(projection, keys, replayed.position, options)
      await differing(own, replayed, (key, stored, expected) => differences.push({ key, stored, expected }))
      if (live === 0) continue
      const old = { ...projection, version: live, tableOf: (table: string) => `${table}_v${live}` }
      const theirs = await heldRows(old, keys, replayed.position, options)
      await differing(theirs, replayed, (key, live, next) => changed.push({ key, live, next }))
    }
    return { compared, differences, changed }
  } finally {
    await dropTables(database, check)
  }
}

/** Rows of some keys, by key, as of a position. */
interface HeldRows {
  readonly position: number
  readonly rows: ReadonlyMap<string, Rows>
}

/** What a version has of some keys, at a position that is not before `from`. @throws ConflictError when it does not get there */
async function heldRows(of: TableProjection, keys: readonly string[], from: number, options: CheckTablesOptions): Promise<HeldRows> {
  const { database, store, clock = systemClock, signal } = options
  for (let look = 1; ; look++) {
    const held = await database.transaction(async (tx) => {
      const position = await holdCheckpoint(tx, store, of)
      return position < from ? undefined : { position, rows: await rowsOf(tx, database, of, keys) }
    })
    if (held !== undefined) return held
    if (look === LOOKS_MAX) {
      throw new ConflictError(
        `Version ${of.version} of ${of.name} did not get to event ${from} in ${LOOKS_MAX} looks. Is it still built on?`,
      )
    }
    await sleep(clock, LOOK_MS, signal)
  }
}

/** Calls `tell` for each key whose rows are others than those that a replay comes to. */
async function differing(
  { position, rows }: HeldRows,
  replayed: Replayed,
  tell: (key: string, rows: Rows, expected: Rows) => void,
): Promise<void> {
  const expected = await replayed.rowsAt(position, [...rows.keys()])
  for (const [key, own] of rows) {
    const should = expected.get(key)!
    if (checksum(own, undefined) !== checksum(should, undefined)) tell(key, own, should)
  }
}

/** The rows of the sample in tables aside. Rows of other keys there are made of some of their events alone: nobody looks at them. */
class Replayed {
  readonly #check: TableProjection
  readonly #options: CheckTablesOptions
  readonly #sampled: ReadonlySet<string>
  #position = 0

  constructor(check: TableProjection, options: CheckTablesOptions, sampled: ReadonlySet<string>) {
    this.#check = check
    this.#options = options
    this.#sampled = sampled
  }

  get position(): number {
    return this.#position
  }

  /** Never goes back. */
  async rowsAt(position: number, keys: readonly string[]): Promise<ReadonlyMap<string, Rows>> {
    const { database } = this.#options
    await this.#goOn(position)
    return database.transaction((tx) => rowsOf(tx, database, this.#check, keys))
  }

  async #goOn(upTo: number): Promise<void> {
    const range = { after: this.#position, upTo, isLeftOut: (key: string) => !this.#sampled.has(key) }
    let batch: EventEnvelope[] = []
    for await (const event of eventsBetween({ ...this.#options, projection: this.#check }, range)) {
      if (!this.#check.keysOf(event).some((key) => this.#sampled.has(key))) continue
      if (batch.push(event) < EVENTS_AT_ONCE) continue
      await this.#apply(batch)
      batch = []
    }
    await this.#apply(batch)
    this.#position = Math.max(this.#position, upTo)
  }

  async #apply(events: readonly EventEnvelope[]): Promise<void> {
    if (events.length === 0) return
    await this.#options.database.transaction(async (tx) => {
      for (const event of events) await this.#check.apply(tx, event)
    })
  }
}

/** Keys of stored rows that would be in the sample, and of which no event knows anything. */
async function strays({ projection, database }: CheckTablesOptions, sample: Sample): Promise<readonly string[]> {
  const found = new Set<string>()
  const [first, second] = database.dialect === 'postgres' ? ['$1', '$2'] : ['?1', '?2 + 0']
  for (const [table, { key }] of Object.entries(projection.tables)) {
    const sql = `SELECT DISTINCT ${key} AS key FROM ${projection.tableOf(table)} WHERE ${key} > ${first} ORDER BY ${key} LIMIT ${second}`
    for (let after = ''; ;) {
      const rows = await database.query<{ key: string }>({ sql, params: [after, 1_000] })
      for (const row of rows) if (sample.has(row.key) && !sample.documents.has(row.key)) found.add(row.key)
      const last = rows.at(-1)
      if (last === undefined || found.size > DIFFERENCES_MAX) break
      after = last.key
    }
  }
  return [...found]
}

/** The rows of each key, in all tables, in an order that does not depend on how they are stored. */
async function rowsOf(
  tx: Transaction,
  { dialect }: Pick<Database, 'dialect'>,
  { tables, tableOf }: Pick<TableProjection, 'tables' | 'tableOf'>,
  keys: readonly string[],
): Promise<ReadonlyMap<string, Rows>> {
  const rows = new Map(keys.map((key) => [key, Object.fromEntries(Object.keys(tables).map((name) => [name, [] as object[]]))]))
  const places = keys.map((_, index) => (dialect === 'postgres' ? `$${index + 1}` : '?')).join(', ')
  for (const [name, { key, compared = ['*'] }] of Object.entries(tables)) {
    const sql = `SELECT ${key} AS key_of_row, ${compared.join(', ')} FROM ${tableOf(name)} WHERE ${key} IN (${places})`
    for (const { key_of_row: of, ...row } of await tx.query<{ key_of_row: string }>({ sql, params: [...keys] }))
      rows.get(of)![name]!.push(row)
  }
  for (const own of rows.values()) {
    for (const some of Object.values(own)) some.sort((one, other) => (checksum(one, undefined) < checksum(other, undefined) ? -1 : 1))
  }
  return rows
}

async function dropTables(database: Database, { tables, tableOf }: TableProjection): Promise<void> {
  await database.transaction(async (tx) => {
    for (const name of Object.keys(tables)) await tx.execute({ sql: `DROP TABLE IF EXISTS ${tableOf(name)}` })
  })
}
