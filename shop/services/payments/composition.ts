import { erasureAnswers, eventAnswers, projectionAnswers } from '@seaworthy/supervisor/management'
import { redactedJson } from '@seaworthy/telemetry'
import { commandHandler, erasure, sealedEventStore } from 'seaworthy/event-sourcing'
import { consistencyTokenOf, startProjection, startRebuildable } from 'seaworthy/projections'
import { forgettingCustomers, logged } from '../../platform/forgetting.ts'
import { openReadModelStore } from '../../platform/read-model-store.ts'
import type { ServiceComposition } from '../../platform/service-ports.ts'
import { customersApi } from '../customers/contract/rest.ts'
import { BALANCES_SCHEMA, balancesProjection } from './adapters/balances.ts'
import { CREDIT_SCHEMA, creditChecks } from './adapters/credit-checks.ts'
import { paymentsOverGrpc } from './adapters/grpc.ts'
import { LEDGER, serveAudit, serveStatements } from './adapters/http.ts'
import { payersOver } from './adapters/payers.ts'
import { charging, streamOf } from './application/charging.ts'
import { checkingCredit } from './application/credit-check.ts'
import { customerPayments } from './application/customer-payments.ts'
import { ledgerAuditor } from './domain/ledger-auditor.ts'
import { payment, paymentEvents } from './domain/payment.ts'
import { service } from './service.ts'

export interface PaymentsOptions {
  /** Where the statements of customers live: a URL of PostgreSQL or Redis. Default: the service's own database. */
  readonly storeUrl?: string | undefined
}

/** How payments is put together. */
export function payments({ storeUrl }: PaymentsOptions = {}): ServiceComposition {
  return {
    service,
    schema: [BALANCES_SCHEMA, CREDIT_SCHEMA],
    stores: ['events', 'subjects', 'projections', 'documents'],
    async wire(ports) {
      const { answerSupervisor, connections, database, stores, outbox, participant, clock, logger, newId, serveRest, onStop } = ports
      const ledger = stores.events()
      const subjects = stores.subjects()
      const store = sealedEventStore({ store: ledger, events: paymentEvents, subjects })
      const people = logged(erasure({ store: ledger, subjects }), logger)

      // Read models are fed as the events are stored: they need nobody's name.
      const feed = { source: ledger, events: paymentEvents, clock }
      const balances = startProjection({ ...feed, projection: balancesProjection, database, store: stores.projections() })
      onStop('balances', () => balances.stop())
      const documents = await openReadModelStore({ url: storeUrl, variable: 'SHOP_PAYMENTS_STORE' }, ports)
      const { sharing, showProjection } = ports
      const statements = await startRebuildable({
        ...feed,
        declare: customerPayments,
        store: documents,
        onStarted: showProjection,
        ...(sharing && { share: { leases: sharing.leases, holder: sharing.instance } }),
      })
      onStop('statements', () => statements.stop())

      answerSupervisor({
        ...eventAnswers({ decider: payment, events: paymentEvents, store, auditors: [ledgerAuditor], redacted: redactedJson }),
        ...erasureAnswers(people),
        ...projectionAnswers({
          projections: [statements],
          onFailed: (projection, error) => logger.error({ err: error, projection }, 'a rebuild failed'),
          clock,
        }),
      })
      serveAudit(serveRest, { database, balances })
      serveStatements(serveRest, { store: documents, clock })
      const charges = charging({
        payments: commandHandler({ decider: payment, events: paymentEvents, store, database, schemaVersion: 1 }),
        payers: payersOver(connections.rest(customersApi, 'customers')),
        participant,
        outbox,
        clock,
        newId,
      })
      const tokenOf = (paymentId: string) => consistencyTokenOf(ledger, { stream: streamOf(paymentId), version: 1, store: LEDGER })
      ports.serveGrpc(paymentsOverGrpc(charges, tokenOf))
      await ports.consume(checkingCredit({ checks: creditChecks(), outbox }), { beforehand: forgettingCustomers(people) })
    },
  }
}
