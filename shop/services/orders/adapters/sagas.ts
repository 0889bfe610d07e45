import { type Clock, type Database, type Random, systemRandom } from 'seaworthy/core'
import type { Outbox } from 'seaworthy/outbox'
import { type Orchestrator, orchestrator, type Saga, type SagaStore } from 'seaworthy/saga'
import type { Sharing } from '../../../platform/service-ports.ts'
import type { CheckoutInput } from '../application/checkout-saga.ts'
import type { CheckoutSagas } from '../application/place-order.ts'
import type { OrderRepository } from '../application/ports.ts'
import { orderCompleted, orderRejected } from '../contract/events.ts'

export interface CheckoutOrchestratorOptions {
  readonly saga: Saga<CheckoutInput>
  readonly store: SagaStore
  readonly database: Database
  readonly orders: OrderRepository
  readonly outbox: Outbox
  readonly clock: Clock
  readonly sharing?: Sharing | undefined
  readonly random?: Random
  readonly onError: (error: unknown, sagaId: string | undefined) => void
  /** What became of an order, once it is stored. */
  readonly onDecided?: (order: { readonly orderId: string; readonly totalCents: number; readonly reason?: string }) => void
  /** False only in the test that shows what the rule is for. */
  readonly askUnknownAgain: boolean
}

/** Runs checkouts, and writes what a saga's end means for its order in the very transaction that ends it. */
export function checkoutOrchestrator(options: CheckoutOrchestratorOptions): Orchestrator {
  const { orders, outbox, onDecided } = options
  return orchestrator({
    sagas: [options.saga],
    store: options.store,
    database: options.database,
    clock: options.clock,
    random: options.random ?? systemRandom,
    onError: options.onError,
    ...options.sharing,
    ...(!options.askUnknownAgain && { unsafe: { unknownOutcome: 'treat-as-failed' as const } }),
    async onStatus(tx, record) {
      const { orderId, customerId, lines, totalCents } = record.input as CheckoutInput
      const facts = { orderId, customerId, lines: [...lines], totalCents }
      switch (record.status) {
        case 'completed':
          await orders.setState(tx, orderId, { status: 'completed' })
          await outbox.add(tx, orderCompleted(facts))
          tx.afterCommit(() => onDecided?.({ orderId, totalCents }))
          return
        case 'compensating': {
          // Turning back is the decision; that everything is undone follows.
          const reason = record.reason ?? 'unknown'
          await orders.setState(tx, orderId, { status: 'rejected', reason })
          await outbox.add(tx, orderRejected({ ...facts, reason }))
          tx.afterCommit(() => onDecided?.({ orderId, totalCents, reason }))
          return
        }
        // A parked saga leaves its order as it is: a person decides.
        case 'running':
        case 'compensated':
        case 'parked':
      }
    },
  })
}

/** What a query waits for the payment of an order by; undefined where nothing was charged, or it is no longer known. */
export async function paymentTokenOf(store: SagaStore, orderId: string): Promise<string | undefined> {
  const { journal = [] } = (await store.load(orderId)) ?? {}
  const charged = journal.find((entry) => entry.kind === 'done' && entry.step === 'charge')
  return charged?.kind === 'done' ? (charged.result as { readonly consistencyToken?: string } | null)?.consistencyToken : undefined
}

export function checkoutSagas(running: Orchestrator, saga: Saga<CheckoutInput>): CheckoutSagas {
  return {
    async start(tx, input, context) {
      await running.start(tx, saga, { id: input.orderId, input, context })
    },
    async decided(orderId, options) {
      await running.decided(orderId, options)
    },
  }
}
