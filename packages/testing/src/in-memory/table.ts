import type { Transaction } from 'seaworthy/core'
import { InMemoryTransaction } from './database.ts'

/** Rows by key, for in-memory stores: a transaction sees its own changes, others see them after its commit, and a rollback undoes them. */
export class Table<Row> {
  readonly #latest = new Map<string, Row>()
  readonly #committed = new Map<string, Row>()

  /** As the transaction sees it; without one, what is committed. */
  get(key: string, tx?: Transaction): Row | undefined {
    if (tx === undefined) return this.#committed.get(key)
    InMemoryTransaction.of(tx)
    return this.#latest.get(key)
  }

  set(tx: Transaction, key: string, row: Row): void {
    const transaction = InMemoryTransaction.of(tx)
    const before = this.#latest.get(key)
    this.#latest.set(key, row)
    transaction.onCommit(() => this.#committed.set(key, row))
    transaction.onRollback(() => {
      if (before === undefined) this.#latest.delete(key)
      else this.#latest.set(key, before)
    })
  }

  /** Committed rows, in the order in which they were first committed. */
  rows(): readonly Row[] {
    return [...this.#committed.values()]
  }

  /** Removes committed rows. @returns how many */
  remove(which: (row: Row) => boolean): number {
    const keys = [...this.#committed].flatMap(([key, row]) => (which(row) ? [key] : []))
    for (const key of keys) {
      this.#committed.delete(key)
      this.#latest.delete(key)
    }
    return keys.length
  }
}

/** A value as a store with JSON in it gives it back. */
export function throughJson<Value>(value: Value): Value {
  const text: string | undefined = JSON.stringify(value)
  return (text === undefined ? undefined : JSON.parse(text)) as Value
}
