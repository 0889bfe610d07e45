import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { InvalidInputError, newId, RejectedError } from 'seaworthy/core'
import { commandHandler } from 'seaworthy/event-sourcing'
import { startProjection } from 'seaworthy/projections'
import { sqliteEventStore, sqliteProjectionStore } from 'seaworthy/sqlite'
import { BALANCES_SCHEMA, balancesProjection, readLedger } from '../../../services/payments/adapters/balances.ts'
import { charging, type ChargeRequest } from '../../../services/payments/application/charging.ts'
import { CARD_CLEARING } from '../../../services/payments/domain/ledger.ts'
import { payment, paymentEvents } from '../../../services/payments/domain/payment.ts'
import { openServiceDatabase } from '../../service-database.ts'

async function openPayments() {
  const service = await openServiceDatabase(BALANCES_SCHEMA)
  const { database } = service
  const store = sqliteEventStore(database)
  const payments = commandHandler({ decider: payment, events: paymentEvents, store, database, schemaVersion: 1 })
  const acts = charging({ payments, outbox: service.outbox, newId })
  return {
    ...service,
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
    charge: (card: string, amountCents = 1_250) => {
      const request: ChargeRequest = { orderId: 'o1', customerId: 'c1', amountCents, card }
      return database.transaction((tx) => acts.charge(tx, request))
    },
    refund: (paymentId: string) => database.transaction((tx) => acts.refund(tx, paymentId)),
    types: async () => (await service.published('payments')).map(({ type }) => type),
    /** The ledger, once its projection has caught up. */
    async ledger() {
      const running = startProjection({
        projection: balancesProjection,
        source: store,
        database,
        store: sqliteProjectionStore(database),
        events: paymentEvents,
      })
      try {
        while ((await running.lag()).positions > 0) await new Promise((resolve) => setImmediate(resolve))
        return await readLedger(database, CARD_CLEARING)
      } finally {
        await running.stop()
      }
    },
  }
}

describe('payments', () => {
  test('a charge is a balanced entry in the ledger, and an event', async () => {
    await using payments = await openPayments()
    const { paymentId, answerDelayMs } = await payments.charge('ok')
    assert.ok(paymentId)
    assert.equal(answerDelayMs, 0)
    assert.deepEqual(await payments.ledger(), { sumCents: 0, balanceCents: 1_250 })
    assert.deepEqual(await payments.types(), ['payment.charged'])
  })

  test('a refund takes the charge back, once', async () => {
    await using payments = await openPayments()
    const { paymentId } = await payments.charge('ok')
    await payments.refund(paymentId)
    await payments.refund(paymentId)
    assert.deepEqual(await payments.ledger(), { sumCents: 0, balanceCents: 0 })
    assert.deepEqual(await payments.types(), ['payment.charged', 'payment.refunded'])
  })

  test('a declined card moves no money', async () => {
    await using payments = await openPayments()
    await assert.rejects(payments.charge('declined'), (error) => error instanceof RejectedError && error.reason === 'card-declined')
    assert.deepEqual(await payments.ledger(), { sumCents: 0, balanceCents: 0 })
    assert.deepEqual(await payments.types(), [])
  })

  test('a slow card is booked at once, and answered later', async () => {
    await using payments = await openPayments()
    assert.equal((await payments.charge('slow')).answerDelayMs, 2_000)
    assert.equal((await payments.ledger()).balanceCents, 1_250)
  })

  test('a card that is none is bad input, and the field is named', async () => {
    await using payments = await openPayments()
    await assert.rejects(payments.charge('4111'), (error) => error instanceof InvalidInputError && error.fields[0]?.field === 'card')
  })

  test('a refund of a payment that never was does nothing', async () => {
    await using payments = await openPayments()
    await payments.refund('nothing')
    assert.deepEqual(await payments.types(), [])
  })
})
