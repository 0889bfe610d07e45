import type { Transaction } from 'seaworthy/core'
import type { JournalEntry, SagaRecord, SagaStatus, SagaStore, StatusChange } from 'seaworthy/saga'
import { Table, throughJson } from './table.ts'

interface Row {
  readonly record: SagaRecord
  readonly journal: readonly JournalEntry[]
}

/** Sagas and their journals beside an in-memory database. */
export function inMemorySagaStore(): SagaStore {
  return new InMemorySagaStore()
}

class InMemorySagaStore implements SagaStore {
  readonly #sagas = new Table<Row>()

  async start(tx: Transaction, record: SagaRecord): Promise<boolean> {
    if (this.#sagas.get(record.id, tx) !== undefined) return false
    this.#sagas.set(tx, record.id, { record: { ...throughJson(record), reason: record.reason }, journal: [] })
    return true
  }

  async load(id: string): Promise<Row | undefined> {
    return this.#sagas.get(id)
  }

  async append(tx: Transaction, id: string, entries: readonly JournalEntry[]): Promise<void> {
    const row = this.#sagas.get(id, tx)
    if (row === undefined) throw new Error(`There is no saga ${id}.`)
    this.#sagas.set(tx, id, { ...row, journal: [...row.journal, ...throughJson(entries)] })
  }

  async setStatus(tx: Transaction, id: string, { from, to, reason, atMs }: StatusChange): Promise<boolean> {
    const row = this.#sagas.get(id, tx)
    if (row?.record.status !== from) return false
    this.#sagas.set(tx, id, { ...row, record: { ...row.record, status: to, reason: reason ?? row.record.reason, updatedAtMs: atMs } })
    return true
  }

  async unfinished(max: number): Promise<readonly string[]> {
    const going = this.#sagas.rows().filter(({ record }) => record.status === 'running' || record.status === 'compensating')
    return going
      .toSorted((one, other) => one.record.startedAtMs - other.record.startedAtMs)
      .slice(0, max)
      .map(({ record }) => record.id)
  }

  async list({ status, max }: { status?: SagaStatus; max: number }): Promise<readonly SagaRecord[]> {
    const records = this.#sagas.rows().map(({ record }) => record)
    return records
      .filter((record) => status === undefined || record.status === status)
      .toSorted((one, other) => other.startedAtMs - one.startedAtMs)
      .slice(0, max)
  }
}
