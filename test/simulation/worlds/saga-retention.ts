import { ConfigurationError, type Database, RejectedError } from 'seaworthy/core'
import { type HistoryEntry, type NodePorts, type WorldView, client, invariant, node, violated } from '@seaworthy/simulation'
import { type SagaRetention, type SagaStore, orchestrator, saga } from 'seaworthy/saga'
import { sagaStoreSchema, sqliteSagaStore } from 'seaworthy/sqlite'
import { type SimulatedWorld, tables } from './simulated-world.ts'

const MINUTE_MS = 60_000
const LOOK_MS = MINUTE_MS / 2
/** Longer than any pause, so that what is asked again is asked again in time. */
const RETENTION = { keepMs: MINUTE_MS, rememberIdsMs: 5 * MINUTE_MS, everyMs: MINUTE_MS }
const NAP_MS = 4 * MINUTE_MS
const PRUNED = 'pruned'
const WRONG = 'wrong'
/** The id of a saga that never begins. */
const NOBODY = 'nobody'
const REPORTED = 'it was told that nothing could be pruned'
const STOPPED = 'the depot stopped'
/** Far less than it rests between two looks. */
const PROMPT_MS = 1_000
const IDS = ['plain', 'refused', 'stuck', 'nap'] as const
type Id = (typeof IDS)[number]

/** Sagas that end, one that is parked and one that sleeps, while what is over is let go of; and a customer who asks again for what was done long ago. */
export function sagaRetentionWorld({ storing = (store: SagaStore, _database: Database) => store } = {}): SimulatedWorld {
  return {
    name: 'saga-retention',
    chapter: 'saga',
    // What is remembered by the clock is forgotten when it jumps: that is no fault of the store.
    faults: ['crash', 'pause', 'disk-full'],
    system: {
      nodes: [node('depot', (ports) => startDepot(ports, storing))],
      clients: [
        client('customer', async ({ call, sleep }) => {
          for (const id of IDS) await call('depot', 'accept', { id })
          const until = async (what: string, id: Id) => {
            while (!(await call<boolean>('depot', 'is', { id, what }))) await sleep(LOOK_MS)
          }
          for (const id of ['plain', 'refused'] as const) await until('pruned', id)
          for (const id of IDS) await call('depot', 'accept', { id })
          await until('over', 'nap')
          await until('forgotten', 'plain')
          await call('depot', 'accept', { id: 'plain' })
          await until('over', 'plain')
          await call('depot', 'stop', {})
        }),
      ],
    },
    invariants: [
      invariant('an id starts nothing as long as it is remembered, and once more when it is forgotten', (view) => {
        const starts = view.query<{ id: string; n: number }>('depot', 'SELECT id, count(*) AS n FROM starts GROUP BY id')
        for (const id of IDS) {
          const [found, expected] = [starts.find((row) => row.id === id)?.n ?? 0, id === 'plain' ? 2 : 1]
          if (found !== expected) violated(`Saga ${id} was started ${found} times, and not ${expected}.`)
        }
      }),
      invariant('what is not over keeps all that it has, and ends as it must', (view) => {
        const sagas = view.query<{ id: string; status: string; input: string; lines: number }>(
          'depot',
          `SELECT id, status, input, (SELECT count(*) FROM seaworthy_saga_journal WHERE saga_id = id) AS lines FROM seaworthy_sagas`,
        )
        const stuck = sagas.find(({ id }) => id === 'stuck')
        if (stuck?.status !== 'parked' || stuck.input === 'null' || stuck.lines < 4)
          violated(`The parked saga lost something: ${JSON.stringify(stuck)}.`)
        // The customer saw how it ended before it was forgotten.
        const nap = sagas.find(({ id }) => id === 'nap')
        if (nap !== undefined && nap.status !== 'completed') violated(`The saga that sleeps is ${nap.status}.`)
        const refused = sagas.find(({ id }) => id === 'refused')
        if (refused !== undefined && refused.status !== 'compensated') violated(`The refused saga is ${refused.status}.`)
      }),
      invariant('a saga is pruned whole, and not a part of it', (view) => {
        const halves = view.query<{ id: string }>(
          'depot',
          `SELECT id FROM seaworthy_sagas WHERE (pruned_at_ms IS NULL) <> (input <> 'null')
            OR pruned_at_ms IS NOT NULL AND (status NOT IN ('completed', 'compensated') OR EXISTS (SELECT 1 FROM seaworthy_saga_journal WHERE saga_id = id))`,
        )
        for (const { id } of halves) violated(`Of saga ${id} a part is pruned.`)
        const orphans = view.query<{ saga_id: string }>(
          'depot',
          'SELECT DISTINCT saga_id FROM seaworthy_saga_journal WHERE saga_id NOT IN (SELECT id FROM seaworthy_sagas)',
        )
        for (const { saga_id } of orphans) violated(`Lines of saga ${saga_id} are left, and it is not.`)
      }),
      invariant('what a saga was told that never began is forgotten, too', (view) => {
        const kept = view.query<{ at_ms: number }>('depot', EVENTS_OF, [NOBODY])
        const newest = view.query<{ at_ms: number }>('depot', 'SELECT max(at_ms) AS at_ms FROM seaworthy_saga_events')
        // What was told when the forgotten saga was accepted once more is younger.
        for (const { at_ms } of kept) if (at_ms < newest[0]!.at_ms) violated('What nobody was told is kept for ever.')
      }),
      invariant('something was pruned, and nothing is wrong that the depot looks at', (view) => {
        if (notes(view, PRUNED).length === 0) violated('Nothing was ever pruned.')
        for (const { data } of notes(view, WRONG)) violated(String(data))
      }),
      invariant('while nothing goes wrong a failure is told once, and a stop waits for nothing', (view) => {
        if (view.history.some(({ fault }) => fault !== undefined)) return
        const told = notes(view, REPORTED).length
        if (told !== 1) violated(`That nothing could be pruned was told ${told} times.`)
        for (const { data } of notes(view, STOPPED)) if (Number(data) > PROMPT_MS) violated(`The stop took ${String(data)} ms.`)
      }),
    ],
  }
}

type Note = Extract<HistoryEntry, { kind: 'note' }>
const notes = (view: WorldView, text: string) => view.history.filter((entry): entry is Note => entry.kind === 'note' && entry.text === text)

async function startDepot({ clock, random, database, note }: NodePorts, storing: (store: SagaStore, database: Database) => SagaStore) {
  const db = await database({
    schema: [sagaStoreSchema, tables('starts', 'CREATE TABLE starts (n INTEGER PRIMARY KEY, id TEXT NOT NULL) STRICT')],
  })
  const store = failingOnce(storing(sqliteSagaStore(db), db))
  const work = saga<{ id: Id }>('work', { version: 1 })
    .step('pack', { run: async () => 'packed', compensate: async () => undefined })
    .when(
      'naps',
      (s) => s.input.id === 'nap',
      (steps) => steps.sleep('nap', { ms: NAP_MS }),
    )
    .pivot('send', {
      run: async (s) => {
        if (s.input.id === 'refused') throw new RejectedError('refused', 'No.')
      },
    })
    .step('tell', {
      run: async (s) => {
        if (s.input.id === 'stuck') throw new RejectedError('no-address', 'Nobody is there.')
      },
      forward: true,
    })
  const keeping = (retention: SagaRetention) =>
    orchestrator({
      sagas: [work],
      store,
      database: db,
      clock,
      random,
      retention,
      resumeSpreadMs: 5,
      onError: (error) => {
        note(error instanceof Error && error.message === CANNOT_PRUNE ? REPORTED : `held up: ${String(error)}`)
      },
    })
  for (const impossible of [{ everyMs: 0 }, { keepMs: 2, rememberIdsMs: 1 }]) {
    try {
      keeping(impossible)
      note(WRONG, `It takes a retention of ${JSON.stringify(impossible)}.`)
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error
    }
  }
  const sagas = keeping(RETENTION)
  await sagas.resume()
  return {
    accept: ({ id }: { id: Id }) =>
      db.transaction(async (tx) => {
        if (!(await sagas.start(tx, work, { id, input: { id } }))) return
        await tx.execute({ sql: 'INSERT INTO starts (id) VALUES (?)', params: [id] })
        for (const told of [id, NOBODY]) await sagas.tell(tx, told, { type: 'hurry', data: null })
      }),
    async is({ id, what }: { id: Id; what: string }): Promise<boolean> {
      const stored = await store.load(id)
      if (what === 'forgotten') return stored === undefined
      if (stored?.prunedAtMs !== undefined) {
        note(PRUNED, id)
        if (stored.journal.length > 0) note(WRONG, `Saga ${id} is pruned, and its journal is there.`)
        const events = await db.query({ sql: EVENTS_OF, params: [id] })
        if (events.length > 0) note(WRONG, `Saga ${id} is pruned, and what it was told is there.`)
      }
      if (what === 'pruned') return stored?.prunedAtMs !== undefined || stored === undefined
      return stored?.record.status === 'completed'
    },
    async stop() {
      const startedMs = clock.monotonicMs()
      await sagas.stop()
      note(STOPPED, clock.monotonicMs() - startedMs)
    },
  }
}

const EVENTS_OF = 'SELECT at_ms FROM seaworthy_saga_events WHERE saga_id = ?'
const CANNOT_PRUNE = 'The disk is full.'

/** The store, which cannot prune at first in each life. */
function failingOnce(store: SagaStore): SagaStore {
  let failed = false
  const prune: SagaStore['prune'] = async (pruning) => {
    if (failed) return store.prune(pruning)
    failed = true
    throw new Error(CANNOT_PRUNE)
  }
  // Others of its methods work on private fields.
  return new Proxy(store, {
    get(target, name) {
      if (name === 'prune') return prune
      const found: unknown = Reflect.get(target, name)
      return typeof found === 'function' ? (found as () => unknown).bind(target) : found
    },
  })
}
