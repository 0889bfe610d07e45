import { type CallContext, type Database, RejectedError, exponential } from 'seaworthy/core'
import { type NodePorts, type WorldView, client, invariant, node, noStaleWrites, violated } from '@seaworthy/simulation'
import { defineEvent } from 'seaworthy/messaging'
import { type SagaStatus, type SagaStore, type StepContext, orchestrator, participant, saga } from 'seaworthy/saga'
import { participantStoreSchema, sqliteParticipantStore } from 'seaworthy/sqlite'
import { SagaServer, connected } from './saga-server.ts'
import { type SimulatedWorld, acceptAnything, tables } from './simulated-world.ts'

/** An order, whose saga one worker starts; another may have to bring it to its end. */
interface Order {
  readonly id: string
  /** Who is asked to start it, and who is told that the parcel is there. */
  readonly via: readonly [starting: string, telling: string]
  readonly card: 'ok' | 'declined'
  readonly ends: string
}

/** One has a name that its successor gets, too. The last one is stopped for good while it has something to do. */
const WORKERS = ['worker-1', 'worker-2', 'worker-3'] as const
const NAMED = 'worker-1'
const LEAVING = 'worker-3'
const ORDERS: readonly Order[] = [
  { id: 'plain', via: ['worker-1', 'worker-2'], card: 'ok', ends: 'completed' },
  { id: 'declined', via: ['worker-2', 'worker-1'], card: 'declined', ends: 'compensated: card-declined' },
  { id: 'left', via: ['worker-3', 'worker-3'], card: 'ok', ends: 'completed' },
]
const STEPS = ['reserve', 'charge', 'ship', 'thank']
/** Far shorter than any pause. */
const LEASE_TTL_MS = 9_000
const LEAVES_AFTER_MS = 30
const ARRIVES_AFTER_MS = 400
const ASK_EVERY_MS = 2_000
const HELD_UP = 'a saga is held up'
const patient = { attemptTimeoutMs: 3_000, backoff: exponential({ baseMs: 100, maxMs: 5_000 }) }

const parcelArrived = defineEvent<{ readonly id: string }>('parcel.arrived', {
  topic: 'parcels',
  version: 1,
  key: ({ id }) => id,
  schema: acceptAnything(),
})

type Shop = {
  readonly act: (request: { readonly step: string; readonly refused: boolean }, context: CallContext) => Promise<unknown>
  readonly undo: (request: object, context: CallContext) => Promise<unknown>
}

export interface SagaWorkersOptions {
  readonly storing?: (store: SagaStore, database: Database) => SagaStore
}

/** Three workers on one store, each with a clock of its own: they die, stand still for longer than their leases, cannot reach the store, and one leaves. */
export function sagaWorkersWorld({ storing = (store) => store }: SagaWorkersOptions = {}): SimulatedWorld {
  return {
    name: 'saga-workers',
    chapter: 'saga',
    share: 0.25,
    system: {
      nodes: [...WORKERS.map((name) => node(name, (ports) => startWorker(ports, storing))), node('shop', startShop)],
      clients: [
        ...ORDERS.map(({ id, via: [starting, telling], card }) =>
          client(`customer-of-${id}`, async ({ call, sleep }) => {
            await call(starting, 'start', { id, card })
            await sleep(ARRIVES_AFTER_MS)
            if (card === 'ok') await call(telling, 'arrived', { id })
            while (!(await call<boolean>('worker-2', 'isOver', { id }))) await sleep(ASK_EVERY_MS)
          }),
        ),
        client('operator', async ({ call, sleep }) => {
          await sleep(LEAVES_AFTER_MS)
          await call(LEAVING, 'leave', {})
        }),
      ],
    },
    invariants: [
      invariant('no saga is stranded: each ends, and as it must', async (view) => {
        for (const { id, ends } of ORDERS) {
          const found = await endOf(view, id)
          // A charge of which nothing was heard for long is given up.
          const may = somethingWrong(view) ? [ends, 'compensated: timeout', 'compensated: unavailable'] : [ends]
          if (!may.includes(found)) violated(`Saga ${id} ended as ${found}, and should have as ${may.join(' or ')}.`)
        }
      }),
      invariant('each step of a saga has one effect, or none', async (view) => {
        const deeds = view.query<{ key: string }>('shop', 'SELECT key FROM deeds ORDER BY n').map(({ key }) => key)
        for (const { id } of ORDERS) {
          const expected = (await endOf(view, id)) === 'completed' ? STEPS : []
          const found = deeds.filter((key) => key.startsWith(`${id}/`)).map((key) => key.slice(id.length + 1))
          if (found.join() !== expected.join()) violated(`Of saga ${id} is done: ${found.join(', ')}. It should be ${expected.join(', ')}.`)
        }
      }),
      invariant('whoever lost a saga to another writes nothing about it any more', (view) => {
        noStaleWrites({ writes: server(view).writes.map(({ saga: of, ...write }) => ({ lease: of, ...write })) })
      }),
      invariant('each change of status is told once, with the change', async (view) => {
        for (const { id } of ORDERS) {
          const told = server(view).told.get(id) ?? []
          const ways: readonly (readonly SagaStatus[])[] = [['completed'], ['compensating', 'compensated']]
          if (!ways.some((way) => way.join() === told.join())) violated(`Of saga ${id} was told: ${told.join(', ')}.`)
        }
      }),
      invariant('while nothing goes wrong no saga is taken from who lives, and nothing holds one up', async (view) => {
        if (somethingWrong(view)) return
        for (const { id, via } of ORDERS) {
          // What is about to begin when a worker leaves is begun by another.
          if (via.includes(LEAVING)) continue
          const { journal } = (await server(view).sagas.load(id))!
          const again = journal.find((entry) => 'attempt' in entry && entry.attempt > 1)
          if (again !== undefined) violated(`Saga ${id}: ${again.step} was tried again.`)
        }
        const heldUp = view.history.find((entry) => entry.kind === 'note' && entry.text === HELD_UP)
        if (heldUp !== undefined) violated(`It was told that a saga is held up: ${JSON.stringify(heldUp)}`)
      }),
    ],
  }
}

const SERVER = 'saga-server'
const server = (view: WorldView) => view.shared<SagaServer>(SERVER)!
const somethingWrong = (view: WorldView) => view.history.some(({ fault }) => fault !== undefined)

async function endOf(view: WorldView, id: string): Promise<string> {
  const stored = await server(view).sagas.load(id)
  if (stored === undefined) return 'never started'
  const { status, reason } = stored.record
  return reason === undefined ? status : `${status}: ${reason}`
}

async function startWorker(ports: NodePorts, storing: NonNullable<SagaWorkersOptions['storing']>) {
  const { name, clock, random, note, process, transport, shared } = ports
  const shop = transport.client<Shop>('shop')
  const store = shared(SERVER, () => new SagaServer(process, storing))
  const { database, sagas, leases } = connected(process, store)
  const doing = (step: string) => ({
    run: (s: StepContext<Pick<Order, 'id' | 'card'>, object>) =>
      shop.act({ step, refused: step === 'charge' && s.input.card === 'declined' }, s),
    policy: { ...patient, giveUpAfterMs: step === 'charge' ? 3_000 : ('never' as const) },
    compensationPolicy: patient,
  })
  const undo = (s: CallContext) => shop.undo({}, s)
  const order = saga<Pick<Order, 'id' | 'card'>>('order', { version: 1 })
    .step('reserve', { ...doing('reserve'), compensate: undo })
    .step('charge', { ...doing('charge'), compensate: undo })
    .pivot('ship', doing('ship'))
    .waitFor('arrival', { event: parcelArrived, timeoutMs: 'never' })
    .step('thank', { ...doing('thank'), forward: true })
  const worker = orchestrator({
    sagas: [order],
    store: sagas,
    database,
    leases,
    leaseTtlMs: LEASE_TTL_MS,
    ...(name === NAMED && { instance: name }),
    onStatus: async (tx, record) => store.tell(tx, record),
    onError: (error, id) => note(HELD_UP, { id, error: String(error) }),
    resumeSpreadMs: 50,
    retention: 'keep-all',
    clock,
    random,
  })
  const resume = async (): Promise<unknown> => worker.resume().catch(() => clock.timer(100, () => void resume()))
  await resume()
  return {
    start: (input: Pick<Order, 'id' | 'card'>) => database.transaction((tx) => worker.start(tx, order, { id: input.id, input })),
    arrived: ({ id }: { id: string }) => database.transaction((tx) => worker.tell(tx, id, parcelArrived({ id }))),
    async isOver({ id }: { id: string }): Promise<boolean> {
      return (await worker.settled(id, { timeoutMs: 1_000 })) !== undefined
    },
    leave: () => worker.stop(),
  }
}

/** Takes part in the sagas: each key takes effect once, or not at all. */
async function startShop(ports: NodePorts): Promise<Shop> {
  const database = await ports.database({
    schema: [tables('deeds', 'CREATE TABLE deeds (n INTEGER PRIMARY KEY, key TEXT NOT NULL) STRICT'), participantStoreSchema],
  })
  const remembered = participant({ database, store: sqliteParticipantStore(database) })
  return {
    act: ({ step, refused }, { idempotencyKey }) =>
      remembered.act(idempotencyKey!, step, async (tx) => {
        if (refused) throw new RejectedError('card-declined', 'The card is declined.')
        await tx.execute({ sql: 'INSERT INTO deeds (key) VALUES (?)', params: [idempotencyKey!] })
      }),
    undo: (_, { idempotencyKey }) =>
      remembered.compensate(idempotencyKey!, async (tx) => {
        await tx.execute({ sql: 'DELETE FROM deeds WHERE key = ?', params: [idempotencyKey!] })
      }),
  }
}
