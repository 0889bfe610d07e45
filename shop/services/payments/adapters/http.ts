import type { Clock, Database } from 'seaworthy/core'
import { CONSISTENCY_HEADER, type ReadAfter, readAfter, type ReadStore, type RunningProjection } from 'seaworthy/projections'
import type { ServeRest } from '../../../platform/service-ports.ts'
import { CUSTOMER_PAYMENTS, type PaymentEntry } from '../application/customer-payments.ts'
import { paymentsApi, paymentsAudit } from '../contract/rest.ts'
import { CARD_CLEARING } from '../domain/ledger.ts'
import { readLedger } from './balances.ts'

/** Whose positions a token of ours counts. */
export const LEDGER = 'payments'

/** How long a customer waits for what they just paid. */
const WAIT_MS = 2_000

/** Charges are counted by the ledger's positions. The other part of a checkout's token counts what orders told. */
const leadsHere = (wanted: ReadAfter) => wanted.kind === 'position' && (wanted.store ?? LEDGER) === LEDGER

export function serveAudit(serve: ServeRest, { database, balances }: { database: Database; balances: RunningProjection }): void {
  serve(paymentsAudit, {
    getLedger: async () => {
      const { positions } = await balances.lag()
      const { sumCents, balanceCents } = await readLedger(database, CARD_CLEARING)
      return { status: 200, body: { sumCents, cardClearingCents: balanceCents, behind: positions } }
    },
  })
}

export function serveStatements(serve: ServeRest, { store, clock }: { store: ReadStore; clock: Clock }): void {
  serve(paymentsApi, {
    listPaymentsOfCustomer: async ({ params: { customerId }, query: { page, pageSize }, headers, call }) => {
      const token = headers[CONSISTENCY_HEADER]
      await readAfter({ store, projection: CUSTOMER_PAYMENTS, token, leadsHere, timeoutMs: WAIT_MS, signal: call.signal, clock })
      const { documents, total } = await store.list(CUSTOMER_PAYMENTS, { in: customerId, offset: (page - 1) * pageSize, max: pageSize })
      return { status: 200, body: { items: documents.map(({ document }) => shown(document as PaymentEntry)), page, pageSize, total } }
    },
  })
}

function shown({ paymentId, orderId, amountCents, status, chargedAtMs, refundedAtMs }: PaymentEntry) {
  const chargedAt = new Date(chargedAtMs).toISOString()
  const refundedAt = refundedAtMs === undefined ? {} : { refundedAt: new Date(refundedAtMs).toISOString() }
  return { paymentId, orderId, amountCents, status, chargedAt, ...refundedAt }
}
