import { type Clock, type Database, type LeaseStore, type Transaction, UnavailableError } from 'seaworthy/core'
import type { SagaRecord, SagaStatus, SagaStore } from 'seaworthy/saga'
import type { FaultKind, Incarnation, SharedEngine } from '@seaworthy/simulation'
import { InMemoryTransaction, inMemoryDatabase, inMemoryLeaseStore, inMemorySagaStore } from '@seaworthy/testing'

const LATENCY_MS = [0.3, 12] as const
const ON_THE_WAY: readonly FaultKind[] = ['crash', 'pause', 'lose', 'restart-broker']
const ON_THE_WAY_BACK: readonly FaultKind[] = ['crash', 'pause']
/** Its name among what the nodes share, for whoever brings it down. */
export const SAGA_SERVER = 'shared saga-server'

/** A line of a journal, or a change of status, that the server took. */
export interface TakenWrite {
  readonly saga: string
  readonly token: number
  readonly by: string
}

/**
 * A database server that several workers share. What is committed survives them; its clock is nobody's but its own. Transactions come one after another, each at one
 * moment: what overlapping ones do to each other is the model of PostgreSQL's part, and the real server's.
 */
export class SagaServer implements SharedEngine {
  readonly database: Database
  readonly sagas: SagaStore
  readonly leases: LeaseStore
  readonly writes: TakenWrite[] = []
  /** The statuses of each saga in the order of its changes, as they were told in the transaction of each. */
  readonly told = new Map<string, SagaStatus[]>()
  readonly #clock: Pick<Clock, 'monotonicMs'>
  #upAtMs = 0

  constructor(process: Incarnation, storing: (store: SagaStore, database: Database) => SagaStore) {
    const { scheduler } = process.world
    this.#clock = { monotonicMs: () => scheduler.nowMs }
    // Of a process it has only what bounds the body of a transaction, and these have no bound here.
    this.database = inMemoryDatabase({ clock: process.clock })
    this.sagas = storing(inMemorySagaStore(this.database), this.database)
    this.leases = inMemoryLeaseStore({ clock: this.#clock })
  }

  goDown(forMs: number): void {
    this.#upAtMs = this.#clock.monotonicMs() + forMs
  }

  heal(): void {
    this.#upAtMs = 0
  }

  assertUp(): void {
    if (this.#clock.monotonicMs() < this.#upAtMs) throw new UnavailableError('The database is away.')
  }

  tell(tx: Transaction, { id, status }: SagaRecord): void {
    InMemoryTransaction.of(tx).onCommit(() => this.told.set(id, [...(this.told.get(id) ?? []), status]))
  }
}

/** What one process has of the server: each request takes a while, and may be lost; its process may die or stand still before the server hears of it, and after. */
export function connected(process: Incarnation, server: SagaServer): Pick<SagaServer, 'database' | 'sagas' | 'leases'> {
  const { database } = server
  const by = `${process.node}/${process.number}`

  async function request<T>(what: string, work: () => Promise<T>): Promise<T> {
    const { index, fault } = process.point(`server:${what}`, ON_THE_WAY, { peer: SAGA_SERVER })
    await process.later(process.latency(index, ...LATENCY_MS), () => undefined)
    if (fault === 'lose') throw new UnavailableError('The connection to the database was lost.')
    server.assertUp()
    const outcome = await settled(work())
    process.point(`server:${what}:answer`, ON_THE_WAY_BACK)
    await process.later(process.latency(`${index}:answer`, ...LATENCY_MS), () => undefined)
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  }

  /** Whatever takes a transaction is a part of that one's request. */
  function overTheWire<Port extends object>(name: string, port: Port, own: Partial<Port> = {}): Port {
    return new Proxy(port, {
      get(target, method) {
        const work: unknown = Reflect.get(own, method) ?? Reflect.get(target, method)
        if (typeof work !== 'function') return work
        const call = (args: readonly unknown[]) => Reflect.apply(work, target, args) as Promise<unknown>
        return (...args: readonly unknown[]) =>
          args.some((argument) => argument instanceof InMemoryTransaction)
            ? call(args)
            : request(`${name}.${String(method)}`, () => call(args))
      },
    })
  }

  const advance: SagaStore['advance'] = async (tx, saga, change) => {
    const isTaken = await server.sagas.advance(tx, saga, change)
    if (isTaken) {
      InMemoryTransaction.of(tx).onCommit(() => {
        server.writes.push({ saga, token: change.token, by })
        process.record({ kind: 'commit', database: 'saga-server' })
      })
    }
    return isTaken
  }
  return {
    leases: overTheWire('leases', server.leases),
    sagas: overTheWire('sagas', server.sagas, { advance }),
    database: {
      dialect: database.dialect,
      durability: database.durability,
      concurrency: database.concurrency,
      transaction: (body, options) => request('transaction', () => database.transaction(body, options)),
      atomically: (statements) => database.atomically(statements),
      query: (statement) => database.query(statement),
      close: async () => undefined,
    },
  }
}

async function settled<T>(work: Promise<T>): Promise<PromiseSettledResult<T>> {
  const [outcome] = await Promise.allSettled([work])
  return outcome
}
