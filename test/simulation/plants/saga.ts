import { type Participant, type SagaStore, participant } from 'seaworthy/saga'
import { sqliteParticipantStore } from 'seaworthy/sqlite'
import { checkoutWorld } from '../worlds/checkout.ts'
import { sagaRetentionWorld } from '../worlds/saga-retention.ts'
import { sagaWorkersWorld } from '../worlds/saga-workers.ts'
import { tripsWorld } from '../worlds/trips.ts'
import type { Plant } from './plant.ts'

/** Mistakes of whoever spreads one business transaction over several services. */
export const sagaPlants: readonly Plant[] = [
  {
    name: 'no-idempotency-key',
    mistake: 'The participants act on every request, whatever its key: a repetition charges twice.',
    world: checkoutWorld({
      remembering: (_, database) =>
        participant({ database, store: sqliteParticipantStore(database), unsafe: { idempotencyKeys: 'ignored' } }),
    }),
  },
  {
    name: 'compensation-not-idempotent',
    mistake: 'Reserved pieces are given back each time that somebody asks: a repetition makes stock out of nothing.',
    world: checkoutWorld({
      releasing:
        (stock) =>
        ({ pieces }, { idempotencyKey }) =>
          stock.atomically([
            { sql: 'UPDATE stock SET pieces = pieces + ?', params: [pieces] },
            { sql: 'DELETE FROM reservations WHERE id = ?', params: [idempotencyKey!] },
          ]),
    }),
  },
  {
    name: 'unknown-outcome-forgotten',
    mistake: 'A step without an answer is taken for one that failed: it is not undone, and its money is gone.',
    world: checkoutWorld({ unsafe: { unknownOutcome: 'treat-as-failed' } }),
  },
  {
    name: 'compensation-overtakes-action',
    mistake: 'A compensation that finds nothing leaves no trace: the delayed action that comes after it takes effect, for good.',
    world: checkoutWorld({
      remembering(_, database) {
        const store = sqliteParticipantStore(database)
        const remembered = participant({ database, store })
        const forgetful: Participant = {
          act: (key, fingerprint, action) => remembered.act(key, fingerprint, action),
          async compensate(key, undo) {
            const known = await database.transaction((tx) => store.load(tx, key))
            return known === undefined ? false : remembered.compensate(key, undo)
          },
        }
        return forgetful
      },
    }),
  },
  {
    name: 'deadline-inherited-by-compensation',
    mistake: 'A compensation gets what is left of the deadline of its action: one that timed out is never undone.',
    world: checkoutWorld({
      undoing() {
        const deadlines = new Map<string, number | undefined>()
        return {
          acting: ({ key, deadlineMs }) => deadlines.set(key, deadlineMs),
          undo: (s) => ({ ...s, deadlineMs: deadlines.get(s.key) ?? s.deadlineMs }),
        }
      },
    }),
  },
  {
    name: 'saga-started-twice',
    mistake: 'A saga gets a fresh id at each request: a repeated request starts a second one, which charges again.',
    world: checkoutWorld({ sagaIdOf: ({ newId }) => newId() }),
  },
  {
    name: 'reply-before-start-lost',
    mistake: 'What a saga is told before its start commits is thrown away: nobody knows such a saga. It waits for it until it gives up.',
    world: tripsWorld({
      storing: (store) =>
        changed(store, {
          async tell(tx, event) {
            if ((await store.lock(tx, event.sagaId)) === undefined) return { told: 'new', status: undefined }
            return store.tell(tx, event)
          },
        }),
    }),
  },
  {
    name: 'reply-after-timeout-taken',
    mistake: 'A reply is taken without a look at whether anybody still waits for it: who paid hears that it counts, and gets nothing.',
    world: tripsWorld({
      storing: (store) =>
        changed(store, { tell: async (tx, event) => ({ ...(await store.tell(tx, event)), told: 'new', status: 'running' }) }),
    }),
  },
  {
    name: 'saga-id-forgotten-with-journal',
    mistake: 'The id of a saga that is over goes with its journal: a late repetition of the request does everything once more.',
    world: sagaRetentionWorld({
      storing: (store) =>
        changed(store, {
          async prune(pruning) {
            const done = await store.prune(pruning)
            await store.prune({ ...pruning, forgetBeforeMs: pruning.overBeforeMs })
            return done
          },
        }),
    }),
  },
  {
    name: 'saga-pruned-by-its-start',
    mistake: 'Sagas are deleted some time after their start, whatever their status: one that sleeps for long is gone when it should wake.',
    world: sagaRetentionWorld({
      storing: (store, database) =>
        changed(store, {
          async prune({ overBeforeMs, nowMs }) {
            const old = 'SELECT id FROM seaworthy_sagas WHERE started_at_ms < ?'
            await database.atomically([
              { sql: `DELETE FROM seaworthy_saga_journal WHERE saga_id IN (${old})`, params: [overBeforeMs] },
              { sql: `UPDATE seaworthy_sagas SET input = 'null', pruned_at_ms = ? WHERE id IN (${old})`, params: [nowMs, overBeforeMs] },
            ])
            return { pruned: 0, forgotten: 0 }
          },
        }),
    }),
  },
  {
    name: 'takeover-without-fencing',
    mistake: 'A worker writes about a saga, whoever has it by now: one that stood still goes on with what another took over.',
    world: sagaWorkersWorld({
      storing: (store) =>
        changed(store, {
          async advance(tx, id, advance) {
            const stored = await store.lock(tx, id)
            return stored !== undefined && store.advance(tx, id, { ...advance, token: stored.token })
          },
        }),
    }),
  },
  {
    name: 'dead-worker-not-taken-over',
    mistake: 'A worker takes up what nobody has, and not what a dead one had: its sagas are stranded.',
    world: sagaWorkersWorld({
      storing: (store) => changed(store, { claim: (claim) => store.claim({ ...claim, dead: [] }) }),
    }),
  },
]

/** The store with a mistake in it. */
function changed(store: SagaStore, mistake: Partial<SagaStore>): SagaStore {
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(store)) as (keyof SagaStore)[]
  const whole = Object.fromEntries(methods.map((method) => [method, (store[method] as () => unknown).bind(store)]))
  return { ...(whole as unknown as SagaStore), ...mistake }
}
