import type { Database, Transaction } from 'seaworthy/core'
import {
  type JournalEntry,
  type SagaAdvance,
  type SagaClaim,
  type SagaRecord,
  type SagaStatus,
  type SagaStore,
  type StoredSaga,
  type Told,
  versionOf,
} from 'seaworthy/saga'
import { Table, throughJson } from './table.ts'

interface Row extends StoredSaga {
  readonly owner: string | null
  readonly wakeAtMs: number | 'never'
}

interface News {
  readonly sagaId: string
  readonly slot: string
  readonly data: unknown
  readonly expired: boolean
}

/** Sagas and their journals beside an in-memory database. */
export function inMemorySagaStore(database: Database): SagaStore {
  return new InMemorySagaStore(database)
}

class InMemorySagaStore implements SagaStore {
  readonly #sagas = new Table<Row>()
  readonly #news = new Table<News>()
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async start(tx: Transaction, record: SagaRecord, owner: string | null, entries: readonly JournalEntry[]): Promise<boolean> {
    if (this.#sagas.get(record.id, tx) !== undefined) return false
    const stored = { ...throughJson(record), reason: record.reason }
    this.#sagas.set(tx, record.id, { record: stored, journal: throughJson(entries), token: 1, owner, wakeAtMs: 0 })
    return true
  }

  async load(id: string): Promise<StoredSaga | undefined> {
    return stored(this.#sagas.get(id))
  }

  async lock(tx: Transaction, id: string): Promise<StoredSaga | undefined> {
    return stored(this.#sagas.get(id, tx))
  }

  async advance(tx: Transaction, id: string, { token, from, entries, to, reason, rest, atMs }: SagaAdvance): Promise<boolean> {
    const row = this.#sagas.get(id, tx)
    if (row?.token !== token || row.record.status !== from) return false
    const record = to === undefined ? row.record : { ...row.record, status: to, reason: reason ?? row.record.reason, updatedAtMs: atMs }
    const resting = rest === undefined ? {} : { owner: null, wakeAtMs: rest.wakeAtMs, token: token + 1 }
    this.#sagas.set(tx, id, { ...row, ...resting, record, journal: [...row.journal, ...throughJson(entries)] })
    return true
  }

  async claim(claim: SagaClaim): Promise<readonly string[]> {
    const { owner, versions, id, max } = claim
    const known = ({ record }: Row) => versions.includes(versionOf(record))
    const mine = (row: Row) => isUnderWay(row) && (row.owner === null || row.owner === owner) && row.record.id === id
    return this.#database.transaction(async (tx) => {
      const rows = this.#oldestFirst((row) => known(row) && (id === undefined ? isFree(row, claim) : mine(row))).slice(0, max)
      for (const row of rows) this.#sagas.set(tx, row.record.id, { ...row, owner, token: row.token + 1 })
      return rows.map(({ record }) => record.id)
    })
  }

  async strays(claim: Omit<SagaClaim, 'id'>): Promise<readonly SagaRecord[]> {
    const strays = this.#oldestFirst((row) => isFree(row, claim) && !claim.versions.includes(versionOf(row.record)))
    return strays.slice(0, claim.max).map(({ record }) => record)
  }

  async owners(): Promise<readonly string[]> {
    const owners = this.#oldestFirst(isUnderWay).flatMap(({ owner }) => (owner === null ? [] : [owner]))
    return [...new Set(owners)]
  }

  async release(owner: string, nowMs: number): Promise<void> {
    await this.#database.transaction(async (tx) => {
      for (const row of this.#oldestFirst((each) => isUnderWay(each) && each.owner === owner)) {
        this.#sagas.set(tx, row.record.id, { ...row, owner: null, wakeAtMs: nowMs, token: row.token + 1 })
      }
    })
  }

  async nextDueMs(versions: readonly string[]): Promise<number | undefined> {
    const waiting = this.#oldestFirst((row) => isUnderWay(row) && row.owner === null && versions.includes(versionOf(row.record)))
    const times = waiting.flatMap(({ wakeAtMs }) => (wakeAtMs === 'never' ? [] : [wakeAtMs]))
    return times.length === 0 ? undefined : Math.min(...times)
  }

  async tell(
    tx: Transaction,
    { sagaId, slot, data, nowMs }: { sagaId: string; slot: string; data: unknown; nowMs: number },
  ): Promise<{ readonly told: Told; readonly status: SagaStatus | undefined }> {
    const before = this.#news.get(newsKey(sagaId, slot), tx)
    if (before === undefined) this.#news.set(tx, newsKey(sagaId, slot), { sagaId, slot, data: throughJson(data ?? null), expired: false })
    const row = this.#sagas.get(sagaId, tx)
    if (row?.owner === null) this.#sagas.set(tx, sagaId, { ...row, wakeAtMs: nowMs })
    const told = before === undefined ? 'new' : before.expired ? 'expired' : 'known'
    return { told, status: row?.record.status }
  }

  async expire(tx: Transaction, { sagaId, slot }: { sagaId: string; slot: string }): Promise<boolean> {
    if (this.#news.get(newsKey(sagaId, slot), tx) !== undefined) return false
    this.#news.set(tx, newsKey(sagaId, slot), { sagaId, slot, data: null, expired: true })
    return true
  }

  async told(id: string): Promise<ReadonlyMap<string, unknown>> {
    const told = this.#news.rows().filter(({ sagaId, expired }) => sagaId === id && !expired)
    return new Map(told.map(({ slot, data }) => [slot, data]))
  }

  async list({ status, max }: { status?: SagaStatus; max: number }): Promise<readonly SagaRecord[]> {
    const records = this.#sagas.rows().map(({ record }) => record)
    return records
      .filter((record) => status === undefined || record.status === status)
      .toSorted((one, other) => other.startedAtMs - one.startedAtMs)
      .slice(0, max)
  }

  #oldestFirst(which: (row: Row) => boolean): readonly Row[] {
    return this.#sagas
      .rows()
      .filter(which)
      .toSorted((one, other) => one.record.startedAtMs - other.record.startedAtMs)
  }
}

const newsKey = (sagaId: string, slot: string) => JSON.stringify([sagaId, slot])

function stored(row: Row | undefined): StoredSaga | undefined {
  return row && { record: row.record, journal: row.journal, token: row.token }
}

function isUnderWay({ record }: Row): boolean {
  return record.status === 'running' || record.status === 'compensating'
}

function isFree(row: Row, { owner, dead, nowMs }: Omit<SagaClaim, 'id'>): boolean {
  if (!isUnderWay(row)) return false
  if (row.owner === null) return row.wakeAtMs !== 'never' && row.wakeAtMs <= nowMs
  return dead === 'others' ? row.owner !== owner : dead.includes(row.owner)
}
