import type { Database, Transaction } from 'seaworthy/core'
import type { Incarnation, SharedEngine } from '@seaworthy/simulation'
import { PostgresModel, type Schema, postgresModelDatabase } from '@seaworthy/simulation/postgres-model'

const LATENCY_MS = [0.3, 12] as const

/** A PostgreSQL server that all nodes share and that survives their crashes. */
export class PostgresServer implements SharedEngine {
  /** Whoever waits for a lock waits for another process, not for the server. */
  readonly busy = false
  readonly model: PostgresModel

  constructor(schema: Schema) {
    this.model = new PostgresModel(schema)
  }
}

/**
 * The server as one process sees it: each statement takes a while, so that transactions of different processes overlap, and each commit is a decision point.
 * When the process dies, what it had open rolls back.
 */
export function postgresOf(process: Incarnation, { model }: PostgresServer): Database {
  const inner = postgresModelDatabase(model, { name: process.node, clock: process.clock })
  process.onDeath(() => inner.crash())
  const travel = () => {
    const { index } = process.point('postgres:statement', [])
    return process.later(process.latency(index, ...LATENCY_MS), () => undefined)
  }
  const overTheWire = (tx: Transaction, onWrite: () => void): Transaction => ({
    async query(statement) {
      await travel()
      return tx.query(statement)
    },
    async execute(statement) {
      onWrite()
      await travel()
      return tx.execute(statement)
    },
    afterCommit: (effect) => tx.afterCommit(effect),
  })
  const transaction: Database['transaction'] = async (body, options) => {
    let wrote = false
    const result = await inner.transaction(async (tx) => {
      const value = await body(overTheWire(tx, () => (wrote = true)))
      // Whoever only looked has nothing to lose, and is at rest.
      if (!wrote) return value
      process.point('postgres:commit:before', ['crash', 'pause'])
      if (!process.alive) return process.never<typeof value>()
      await travel()
      return value
    }, options)
    if (!wrote) return result
    const { index } = process.point('postgres:commit:after', ['crash'])
    process.record({ kind: 'commit', database: 'postgres', index })
    return process.alive ? result : process.never<typeof result>()
  }
  return {
    dialect: inner.dialect,
    durability: inner.durability,
    concurrency: inner.concurrency,
    transaction,
    atomically: (statements) =>
      transaction(async (tx) => {
        const counts = []
        for (const statement of statements) counts.push(await tx.execute(statement))
        return counts
      }),
    async query(statement) {
      await travel()
      return inner.query(statement)
    },
    close: () => inner.close(),
  }
}
