import { PostgresModelError } from './errors.ts'
import { type Table, type UniqueConstraint, uniqueConstraints } from './schema.ts'
import type { Transactions, Xid } from './transactions.ts'
import { type Row, identityOf } from './values.ts'

/** A version of a row, as PostgreSQL's heap keeps it. A change of a row makes a new version and leaves the old one where it is. */
export interface Version {
  readonly row: Row
  /** The transaction that made it, and which of its commands. */
  readonly xmin: Xid
  readonly cmin: number
  /** The transaction that replaced or deleted it last, or locked it; how it ended decides whether this counts. 0: none. */
  xmax: Xid
  /** True when `xmax` holds the row without having changed it. */
  lockedOnly: boolean
  /** What `xmax` replaced it with; undefined after a DELETE. */
  next: Version | undefined
  /** True for what was never inserted in the end: a row of INSERT … ON CONFLICT that met a conflict after all. */
  discarded: boolean
}

/** A unique index. Entries are found by their values; whether the version behind one is alive, the reader decides. */
export interface UniqueIndex extends UniqueConstraint {
  readonly entries: Map<string, Version[]>
}

// A table is cleaned once this many versions lie in it, and then each time it has doubled.
const CLEAN_AT_VERSIONS = 32

/** The versions of a table in the order in which they were made, which is the order of a sequential scan. */
export class Heap {
  readonly name: string
  readonly table: Table
  readonly indexes: readonly UniqueIndex[]
  readonly #transactions: Transactions
  #versions: Version[] = []
  #cleanAt = CLEAN_AT_VERSIONS

  constructor(name: string, table: Table, transactions: Transactions) {
    this.name = name
    this.table = table
    this.#transactions = transactions
    this.indexes = uniqueConstraints(name, table).map((constraint) => ({ ...constraint, entries: new Map<string, Version[]>() }))
  }

  get versions(): readonly Version[] {
    return this.#versions
  }

  add(row: Row, xmin: Xid, cmin: number): Version {
    if (this.#versions.length >= this.#cleanAt) this.#clean()
    const version: Version = { row, xmin, cmin, xmax: 0, lockedOnly: false, next: undefined, discarded: false }
    this.#versions.push(version)
    return version
  }

  /** The index whose columns are these, in any order. @throws PostgresModelError when no unique constraint is on them */
  indexOn(columns: readonly string[]): UniqueIndex {
    const wanted = identityOf(columns.toSorted())
    const index = this.indexes.find((each) => identityOf(each.columns.toSorted()) === wanted)
    if (index === undefined) throw new PostgresModelError('42703', `Table ${this.name} has no unique constraint on ${columns.join(', ')}.`)
    return index
  }

  /** True when the version can be seen by nobody who looks from now on. */
  #isDead(version: Version): boolean {
    if (version.discarded || this.#transactions.stateOf(version.xmin) === 'aborted') return true
    return version.xmax !== 0 && !version.lockedOnly && this.#transactions.stateOf(version.xmax) === 'committed'
  }

  /** Forgets dead versions. Statements under way hold those that they still follow. */
  #clean(): void {
    this.#versions = this.#versions.filter((version) => !this.#isDead(version))
    for (const { entries } of this.indexes) {
      for (const [identity, versions] of entries) {
        const alive = versions.filter((version) => !this.#isDead(version))
        if (alive.length === 0) entries.delete(identity)
        else if (alive.length < versions.length) entries.set(identity, alive)
      }
    }
    this.#cleanAt = Math.max(CLEAN_AT_VERSIONS, this.#versions.length * 2)
  }
}

/** How an index finds the row; undefined when a column is null, because nulls are equal to nothing. */
export function indexIdentity(index: UniqueIndex, row: Row): string | undefined {
  const values = index.columns.map((name) => row[name] ?? null)
  return values.includes(null) ? undefined : identityOf(values)
}
