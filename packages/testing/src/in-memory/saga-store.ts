import type { Database, Transaction } from 'seaworthy/core'
import {
  type JournalEntry,
  type SagaAdvance,
  type SagaClaim,
  type SagaPruning,
  type SagaQuery,
  type SagaRecord,
  type SagaState,
  type SagaStatus,
  type SagaStore,
  type SagaSummary,
  type StoredSaga,
  type Told,
  isOver,
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
  readonly atMs: number
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

  async release(owner: string): Promise<void> {
    await this.#database.transaction(async (tx) => {
      for (const row of this.#oldestFirst((each) => isUnderWay(each) && each.owner === owner)) {
        this.#sagas.set(tx, row.record.id, { ...row, owner: null, wakeAtMs: 0, token: row.token + 1 })
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
    if (before === undefined)
      this.#news.set(tx, newsKey(sagaId, slot), { sagaId, slot, data: throughJson(data ?? null), expired: false, atMs: nowMs })
    const row = this.#sagas.get(sagaId, tx)
    if (row?.owner === null) this.#sagas.set(tx, sagaId, { ...row, wakeAtMs: 0 })
    const told = before === undefined ? 'new' : before.expired ? 'expired' : 'known'
    return { told, status: row?.record.status }
  }

  async expire(tx: Transaction, { sagaId, slot, nowMs }: { sagaId: string; slot: string; nowMs: number }): Promise<boolean> {
    if (this.#news.get(newsKey(sagaId, slot), tx) !== undefined) return false
    this.#news.set(tx, newsKey(sagaId, slot), { sagaId, slot, data: null, expired: true, atMs: nowMs })
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

  async page({ state, saga, before, nowMs, max }: SagaQuery): Promise<readonly SagaSummary[]> {
    const rows = this.#sagas.rows().filter((row) => stateOf(row, nowMs) === state && (saga === undefined || row.record.saga === saga))
    const newest = rows.map((row) => summaryOf(row, state)).toSorted(newestFirst)
    return newest.filter((row) => before === undefined || newestFirst(before, row) < 0).slice(0, max)
  }

  async count(query: Omit<SagaQuery, 'before'>): Promise<number> {
    return (await this.page(query)).length
  }

  async prune({ overBeforeMs, keepMax, forgetBeforeMs, nowMs, max }: SagaPruning): Promise<{ pruned: number; forgotten: number }> {
    return this.#database.transaction(async (tx) => {
      const over = this.#sagas
        .rows()
        .filter(({ record }) => isOver(record.status))
        .toSorted((one, other) => lastFirst(one.record, other.record))
      const whole = over.filter(({ prunedAtMs }) => prunedAtMs === undefined)
      const free = ({ record: { parent } }: Row) => {
        const above = parent === undefined ? undefined : this.#sagas.get(parent.sagaId, tx)
        return above === undefined || isOver(above.record.status)
      }
      const isOld = (row: Row, place: number) => (row.record.updatedAtMs < overBeforeMs || place >= keepMax) && free(row)
      const pruned = whole.filter(isOld).toReversed().slice(0, max)
      const forgotten = over
        .filter((row) => row.prunedAtMs !== undefined && row.record.updatedAtMs < forgetBeforeMs && free(row))
        .toReversed()
        .slice(0, max)
      for (const { record, token, wakeAtMs, journal } of pruned) {
        const rest = { ...record, input: null, context: { correlationId: record.context.correlationId } }
        const decided = journal.filter(({ kind }) => kind === 'by-hand')
        this.#sagas.set(tx, record.id, { record: rest, journal: decided, token, owner: null, wakeAtMs, prunedAtMs: nowMs })
      }
      const [lost, gone] = [new Set(pruned.map(({ record }) => record.id)), new Set(forgotten.map(({ record }) => record.id))]
      tx.afterCommit(() => {
        this.#sagas.remove(({ record }) => gone.has(record.id))
        this.#news.remove(({ sagaId, atMs }) => {
          const isOrphan = this.#sagas.get(sagaId) === undefined && atMs < forgetBeforeMs
          return lost.has(sagaId) || gone.has(sagaId) || isOrphan
        })
      })
      return { pruned: pruned.length, forgotten: forgotten.length }
    })
  }

  #oldestFirst(which: (row: Row) => boolean): readonly Row[] {
    return this.#sagas
      .rows()
      .filter(which)
      .toSorted((one, other) => one.record.startedAtMs - other.record.startedAtMs)
  }
}

function stateOf({ record, owner, wakeAtMs }: Row, nowMs: number): SagaState {
  const waits = owner === null && (wakeAtMs === 'never' || wakeAtMs > nowMs)
  return record.status === 'running' && waits ? 'waiting' : record.status
}

function summaryOf({ record, wakeAtMs, prunedAtMs }: Row, state: SagaState): SagaSummary {
  const { input: _input, context, ...rest } = record
  return {
    ...rest,
    state,
    correlationId: context.correlationId,
    ...(state === 'waiting' && wakeAtMs !== 'never' && { wakeAtMs }),
    ...(prunedAtMs !== undefined && { prunedAtMs }),
  }
}

type Begun = Pick<SagaRecord, 'id' | 'startedAtMs'>
const newestFirst = (one: Begun, other: Begun) =>
  other.startedAtMs - one.startedAtMs || (one.id < other.id ? 1 : one.id > other.id ? -1 : 0)
const lastFirst = (one: SagaRecord, other: SagaRecord) => other.updatedAtMs - one.updatedAtMs || (one.id < other.id ? 1 : -1)

const newsKey = (sagaId: string, slot: string) => JSON.stringify([sagaId, slot])

function stored(row: Row | undefined): StoredSaga | undefined {
  if (row === undefined) return undefined
  const { record, journal, token, prunedAtMs } = row
  return { record, journal, token, ...(prunedAtMs !== undefined && { prunedAtMs }) }
}

function isUnderWay({ record }: Row): boolean {
  return record.status === 'running' || record.status === 'compensating'
}

function isFree(row: Row, { owner, dead, nowMs }: Omit<SagaClaim, 'id'>): boolean {
  if (!isUnderWay(row)) return false
  if (row.owner === null) return row.wakeAtMs !== 'never' && row.wakeAtMs <= nowMs
  return dead === 'others' ? row.owner !== owner : dead.includes(row.owner)
}
