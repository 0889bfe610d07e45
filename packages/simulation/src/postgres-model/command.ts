import { PostgresModelError } from './errors.ts'
import type { Scope } from './expression.ts'
import { Heap } from './heap.ts'
import { type LockOwner, Locks } from './locks.ts'
import { type Schema, assertSchema } from './schema.ts'
import { Sequence } from './sequence.ts'
import { type Snapshot, type Xid, Transactions } from './transactions.ts'
import type { Row } from './values.ts'

/** What the sessions of a server share. */
export class Storage {
  readonly transactions = new Transactions()
  readonly locks = new Locks<LockOwner>(this.transactions)
  readonly sequences: ReadonlyMap<string, Sequence>
  readonly #heaps: ReadonlyMap<string, Heap>

  constructor(schema: Schema) {
    assertSchema(schema)
    this.#heaps = new Map(Object.entries(schema.tables).map(([name, table]) => [name, new Heap(name, table, this.transactions)]))
    this.sequences = new Map((schema.sequences ?? []).map((name) => [name, new Sequence()]))
  }

  heap(name: string): Heap {
    const heap = this.#heaps.get(name)
    if (heap === undefined) throw new PostgresModelError('42P01', `There is no table ${name}.`)
    return heap
  }

  sequence(name: string): Sequence {
    const sequence = this.sequences.get(name)
    if (sequence === undefined) throw new PostgresModelError('42P01', `There is no sequence ${name}.`)
    return sequence
  }
}

/** A transaction under way. */
export interface OpenTransaction {
  /** Undefined until the first write. */
  xid: Xid | undefined
  commands: number
}

export interface StatementResult {
  readonly rows: readonly Row[]
  /** Rows inserted, updated, deleted or returned. */
  readonly rowCount: number
}

/** A statement under way in its transaction: what it sees, and who it is to others. */
export class Command {
  readonly storage: Storage
  readonly owner: LockOwner
  readonly snapshot: Snapshot
  /** Which command of its transaction: it sees what earlier ones wrote, and not what it writes itself. */
  readonly number: number
  readonly #transaction: OpenTransaction

  constructor(storage: Storage, owner: LockOwner, transaction: OpenTransaction) {
    this.storage = storage
    this.owner = owner
    this.#transaction = transaction
    this.number = ++transaction.commands
    this.snapshot = storage.transactions.snapshot()
  }

  get xid(): Xid | undefined {
    return this.#transaction.xid
  }

  get snapshotXmin(): Xid {
    return this.snapshot.xmin
  }

  /** The transaction's id. Gives it one if it has none. */
  currentXid(): Xid {
    return (this.#transaction.xid ??= this.#begin())
  }

  nextval(name: string): number {
    const { value, logged } = this.storage.sequence(name).next()
    if (logged) this.currentXid()
    return value
  }

  scope(row?: Row, excluded?: Row): Scope {
    return { row, excluded, session: this }
  }

  #begin(): Xid {
    const xid = this.storage.transactions.begin()
    this.storage.locks.transactionBegan(xid, this.owner)
    return xid
  }
}
