import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidInputError, newId, rootContext, systemClock } from 'seaworthy/core'
import { commandHandler } from 'seaworthy/event-sourcing'
import { CONSISTENCY_HEADER, consistencyTokenOf, startRebuildable } from 'seaworthy/projections'
import { sqliteEventStore, sqliteReadStore } from 'seaworthy/sqlite'
import { LEDGER, serveStatements } from '../../../services/payments/adapters/http.ts'
import { charging, streamOf } from '../../../services/payments/application/charging.ts'
import { CUSTOMER_PAYMENTS, customerPayments } from '../../../services/payments/application/customer-payments.ts'
import { payment, paymentEvents } from '../../../services/payments/domain/payment.ts'
import { openServiceDatabase } from '../../service-database.ts'
import { type Served, servingInto } from '../../simulation/wires.ts'

interface Listed {
  readonly items: readonly {
    readonly orderId: string
    readonly amountCents: number
    readonly status: string
    readonly refundedAt?: string
  }[]
  readonly total: number
}

async function openStatements() {
  const service = await openServiceDatabase()
  const { database, participant, outbox } = service
  const [ledger, store, clock] = [sqliteEventStore(database), sqliteReadStore(database), systemClock]
  const running = await startRebuildable({ declare: customerPayments, source: ledger, store, events: paymentEvents })
  const charges = charging({
    payments: commandHandler({ decider: payment, events: paymentEvents, store: ledger, database, schemaVersion: 1 }),
    payers: { payer: async () => undefined },
    participant,
    outbox,
    clock,
    newId,
  })
  const served: Served = {}
  serveStatements(servingInto(served).serveRest, { store, clock })
  return {
    store,
    running,
    refund: (key: string) => charges.refund(key),
    /** @returns what the query waits by */
    async charge(key: string, customerId: string, amountCents: number) {
      const { paymentId } = await charges.charge(key, { orderId: `order-${key}`, customerId, amountCents, card: 'ok' })
      return { paymentId, token: await consistencyTokenOf(ledger, { stream: streamOf(paymentId), version: 1, store: LEDGER }) }
    },
    tokenOf: (paymentId: string, version: number) => consistencyTokenOf(ledger, { stream: streamOf(paymentId), version, store: LEDGER }),
    async list(customerId: string, token?: string, query: object = {}) {
      const request = { params: { customerId }, query, headers: token === undefined ? {} : { [CONSISTENCY_HEADER]: token } }
      return ((await served['listPaymentsOfCustomer']!(request as never, rootContext())) as { readonly body: Listed }).body
    },
    async [Symbol.asyncDispose]() {
      await running.stop()
      await service[Symbol.asyncDispose]()
    },
  }
}

test('whoever just paid finds it in their statement, the newest first, and nobody else does', async () => {
  await using statements = await openStatements()
  await statements.charge('a', 'ada', 1_250)
  await statements.charge('b', 'grace', 700)
  const { paymentId, token } = await statements.charge('c', 'ada', 300)
  const { items, total } = await statements.list('ada', token)
  assert.equal(total, 2)
  assert.deepEqual(new Set(items.map(({ orderId, amountCents, status }) => `${orderId} ${amountCents} ${status}`)), new Set(['order-c 300 charged', 'order-a 1250 charged'])) // prettier-ignore
  assert.deepEqual((await statements.list('nobody')).items, [])
  assert.equal((await statements.list('ada', undefined, { page: 2, pageSize: 1 })).items.length, 1)

  await statements.refund('c')
  const after = await statements.list('ada', await statements.tokenOf(paymentId, 2))
  const refunded = after.items.find(({ orderId }) => orderId === 'order-c')
  assert.equal(refunded?.status, 'refunded')
  assert.ok(refunded.refundedAt !== undefined)
})

test('a token that statements never get to is refused, and not waited for; beside one of a payment it is left out', async () => {
  await using statements = await openStatements()
  for (const strange of ['orders/order-a@2', 'mail@1']) await assert.rejects(statements.list('ada', strange), InvalidInputError)
  const { token } = await statements.charge('a', 'ada', 1_250)
  assert.equal((await statements.list('ada', `orders/order-a@2, ${token}`)).total, 1)
})

test('a statement that was spoilt is rebuilt from the ledger while it answers', async () => {
  await using statements = await openStatements()
  const { store, running } = statements
  const { paymentId, token } = await statements.charge('a', 'ada', 1_250)
  await statements.list('ada', token)
  // As a defect would leave it, or a hand in the database.
  const [checkpoint, position] = [...(await store.checkpoints({ projection: CUSTOMER_PAYMENTS, version: 1 }))][0]!
  const key = streamOf(paymentId)
  const before = (await store.find(CUSTOMER_PAYMENTS, key)).document!
  const change = { key, document: { ...(before.document as object), amountCents: 1 }, listing: before.listing, before }
  assert.ok(
    await store.write({ projection: CUSTOMER_PAYMENTS, version: 1 }, { checkpoint, from: position, to: position, changes: [change] }),
  )
  assert.equal((await statements.list('ada')).items[0]?.amountCents, 1)

  assert.deepEqual(await running.rebuild(), { from: 1, to: 2, compared: 1, differing: 1 })
  assert.equal((await statements.list('ada')).items[0]?.amountCents, 1_250)
  const { token: later } = await statements.charge('b', 'ada', 300)
  assert.equal((await statements.list('ada', later)).total, 2)
})
