import type { EventStore } from 'seaworthy/event-sourcing'
import { sqliteProjectionStore } from 'seaworthy/sqlite'
import { type ReadStore, envelopeOf } from 'seaworthy/projections'
import { accountsWorld } from '../worlds/accounts.ts'
import { parkingWorld } from '../worlds/parking.ts'
import { rebuildWorld } from '../worlds/rebuild.ts'
import { statementsWorld } from '../worlds/statements.ts'
import { tablesWorld } from '../worlds/tables.ts'
import type { Plant } from './plant.ts'

/** Mistakes of whoever keeps events and what is made of them. */
export const eventSourcingPlants: readonly Plant[] = [
  {
    name: 'snapshot-newer-than-code',
    mistake:
      'A snapshot is taken as it is, whichever release made it: after a roll-back the state has a shape that the code does not know.',
    world: accountsWorld({
      storing(store, schemaVersion) {
        const trusting: EventStore = {
          append: (tx, stream, events, expected) => store.append(tx, stream, events, expected),
          read: (stream, options) => store.read(stream, options),
          readBackwards: (stream, options) => store.readBackwards(stream, options),
          archive: (tx, stream) => store.archive(tx, stream),
          restore: (tx, stream) => store.restore(tx, stream),
          archivedAtMs: (stream, tx) => store.archivedAtMs(stream, tx),
          find: (stream, eventId, tx) => store.find(stream, eventId, tx),
          readAll: (options) => store.readAll(options),
          head: () => store.head(),
          async loadSnapshot(stream, tx) {
            const snapshot = await store.loadSnapshot(stream, tx)
            return snapshot && { ...snapshot, schemaVersion }
          },
          saveSnapshot: (tx, snapshot) => store.saveSnapshot(tx, snapshot),
          onAppended: (listener) => store.onAppended(listener),
        }
        return trusting
      },
    }),
  },
  {
    name: 'checkpoint-outside-transaction',
    mistake: 'The checkpoint is moved in a transaction after that of the read model: a crash in between applies an event twice.',
    world: statementsWorld({
      running({ clock, note }, projection, source, views) {
        const store = sqliteProjectionStore(views)
        const pause = (delayMs: number) => new Promise<void>((resolve) => clock.timer(delayMs, resolve))
        const project = async () => {
          for (;;) {
            try {
              const from = await store.checkpoint(projection.name, projection.version)
              const [next] = await source.readAll({ after: from, max: 1 })
              if (next === undefined) {
                await pause(100)
                continue
              }
              await views.transaction((tx) => projection.apply(tx, envelopeOf(next)))
              await views.transaction((tx) => store.advance(tx, projection.name, projection.version, { from, to: next.position }))
            } catch {
              await pause(100)
            }
          }
        }
        project().catch((error: unknown) => note('the projection ended', String(error)))
      },
    }),
  },
  {
    name: 'documents-before-checkpoint',
    mistake: 'A document is written, and its checkpoint after it: a crash in between applies an event twice.',
    world: rebuildWorld({
      storing: (store) => ({
        ...bound(store),
        async write(of, { checkpoint, from, to, changes }) {
          if (!(await store.write(of, { checkpoint, from, to: from, changes }))) return false
          return store.write(of, { checkpoint, from, to, changes: [] })
        },
      }),
    }),
  },
  {
    name: 'switch-when-behind',
    mistake:
      'A new version takes the place of the old one as soon as it is built, and not when it is as far: readers see less than before.',
    world: rebuildWorld({
      switching: async (_, store) => {
        const { live } = await store.versions('balances')
        if (live === 1) await store.makeLive('balances', { from: 1, to: 2, evenIfBehind: true })
      },
    }),
  },
  {
    name: 'rows-after-checkpoint',
    mistake:
      'A projection writes its rows once the checkpoint has committed, to keep the transaction short: a crash in between loses them.',
    world: tablesWorld({
      async writing(tx, views, statements) {
        tx.afterCommit(() => void views.atomically(statements).catch(() => undefined))
      },
    }),
  },
  {
    name: 'tables-switched-when-behind',
    mistake:
      'Queries are switched to the new tables as soon as those are there, and not when they are as far: readers see less than before.',
    world: tablesWorld({
      switching: async ({ views, store }) => {
        await views.transaction(async (tx) => {
          if (!(await store.makeLive(tx, 'statements', { from: 1, to: 2 }))) return
          for (const table of ['balances', 'movements']) {
            await tx.execute({ sql: `DROP VIEW ${table}` })
            await tx.execute({ sql: `CREATE VIEW ${table} AS SELECT * FROM ${table}_v2` })
          }
        })
      },
    }),
  },
  {
    name: 'query-without-token',
    mistake: 'A query does not say what it has to contain: who just deposited does not see it.',
    world: rebuildWorld({ waiting: false }),
  },
  {
    name: 'parked-before-checkpoint',
    mistake:
      'A document is parked, and the checkpoint moves after it: a crash in between lets the same event wait twice, and be applied twice.',
    world: parkingWorld({
      storing: (store) => ({
        ...bound(store),
        async write(of, { parking = [], ...write }) {
          if (parking.length > 0 && !(await store.write(of, { ...write, to: write.from, changes: [], parking }))) return false
          return store.write(of, write)
        },
      }),
    }),
  },
  {
    name: 'projection-passes-over-poison',
    mistake: 'A projection leaves out what it does not understand, and goes on: when it is mended, nobody knows what is missing.',
    world: parkingWorld({ onPoison: (balance) => balance }),
  },
]

/** A store as an object whose methods can be replaced one by one. */
function bound(store: ReadStore): ReadStore {
  return {
    load: (of, options) => store.load(of, options),
    write: (of, write) => store.write(of, write),
    checkpoints: (of) => store.checkpoints(of),
    keys: (of, options) => store.keys(of, options),
    parked: (of, options) => store.parked(of, options),
    remove: (of) => store.remove(of),
    versions: (projection) => store.versions(projection),
    makeLive: (projection, options) => store.makeLive(projection, options),
    find: (projection, key) => store.find(projection, key),
    list: (projection, options) => store.list(projection, options),
  }
}
