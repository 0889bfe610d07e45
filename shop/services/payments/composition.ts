import { eventAnswers } from '@seaworthy/supervisor/management'
import { redactedJson } from '@seaworthy/telemetry'
import { commandHandler } from 'seaworthy/event-sourcing'
import { startProjection } from 'seaworthy/projections'
import type { ServiceComposition } from '../../platform/service-ports.ts'
import { BALANCES_SCHEMA, balancesProjection } from './adapters/balances.ts'
import { CREDIT_SCHEMA, creditChecks } from './adapters/credit-checks.ts'
import { paymentsOverGrpc } from './adapters/grpc.ts'
import { serveAudit } from './adapters/http.ts'
import { charging } from './application/charging.ts'
import { checkingCredit } from './application/credit-check.ts'
import { ledgerAuditor } from './domain/ledger-auditor.ts'
import { payment, paymentEvents } from './domain/payment.ts'
import { service } from './service.ts'

/** How payments is put together. */
export const payments: ServiceComposition = {
  service,
  schema: [BALANCES_SCHEMA, CREDIT_SCHEMA],
  stores: ['events', 'projections'],
  async wire({ answerSupervisor, database, stores, outbox, participant, clock, newId, serveRest, serveGrpc, consume, onStop }) {
    const store = stores.events()
    const handler = commandHandler({ decider: payment, events: paymentEvents, store, database, schemaVersion: 1 })
    const balances = startProjection({
      projection: balancesProjection,
      source: store,
      database,
      store: stores.projections(),
      events: paymentEvents,
    })
    onStop('balances', () => balances.stop())
    answerSupervisor(eventAnswers({ decider: payment, events: paymentEvents, store, auditors: [ledgerAuditor], redacted: redactedJson }))
    serveAudit(serveRest, { database, balances })
    serveGrpc(paymentsOverGrpc(charging({ payments: handler, participant, outbox, clock, newId })))
    await consume(checkingCredit({ checks: creditChecks(), outbox }))
  },
}
