import { type Database, UnknownOutcomeError, newId } from 'seaworthy/core'
import { type Participant, participant } from 'seaworthy/saga'
import { migrate, openSqliteDatabase, participantStoreSchema, sqliteParticipantStore } from 'seaworthy/sqlite'

/**
 * What goes wrong with an order's payment:
 * - `reply-lost`: the first charge is made, and its answer never comes.
 * - `worker-dies`: the process is killed after the charge, before it can write that down.
 * - `refund-overtakes`: every request to charge is on its way for so long that the refund comes first.
 */
export type Fault = 'reply-lost' | 'worker-dies' | 'refund-overtakes'
export const FAULTS: readonly Fault[] = ['reply-lost', 'worker-dies', 'refund-overtakes']

export const CENTS = 4_900
const LEDGER = `CREATE TABLE ledger (id TEXT PRIMARY KEY, order_id TEXT NOT NULL, cents INTEGER NOT NULL, what TEXT NOT NULL) STRICT;
  CREATE TABLE faults (order_id TEXT PRIMARY KEY, fault TEXT NOT NULL) STRICT`
const INSERT_LINE = 'INSERT INTO ledger (id, order_id, cents, what) VALUES (?, ?, ?, ?)'
const INSERT_FAULT = 'INSERT INTO faults (order_id, fault) VALUES (?, ?) ON CONFLICT DO NOTHING'
const BALANCE = 'SELECT ifnull(sum(cents), 0) AS cents FROM ledger WHERE order_id = ?'

/** The payment service, and the network to it. Its books are the truth: whatever anybody believes, the customer has paid what they say. */
export class Payments {
  readonly database: Database
  readonly #participant: Participant
  readonly #fault: Fault
  readonly #late: (() => Promise<unknown>)[] = []

  private constructor(database: Database, remembered: Participant, fault: Fault) {
    this.database = database
    this.#participant = remembered
    this.#fault = fault
  }

  static async open(path: string, fault: Fault): Promise<Payments> {
    const database = await openSqliteDatabase({ path })
    await migrate(database, [{ component: 'payments', versions: [LEDGER] }, participantStoreSchema])
    return new Payments(database, participant({ database, store: sqliteParticipantStore(database) }), fault)
  }

  /** As most payment services are called at first: whoever asks twice pays twice. */
  charge(orderId: string): Promise<void> {
    return this.#deliver(orderId, async () => {
      await this.database.atomically([{ sql: INSERT_LINE, params: [newId(), orderId, CENTS, 'charge'] }])
    })
  }

  /** Gives back what was taken for the order. Nothing was taken: then there is nothing to do. */
  async refund(orderId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const [balance] = await tx.query<{ cents: number }>({ sql: BALANCE, params: [orderId] })
      if (balance!.cents > 0) await tx.execute({ sql: INSERT_LINE, params: [newId(), orderId, -balance!.cents, 'refund'] })
    })
  }

  /** The same with a key: what is asked again is answered again, and what was undone is never done. */
  chargeOnce(orderId: string, key: string): Promise<void> {
    return this.#deliver(orderId, () =>
      this.#participant.act(key, orderId, async (tx) => {
        await tx.execute({ sql: INSERT_LINE, params: [newId(), orderId, CENTS, 'charge'] })
      }),
    )
  }

  async refundOnce(orderId: string, key: string): Promise<void> {
    await this.#participant.compensate(key, async (tx) => {
      await tx.execute({ sql: INSERT_LINE, params: [newId(), orderId, -CENTS, 'refund'] })
    })
  }

  /** What was under way all the time arrives. */
  async deliverLate(): Promise<void> {
    for (const arrive of this.#late.splice(0)) await arrive().catch(() => undefined)
  }

  async #deliver(orderId: string, arrive: () => Promise<void>): Promise<void> {
    if (this.#fault === 'refund-overtakes') {
      this.#late.push(arrive)
      await this.#fires(orderId)
      throw new UnknownOutcomeError('No answer came in time.')
    }
    await arrive()
    if (!(await this.#fires(orderId))) return
    if (this.#fault === 'worker-dies') process.kill(process.pid, 'SIGKILL')
    throw new UnknownOutcomeError('The connection was reset before the answer.')
  }

  /** Once for each order. */
  async #fires(orderId: string): Promise<boolean> {
    const [inserted] = await this.database.atomically([{ sql: INSERT_FAULT, params: [orderId, this.#fault] }])
    return inserted?.rowCount === 1
  }
}
