import { constant } from 'seaworthy/core'
import { orchestrator, saga } from 'seaworthy/saga'
import { type SqliteDatabase, sqliteSagaStore } from 'seaworthy/sqlite'
import type { Checkouts } from './orders.ts'
import type { Payments } from './payments.ts'

const SET_STATUS = 'UPDATE orders SET status = ? WHERE id = ?'
const SETTLED_WITHIN_MS = 30_000
const policy = { attemptTimeoutMs: 500, backoff: constant(20), giveUpAfterMs: 200 }

/** The same checkout as declared steps: journaled before and after each call, asked again under its key, and undone when it stays unknown. */
export function withSaga(database: SqliteDatabase, payments: Payments): Checkouts {
  const checkout = saga<{ orderId: string }>('checkout', { version: 1 }).step('charge', {
    run: (s) => payments.chargeOnce(s.input.orderId, s.key),
    compensate: (s) => payments.refundOnce(s.input.orderId, s.key),
    policy,
  })
  const sagas = orchestrator({
    sagas: [checkout],
    store: sqliteSagaStore(database),
    database,
    resumeSpreadMs: 0,
    async onStatus(tx, { status, input }) {
      const { orderId } = input as { orderId: string }
      const now = status === 'completed' ? 'completed' : 'rejected'
      await tx.execute({ sql: SET_STATUS, params: [now, orderId] })
    },
  })
  return {
    async checkOut(orderId) {
      await database.transaction((tx) => sagas.start(tx, checkout, { id: orderId, input: { orderId } }))
      await sagas.settled(orderId, { timeoutMs: SETTLED_WITHIN_MS })
    },
    async recover(unfinished) {
      await sagas.resume()
      for (const id of unfinished) await sagas.settled(id, { timeoutMs: SETTLED_WITHIN_MS }).catch(() => undefined)
    },
  }
}
