import assert from 'node:assert/strict'
import { type CallContext, RejectedError, exponential } from 'seaworthy/core'
import {
  type Invariant,
  type NodePorts,
  type WorldView,
  client,
  conserved,
  invariant,
  node,
  noDuplicateEffects,
  noLostEvents,
  violated,
} from '@seaworthy/simulation'
import {
  type CompensationContext,
  type OrchestratorOptions,
  type Participant,
  fingerprintOf,
  orchestrator,
  participant,
  saga,
} from 'seaworthy/saga'
import { type SqliteDatabase, participantStoreSchema, sagaStoreSchema, sqliteParticipantStore, sqliteSagaStore } from 'seaworthy/sqlite'
import { type SimulatedWorld, named, tables } from './simulated-world.ts'

interface Order {
  readonly id: string
  readonly pieces: number
  readonly cents: number
  readonly card: 'ok' | 'declined'
  /** When it is placed. */
  readonly afterMs: number
  /** Where it may end when nothing goes wrong, and why. */
  readonly ends: readonly string[]
}

interface Reservation {
  readonly pieces: number
}

/** What a participant of the checkout answers to. The key of the step comes in the context. */
interface Participants {
  inventory: { reserve: Step<Reservation>; release: Step<Reservation> }
  payments: { charge: Step<Order>; refund: Step<object> }
  shipping: { book: Step<{ readonly orderId: string }> }
}
type Step<Request> = (request: Request, context: CallContext) => Promise<unknown>

const STOCK_PIECES = 5
const ATTEMPT_MS = 3_000
const patient = { attemptTimeoutMs: ATTEMPT_MS, backoff: exponential({ baseMs: 100, maxMs: 5_000 }) }
// Payments get a few seconds: what is not known by then is undone, and the customer asked to try again.
const impatient = { ...patient, giveUpAfterMs: ATTEMPT_MS }

/** The parts of the checkout that a team can get wrong. Those that are left out are the library's. */
export interface CheckoutParts {
  /** The id of the saga that an order gets. */
  readonly sagaIdOf?: (ports: NodePorts, order: Order) => string
  readonly unsafe?: NonNullable<OrchestratorOptions['unsafe']>
  /** The context in which a step is undone. Made once a life. */
  readonly undoing?: () => {
    readonly acting: (s: CallContext & { readonly key: string }) => void
    readonly undo: (s: CompensationContext<unknown, unknown, unknown>) => CallContext
  }
  /** How inventory and payments remember the steps that they took part in. */
  readonly remembering?: (ports: NodePorts, database: SqliteDatabase) => Participant
  /** Gives reserved pieces back. */
  readonly releasing?: (stock: SqliteDatabase, remembered: Participant) => Step<Reservation>
}

const asTheLibraryDoes: Required<CheckoutParts> = {
  sagaIdOf: (_, order) => order.id,
  unsafe: undefined as never,
  undoing: () => ({ acting: () => undefined, undo: (s) => s }),
  remembering: (_, database) => participant({ database, store: sqliteParticipantStore(database) }),
  releasing:
    (_, remembered) =>
    ({ pieces }, { idempotencyKey }) =>
      remembered.compensate(idempotencyKey!, async (tx) => {
        await tx.execute({ sql: 'UPDATE stock SET pieces = pieces + ?', params: [pieces] })
        await tx.execute({ sql: 'DELETE FROM reservations WHERE id = ?', params: [idempotencyKey!] })
      }),
}

/**
 * What is fine; what is declined and gives its piece back; and what mostly comes in between, is refused for want of that piece, and must stay refused when
 * it is there again.
 */
// Who comes last, and finds too little, is a matter of latencies.
const TOO_LATE = 'compensated: out-of-stock'
const ORDERS: readonly Order[] = [
  { id: 'fine', pieces: 2, cents: 700, card: 'ok', afterMs: 0, ends: ['completed', TOO_LATE] },
  { id: 'declined', pieces: 1, cents: 900, card: 'declined', afterMs: 0, ends: ['compensated: card-declined', TOO_LATE] },
  { id: 'greedy', pieces: 3, cents: 100, card: 'ok', afterMs: 12, ends: ['completed', TOO_LATE] },
]

/** A checkout of three steps over four services: stock is reserved, the card is charged, the shipment is booked. */
export function checkoutWorld(given: CheckoutParts = {}, orders: readonly Order[] = ORDERS): SimulatedWorld {
  const parts = { ...asTheLibraryDoes, ...given }
  return {
    name: 'checkout',
    chapter: 'saga',
    system: {
      nodes: [
        node('orders', (ports) => startOrders(ports, parts)),
        node('inventory', (ports) => startInventory(ports, parts)),
        node('payments', (ports) => startPayments(ports, parts)),
        node('shipping', (ports) => startShipping(ports)),
      ],
      clients: orders.map((order) =>
        client(`customer-of-${order.id}`, async ({ call, sleep }) => {
          await sleep(order.afterMs)
          await call('orders', 'place', order)
        }),
      ),
    },
    invariants: [
      invariant('every customer was told that the order is accepted', (view) => assert.equal(view.acknowledged.length, orders.length)),
      ...checkoutInvariants,
      endsAsItShould(orders),
    ],
  }
}

async function startOrders(ports: NodePorts, parts: Required<CheckoutParts>) {
  const database = await ports.database({
    schema: [
      tables(
        'orders',
        'CREATE TABLE orders (id TEXT PRIMARY KEY, pieces INTEGER NOT NULL, cents INTEGER NOT NULL, status TEXT NOT NULL) STRICT',
      ),
      sagaStoreSchema,
    ],
  })
  const inventory = ports.transport.client<Participants['inventory']>('inventory')
  const payments = ports.transport.client<Participants['payments']>('payments')
  const shipping = ports.transport.client<Participants['shipping']>('shipping')
  const { acting, undo } = parts.undoing()
  const checkout = saga<Order>('checkout', { version: 1 })
    .step('reserve', {
      run: (s) => inventory.reserve({ pieces: s.input.pieces }, s),
      compensate: (s) => inventory.release({ pieces: s.input.pieces }, undo(s)),
      policy: patient,
      compensationPolicy: patient,
    })
    .step('charge', {
      run: (s) => {
        acting(s)
        return payments.charge(s.input, s)
      },
      compensate: (s) => payments.refund({}, undo(s)),
      policy: impatient,
      compensationPolicy: patient,
    })
    .pivot('book', { run: (s) => shipping.book({ orderId: s.input.id }, s), policy: patient })
  const sagas = orchestrator({
    sagas: [checkout],
    store: sqliteSagaStore(database),
    database,
    async onStatus(tx, { status, input }) {
      await tx.execute({ sql: 'UPDATE orders SET status = ? WHERE id = ?', params: [status, (input as Order).id] })
    },
    onError: () => undefined,
    ...(parts.unsafe !== undefined && { unsafe: parts.unsafe }),
  })
  await sagas.resume()
  return {
    place: (order: Order) =>
      database.transaction(async (tx) => {
        const { id, pieces, cents } = order
        const sql = `INSERT OR IGNORE INTO orders (id, pieces, cents, status) VALUES (?, ?, ?, 'running')`
        await tx.execute({ sql, params: [id, pieces, cents] })
        await sagas.start(tx, checkout, { id: parts.sagaIdOf(ports, order), input: order })
      }),
  }
}

async function startInventory(ports: NodePorts, parts: Required<CheckoutParts>): Promise<Participants['inventory']> {
  const database = await ports.database({
    schema: [
      tables(
        'stock',
        `CREATE TABLE stock (sku TEXT PRIMARY KEY, pieces INTEGER NOT NULL CHECK (pieces >= 0)) STRICT;
        CREATE TABLE reservations (id TEXT PRIMARY KEY, pieces INTEGER NOT NULL) STRICT`,
      ),
      participantStoreSchema,
    ],
  })
  await database.atomically([{ sql: `INSERT OR IGNORE INTO stock (sku, pieces) VALUES ('chair', ?)`, params: [STOCK_PIECES] }])
  const remembered = parts.remembering(ports, database)
  return {
    reserve: (request, { idempotencyKey }) =>
      remembered.act(idempotencyKey!, fingerprintOf(request), async (tx) => {
        const { pieces } = request
        const { rowCount } = await tx.execute({ sql: 'UPDATE stock SET pieces = pieces - ? WHERE pieces >= ?', params: [pieces, pieces] })
        if (rowCount === 0) throw new RejectedError('out-of-stock', `${pieces} chairs are more than there are.`)
        await tx.execute({ sql: 'INSERT INTO reservations (id, pieces) VALUES (?, ?)', params: [idempotencyKey!, pieces] })
        return { pieces }
      }),
    release: parts.releasing(database, remembered),
  }
}

async function startPayments(ports: NodePorts, parts: Required<CheckoutParts>): Promise<Participants['payments']> {
  const database = await ports.database({
    schema: [
      tables(
        'charges',
        'CREATE TABLE charges (n INTEGER PRIMARY KEY, order_id TEXT NOT NULL, key TEXT NOT NULL, cents INTEGER NOT NULL) STRICT',
      ),
      participantStoreSchema,
    ],
  })
  const remembered = parts.remembering(ports, database)
  return {
    charge: (request, { idempotencyKey }) =>
      remembered.act(idempotencyKey!, fingerprintOf(request), async (tx) => {
        const { id, cents, card } = request
        if (card === 'declined') throw new RejectedError('card-declined', 'The bank declined the card.')
        await tx.execute({ sql: 'INSERT INTO charges (order_id, key, cents) VALUES (?, ?, ?)', params: [id, idempotencyKey!, cents] })
        return { cents }
      }),
    refund: (_, { idempotencyKey }) =>
      remembered.compensate(idempotencyKey!, async (tx) => {
        await tx.execute({ sql: 'DELETE FROM charges WHERE key = ?', params: [idempotencyKey!] })
      }),
  }
}

async function startShipping({ database }: NodePorts): Promise<Participants['shipping']> {
  const shipments = await database({
    schema: [tables('shipments', 'CREATE TABLE shipments (n INTEGER PRIMARY KEY, order_id TEXT NOT NULL) STRICT'), participantStoreSchema],
  })
  const remembered = participant({ database: shipments, store: sqliteParticipantStore(shipments) })
  return {
    book: (request, { idempotencyKey }) =>
      remembered.act(idempotencyKey!, fingerprintOf(request), async (tx) => {
        await tx.execute({ sql: 'INSERT INTO shipments (order_id) VALUES (?)', params: [request.orderId] })
      }),
  }
}

const inStatus = (view: WorldView, status: string) =>
  view.query<{ id: string; pieces: number; cents: number }>('orders', 'SELECT id, pieces, cents FROM orders WHERE status = ?', [status])
const column = (view: WorldView, database: string, sql: string) => view.query<{ id: string }>(database, sql).map(({ id }) => id)
const sumOf = (view: WorldView, database: string, sql: string) => view.query<{ sum: number }>(database, sql)[0]!.sum
const total = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0)

const checkoutInvariants = [
  invariant('an order that was accepted is kept', (view) =>
    noLostEvents({
      published: named(
        'Accepted order',
        view.acknowledged.map(({ request }) => (request as Order).id),
      ),
      handled: named('Accepted order', column(view, 'orders', 'SELECT id FROM orders')),
      by: 'orders',
    }),
  ),
  invariant('every checkout comes to its end', (view) => {
    const open = view.query<{ id: string; status: string }>(
      'orders',
      `SELECT id, status FROM orders WHERE status NOT IN ('completed', 'compensated')`,
    )
    for (const { id, status } of open) violated(`Order ${id} is ${status} still.`)
    const sagas = view.query<{ id: string; status: string }>(
      'orders',
      `SELECT id, status FROM seaworthy_sagas WHERE status NOT IN ('completed', 'compensated')`,
    )
    for (const { id, status } of sagas) violated(`Saga ${id} is ${status} still.`)
  }),
  invariant('no order is charged twice', (view) =>
    noDuplicateEffects({
      effects: named('The charge of order', column(view, 'payments', 'SELECT order_id AS id FROM charges')),
      at: 'payments',
    }),
  ),
  invariant('no order is shipped twice', (view) =>
    noDuplicateEffects({
      effects: named('The shipment of order', column(view, 'shipping', 'SELECT order_id AS id FROM shipments')),
      at: 'shipping',
    }),
  ),
  invariant('exactly the completed orders are shipped', (view) => {
    const completed = inStatus(view, 'completed').map(({ id }) => id)
    const shipped = column(view, 'shipping', 'SELECT order_id AS id FROM shipments')
    noLostEvents({ published: named('The shipment of order', completed), handled: named('The shipment of order', shipped), by: 'shipping' })
    noLostEvents({
      published: named('The completion of shipped order', shipped),
      handled: named('The completion of shipped order', completed),
      by: 'orders',
    })
  }),
  invariant('money is conserved', (view) =>
    conserved('money', {
      total: total(inStatus(view, 'completed').map(({ cents }) => cents)),
      places: { charges: sumOf(view, 'payments', 'SELECT ifnull(sum(cents), 0) AS sum FROM charges') },
    }),
  ),
  invariant('stock is conserved', (view) => {
    const gone = total(inStatus(view, 'completed').map(({ pieces }) => pieces))
    conserved('stock', {
      total: STOCK_PIECES,
      places: { stock: sumOf(view, 'inventory', 'SELECT pieces AS sum FROM stock'), 'completed orders': gone },
    })
    conserved('what is reserved', {
      total: gone,
      places: { reservations: sumOf(view, 'inventory', 'SELECT ifnull(sum(pieces), 0) AS sum FROM reservations') },
    })
  }),
]

function endsAsItShould(orders: readonly Order[]): Invariant {
  return invariant('while nothing goes wrong every order ends where it should, for the right reason', (view) => {
    if (view.history.some(({ fault }) => fault !== undefined)) return
    const sagas = view.query<{ id: string; status: string; reason: string | null }>(
      'orders',
      "SELECT json_extract(input, '$.id') AS id, status, reason FROM seaworthy_sagas",
    )
    for (const { id, status, reason } of sagas) {
      const end = reason === null ? status : `${status}: ${reason}`
      const expected = orders.find((order) => order.id === id)!.ends
      if (!expected.includes(end)) violated(`Order ${id} ended as ${end}, and should have as ${expected.join(' or ')}.`)
    }
  })
}
