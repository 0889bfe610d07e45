import type { LogicalChange, LogicalReceiver } from '@seaworthy/postgres'
import type { Tables } from './mapping.ts'
import type { KeyChange } from './side.ts'
import { MESSAGE_PREFIX } from './postgres-capture.ts'

/** A row that a transaction touched. */
interface CapturedRow {
  readonly place: number
  readonly key: string
  readonly table: string
  readonly operation: string
  /** As JSON. */
  readonly row: string
}

export interface CapturedTransaction {
  readonly xid: number
  readonly position: number
  readonly atMs: number
  rows: readonly CapturedRow[]
  /** It touched more than is kept, or emptied a table. */
  readonly all: boolean
}

interface OpenTransaction {
  readonly xid: number
  readonly rows: CapturedRow[]
  isFeed: boolean
  all: boolean
}

// Rows that are remembered of one transaction, and of all that wait; beyond, everything is copied again.
const TRANSACTION_ROWS_MAX = 20_000
const ROWS_MAX = 100_000

/** What replication has told and nobody has asked for yet: own writes, by key, within a limit. */
export class CaptureBuffer implements LogicalReceiver {
  readonly #name: string
  readonly #tables: Tables
  #open: OpenTransaction | undefined
  #transactions: CapturedTransaction[] = []
  #rows = 0
  /** Everything up to here has been told. */
  received = 0
  heardAtMs = 0
  #forgotten = 0

  constructor(name: string, tables: Tables) {
    this.#name = name
    this.#tables = tables
  }

  get isEmpty(): boolean {
    return this.#transactions.length === 0
  }

  begin(xid: number): void {
    this.#open = { xid, rows: [], isFeed: false, all: false }
  }

  change({ table, operation, before, after }: LogicalChange): void {
    const open = this.#open
    const declaration = this.#tables[table]
    if (open === undefined || declaration === undefined || open.isFeed) return
    if (open.rows.length >= TRANSACTION_ROWS_MAX) {
      open.all = true
      return
    }
    const { key, columns } = declaration
    const keys = new Set([before?.[key], after?.[key]].filter((value) => value !== undefined && value !== null).map(String))
    const row = after ?? before ?? {}
    const text = JSON.stringify(Object.fromEntries(columns.map((column) => [column, row[column] ?? null])))
    for (const own of keys) open.rows.push({ place: open.rows.length, key: own, table, operation, row: text })
  }

  truncated(tables: readonly string[]): void {
    if (this.#open !== undefined && tables.some((table) => this.#tables[table] !== undefined)) this.#open.all = true
  }

  message(prefix: string, content: string): void {
    if (this.#open !== undefined && prefix === MESSAGE_PREFIX && content === `feed ${this.#name}`) this.#open.isFeed = true
  }

  commit(position: number, atMs: number): void {
    const open = this.#open
    this.#open = undefined
    this.heardAtMs = atMs
    // Told again after a broken connection.
    if (open === undefined || position <= this.received) return
    this.received = position
    if (open.isFeed || (open.rows.length === 0 && !open.all)) return
    const isOver = this.#rows + open.rows.length > ROWS_MAX
    const rows = open.all || isOver ? [] : open.rows
    this.#rows += rows.length
    const last = this.#transactions.at(-1)
    // Of several that cannot be named, the last one tells it for all.
    if (isOver && last?.all === true) this.#transactions.pop()
    this.#transactions.push({ xid: open.xid, position, atMs, rows, all: open.all || isOver })
  }

  progress(position: number): void {
    if (position > this.received) this.received = position
  }

  /** Whole transactions after a position, until there are `max` keys. */
  after(
    position: number,
    max: number,
    upTo: number,
  ): {
    readonly transactions: readonly CapturedTransaction[]
    readonly changes: readonly KeyChange[]
    readonly upTo: number
    readonly all: boolean
  } {
    const transactions: CapturedTransaction[] = []
    let keys = 0
    let isCut = false
    for (const transaction of this.#transactions) {
      if (transaction.position <= position) continue
      isCut = keys >= max || transaction.position > upTo
      if (isCut) break
      transactions.push(transaction)
      keys += transaction.rows.length
    }
    const changes = transactions.flatMap((transaction) => transaction.rows.map(({ key }) => ({ position: transaction.position, key })))
    const told = isCut ? (transactions.at(-1)?.position ?? position) : this.received
    return { transactions, changes, upTo: told, all: transactions.some(({ all }) => all) }
  }

  lag(after: number): { readonly changes: number; readonly firstAtMs: number | undefined } {
    const waiting = this.#transactions.filter(({ position }) => position > after)
    return { changes: waiting.reduce((sum, { rows, all }) => sum + (all ? ROWS_MAX : rows.length), 0), firstAtMs: waiting[0]?.atMs }
  }

  /** Whether a statement sees all transactions up to a position. @param isVisible by its snapshot */
  isVisible(upTo: number, isVisible: (xid: number) => boolean): boolean {
    return this.#transactions.every(({ position, xid }) => position > upTo || isVisible(xid))
  }

  /** @param position that another database has stored */
  forget(position: number): void {
    if (position <= this.#forgotten) return
    this.#forgotten = position
    this.#keep(this.#transactions.filter((transaction) => transaction.position > position))
  }

  /** Takes rows out that were written down elsewhere. @param keys of them; undefined for all */
  remove(transaction: CapturedTransaction, keys: ReadonlySet<string> | undefined): void {
    transaction.rows = keys === undefined ? [] : transaction.rows.filter(({ key }) => !keys.has(key))
    this.#keep(this.#transactions.filter(({ rows, all }) => rows.length > 0 || all))
  }

  #keep(transactions: CapturedTransaction[]): void {
    this.#transactions = transactions
    this.#rows = transactions.reduce((sum, { rows }) => sum + rows.length, 0)
  }
}
