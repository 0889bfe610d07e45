import type { Statement } from 'seaworthy/core'
import type { SqliteDatabase } from 'seaworthy/sqlite'
import type { Side } from '@seaworthy/strangler/cut-over'
import type { FaultKind } from '@seaworthy/simulation'
import { type CutOverParts, cutOverWorld } from '../worlds/cut-over.ts'
import type { SimulatedWorld } from '../worlds/simulated-world.ts'
import type { Plant } from './plant.ts'

/** A side with one method of its own. */
function changed(side: Side, own: Partial<Side>): Side {
  return new Proxy(side, {
    get: (target, name) => {
      const method: unknown = Reflect.get({ ...own }, name) ?? Reflect.get(target, name)
      return typeof method === 'function' ? method.bind(target) : method
    },
  })
}

/** A database whose transactions do something else for some statements. */
function rewritten(
  database: SqliteDatabase,
  methods: { readonly skips?: string; readonly reads?: (row: object) => object },
): SqliteDatabase {
  const { skips, reads = (row) => row } = methods
  return {
    ...bound(database),
    transaction: (body, options) =>
      database.transaction(
        (tx) =>
          body({
            query: async <Row extends object>(statement: Statement) => (await tx.query<Row>(statement)).map((row) => reads(row) as Row),
            execute: (statement) =>
              skips !== undefined && statement.sql.includes(skips) ? Promise.resolve({ rowCount: 0 }) : tx.execute(statement),
            script: (sql) => tx.script(sql),
            afterCommit: (effect) => tx.afterCommit(effect),
          }),
        options,
      ),
  }
}

function bound(database: SqliteDatabase): SqliteDatabase {
  const { dialect, concurrency, durability, path } = database
  return {
    dialect,
    concurrency,
    durability,
    path,
    transaction: (body, options) => database.transaction(body, options),
    atomically: (statements) => database.atomically(statements),
    query: (statement) => database.query(statement),
    close: () => database.close(),
  }
}

/** The world of a plant, with the one kind of fault that shows it. */
function only(fault: FaultKind, parts: CutOverParts): SimulatedWorld {
  return { ...cutOverWorld(parts), faults: [fault] }
}

/** Mistakes of whoever moves data from one place to another while people use it. */
export const cutOverPlants: readonly Plant[] = [
  {
    name: 'position-before-commit',
    mistake: 'How far the feed has come is stored in a transaction before that of its rows: a crash in between loses a change.',
    world: only('crash', {
      served: (side) =>
        changed(side, {
          async apply(batch) {
            if (batch.entities.length === 0) return side.apply(batch)
            const { position, copy } = batch
            const marked = await side.apply({ ...batch, entities: [], position, copy })
            if (marked.kind !== 'applied') return marked
            return side.apply({ ...batch, revision: marked.revision })
          },
        }),
    }),
  },
  {
    name: 'feed-without-epoch',
    mistake:
      'The feed writes what it has read, whoever owns the data by then: a batch that was long on its way puts back what was there before.',
    world: only('delay', {
      feeding: (database) => rewritten(database, { reads: (row) => ('gate' in row ? { ...row, gate: 'closed' } : row) }),
      served: (side) =>
        changed(side, {
          async apply(batch) {
            const { epoch, revision, position } = await side.state({})
            return side.apply({ ...batch, epoch, revision, position: Math.max(position, batch.position) })
          },
        }),
    }),
  },
  {
    name: 'feeds-in-a-loop',
    mistake:
      'What the feed writes is not told from what users write, and is captured: each side feeds the other what it has just been fed.',
    world: cutOverWorld({ feeding: (database) => rewritten(database, { skips: 'SET applying' }) }),
  },
  {
    name: 'switched-before-drained',
    mistake: 'The new service owns the data before it has the last writes of the monolith: they are lost when it is written over.',
    world: cutOverWorld({
      seen: (side) =>
        changed(side, {
          async take({ drainedTo, ...step }) {
            const taken = await side.take(step)
            return drainedTo === undefined && step.phase === 'switching' ? { ...taken, head: 0 } : taken
          },
        }),
    }),
  },
  {
    name: 'writes-without-ownership',
    mistake:
      'The new service does not ask whether it owns the data: a request that was on its way during a rollback is written there, and lost.',
    world: only('crash', { asksForOwnership: false }),
  },
]
