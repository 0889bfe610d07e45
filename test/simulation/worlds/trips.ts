import { type CallContext, RejectedError, constant } from 'seaworthy/core'
import { type NodePorts, client, invariant, node, noDuplicateEffects, violated } from '@seaworthy/simulation'
import { defineEvent } from 'seaworthy/messaging'
import { type SagaStore, type StepContext, orchestrator, participant, saga } from 'seaworthy/saga'
import { participantStoreSchema, sagaStoreSchema, sqliteParticipantStore, sqliteSagaStore } from 'seaworthy/sqlite'
import { type SimulatedWorld, acceptAnything, named, tables } from './simulated-world.ts'

/** A trip, and the way that its saga goes. */
interface Trip {
  readonly id: string
  readonly rooms: readonly string[]
  readonly insured: boolean
  /** What a partner refuses. */
  readonly refused?: string
  /** When the money comes, from the start of the world; the trip is booked at {@link BOOKED_MS}. */
  readonly paidMs: number | 'never'
  readonly ends: string
}

const BOOKED_MS = 40
const REFLECT_MS = 25
const PAY_WITHIN_MS = 400
const LATE_MS = 3_000

/** They go through, or turn back because of the money. */
const BOOKED: readonly Trip[] = [
  { id: 'fine', rooms: ['a', 'b'], insured: true, paidMs: 120, ends: 'completed' },
  // Its money comes before it is booked.
  { id: 'early', rooms: [], insured: false, paidMs: 0, ends: 'completed' },
  { id: 'late', rooms: [], insured: false, paidMs: LATE_MS, ends: 'compensated: timeout' },
]
/** A partner refuses something. */
const REFUSED: readonly Trip[] = [
  { id: 'full', rooms: ['a', 'b'], insured: true, refused: 'room[1]', paidMs: 'never', ends: 'compensated: refused' },
  { id: 'denied', rooms: [], insured: false, refused: 'stamp', paidMs: 100, ends: 'compensated: refused' },
  // The ticket is the pivot: all before it is undone, the visa that is there already among it.
  { id: 'sold', rooms: ['a'], insured: false, refused: 'ticket', paidMs: 100, ends: 'compensated: refused' },
]
/** What stays done of a trip that is completed. */
const deedsOf = ({ rooms, insured }: Trip): readonly string[] => [
  ...rooms.map((_, index) => `room[${index}]`),
  'seat',
  ...(insured ? ['insure'] : []),
  'visa/apply',
  'visa/stamp',
  'ticket',
  'mail',
]

const paid = defineEvent<{ readonly id: string }>('trip.paid', {
  topic: 'payments',
  version: 1,
  key: ({ id }) => id,
  schema: acceptAnything(),
})

type Partners = {
  readonly act: (request: { readonly what: string; readonly refused: boolean }, context: CallContext) => Promise<unknown>
  readonly undo: (request: object, context: CallContext) => Promise<unknown>
}

const DONE = 'a partner did'
const TOLD = 'a trip was told that it is paid'

interface TripsOptions {
  readonly storing?: (store: SagaStore) => SagaStore
}

/** Trips with all that a saga can be made of: lines side by side, items, a condition, a sleep, an event that is waited for, and a child. */
export function tripsWorld(options: TripsOptions = {}): SimulatedWorld {
  return worldOf('trips', BOOKED, options)
}

/** The same where a partner refuses something, early or late. A world of its own: each takes time with the square of what happens in it. */
export function refusedTripsWorld(options: TripsOptions = {}): SimulatedWorld {
  return worldOf('refused-trips', REFUSED, options)
}

function worldOf(name: string, trips: readonly Trip[], { storing = (store) => store }: TripsOptions): SimulatedWorld {
  return {
    name,
    chapter: 'saga',
    system: {
      nodes: [node('agency', (ports) => startAgency(ports, storing)), node('partners', startPartners)],
      clients: trips.flatMap((trip) => [
        client(`traveller-${trip.id}`, async ({ call, sleep }) => {
          await sleep(BOOKED_MS)
          await call('agency', 'book', trip)
        }),
        ...(trip.paidMs === 'never'
          ? []
          : [
              client(`bank-of-${trip.id}`, async ({ call, sleep }) => {
                await sleep(Number(trip.paidMs))
                await call('agency', 'pay', { id: trip.id })
              }),
            ]),
      ]),
    },
    invariants: [
      invariant('every trip ends, and while nothing goes wrong as it must', (view) => {
        const faulty = view.history.some(({ fault }) => fault !== undefined)
        for (const { id, ends, refused, paidMs } of trips) {
          const found = endOf(view.query<End>('agency', 'SELECT status, reason FROM seaworthy_sagas WHERE id = ?', [id])[0])
          // Money that a fault delays comes too late.
          const may = faulty && paidMs !== 'never' ? [ends, 'compensated: timeout'] : [ends]
          if (faulty && paidMs === LATE_MS && refused === undefined) may.push('completed')
          if (!may.includes(found)) violated(`Trip ${id} ended as ${found}, and should have as ${may.join(' or ')}.`)
        }
      }),
      invariant('of a trip everything is done, or nothing', (view) => {
        const deeds = view.query<{ key: string }>('partners', 'SELECT key FROM deeds').map(({ key }) => decodeURIComponent(key))
        for (const trip of trips) {
          const { status } = view.query<End>('agency', 'SELECT status, reason FROM seaworthy_sagas WHERE id = ?', [trip.id])[0]!
          const expected = status === 'completed' ? deedsOf(trip).map((deed) => `${trip.id}/${deed}`) : []
          const found = deeds.filter((key) => key.startsWith(`${trip.id}/`))
          if (found.toSorted(byText).join() !== expected.toSorted(byText).join()) {
            violated(`Of trip ${trip.id}, which is ${status}, is done: ${found.join(', ')}. It should be ${expected.join(', ')}.`)
          }
        }
      }),
      invariant('nothing is done twice', (view) => {
        const done = view.history.flatMap((entry) => (entry.kind === 'note' && entry.text === DONE ? [entry.data as string] : []))
        noDuplicateEffects({ effects: named('Deed', done), at: 'partners' })
      }),
      invariant('who paid was told whether that counts', (view) => {
        for (const entry of view.history) {
          if (entry.kind !== 'note' || entry.text !== TOLD) continue
          const { id, told } = entry.data as { id: string; told: string }
          const { status, reason } = view.query<End>('agency', 'SELECT status, reason FROM seaworthy_sagas WHERE id = ?', [id])[0]!
          const counts = told !== 'too-late'
          const timedOut = status === 'compensated' && reason === 'timeout'
          if (counts && timedOut) violated(`Trip ${id} was told "${told}" that it is paid, and timed out.`)
          if (!counts && status === 'completed') violated(`Trip ${id} was paid too late, and is completed.`)
        }
      }),
      invariant('a child ends with its parent', (view) => {
        const hanging = view.query<{ id: string; status: string }>(
          'agency',
          `SELECT id, status FROM seaworthy_sagas WHERE parent IS NOT NULL AND status NOT IN ('completed', 'compensated')`,
        )
        for (const { id, status } of hanging) violated(`Child ${id} is ${status} for ever.`)
      }),
    ],
  }
}

async function startAgency(ports: NodePorts, storing: (store: SagaStore) => SagaStore) {
  const { note } = ports
  const database = await ports.database({ schema: [sagaStoreSchema] })
  const partners = ports.transport.client<Partners>('partners')
  const policy = { attemptTimeoutMs: 3_000, backoff: constant(20), giveUpAfterMs: 'never' } as const
  const act = (what: string, refused: boolean, s: CallContext) => partners.act({ what, refused }, s)
  const undo = (s: CallContext) => partners.undo({}, s)
  const doing = (name: string) => ({
    run: (s: StepContext<Trip, object>) => act(name, s.input.refused === name, s),
    compensate: undo,
    policy,
    compensationPolicy: policy,
  })
  const visa = saga<Trip>('visa', { version: 1 }).step('apply', doing('apply')).sleep('queue', { ms: 15 }).step('stamp', doing('stamp'))
  const trip = saga<Trip>('trip', { version: 1 })
    .parallel('hold', {
      hotel: (branch) =>
        branch.forEach('rooms', { items: (s) => s.input.rooms, concurrencyMax: 2 }, (room) =>
          room.step('room', {
            run: (s) => act(`room ${s.item}`, s.input.refused === `room[${s.index}]`, s),
            compensate: undo,
            policy,
            compensationPolicy: policy,
          }),
        ),
      flight: (branch) => branch.step('seat', doing('seat')),
    })
    .when(
      'is insured',
      (s) => s.input.insured,
      (steps) => steps.step('insure', doing('insure')),
    )
    .sleep('reflect', { ms: REFLECT_MS })
    .waitFor('paid', { event: paid, timeoutMs: PAY_WITHIN_MS })
    .child('visa', {
      saga: visa,
      input: (s) => s.input,
      compensate: (s) => partners.undo({ keys: [`${s.key}/apply`, `${s.key}/stamp`] }, s),
    })
    .pivot('ticket', { run: (s) => act('ticket', s.input.refused === 'ticket', s), policy })
    .step('mail', { run: (s) => act('mail', false, s), forward: true })
  const sagas = orchestrator({
    sagas: [trip, visa],
    store: storing(sqliteSagaStore(database)),
    database,
    resumeSpreadMs: 50,
    clock: ports.clock,
    random: ports.random,
    onError: () => undefined,
  })
  const resume = async (): Promise<unknown> => sagas.resume().catch(() => ports.clock.timer(20, () => void resume()))
  await resume()
  return {
    book: (input: Trip) =>
      database.transaction(async (tx) => {
        await sagas.start(tx, trip, { id: input.id, input })
      }),
    async pay({ id }: { id: string }) {
      const told = await database.transaction((tx) => sagas.tell(tx, id, paid({ id })))
      note(TOLD, { id, told })
    },
  }
}

async function startPartners(ports: NodePorts): Promise<Partners> {
  const database = await ports.database({
    schema: [tables('deeds', 'CREATE TABLE deeds (key TEXT PRIMARY KEY, what TEXT NOT NULL) STRICT'), participantStoreSchema],
  })
  const remembered = participant({ database, store: sqliteParticipantStore(database) })
  const forget = (key: string) =>
    remembered.compensate(key, async (tx) => {
      await tx.execute({ sql: 'DELETE FROM deeds WHERE key = ?', params: [key] })
    })
  return {
    act: ({ what, refused }, { idempotencyKey }) =>
      remembered.act(idempotencyKey!, what, async (tx) => {
        if (refused) throw new RejectedError('refused', `${what} is not to be had.`)
        await tx.execute({ sql: 'INSERT INTO deeds (key, what) VALUES (?, ?)', params: [idempotencyKey!, what] })
        tx.afterCommit(() => ports.note(DONE, idempotencyKey))
        return what
      }),
    async undo(request, { idempotencyKey }) {
      const { keys = [idempotencyKey!] } = request as { keys?: readonly string[] }
      for (const key of keys) await forget(key)
    },
  }
}

interface End {
  readonly status: string
  readonly reason: string | null
}

function endOf(found: End | undefined): string {
  if (found === undefined) return 'never started'
  return found.reason === null ? found.status : `${found.status}: ${found.reason}`
}

const byText = (one: string, other: string): number => (one < other ? -1 : 1)
