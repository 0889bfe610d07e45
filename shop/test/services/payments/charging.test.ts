import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { VirtualClock } from '@seaworthy/testing'
import { InvalidInputError, newId, RejectedError } from 'seaworthy/core'
import { commandHandler, erasure, sealedEventStore } from 'seaworthy/event-sourcing'
import { startProjection } from 'seaworthy/projections'
import { openSubjectKeyFile, sqliteEventStore, sqliteProjectionStore, sqliteSubjectStore } from 'seaworthy/sqlite'
import { BALANCES_SCHEMA, balancesProjection, readLedger } from '../../../services/payments/adapters/balances.ts'
import { charging, type ChargeRequest, type Payers } from '../../../services/payments/application/charging.ts'
import { CARD_CLEARING } from '../../../services/payments/domain/ledger.ts'
import { payment, paymentEvents } from '../../../services/payments/domain/payment.ts'
import { openServiceDatabase } from '../../service-database.ts'

async function openPayments(payer: Payers['payer'] = async () => undefined) {
  const service = await openServiceDatabase(BALANCES_SCHEMA)
  const { database } = service
  const clock = new VirtualClock()
  const store = sqliteEventStore(database)
  const keys = await openSubjectKeyFile({ path: join(service.directory, 'keys.sqlite'), durability: 'process-crash' })
  const subjects = sqliteSubjectStore(database, keys)
  const sealed = sealedEventStore({ store, events: paymentEvents, subjects })
  const payments = commandHandler({ decider: payment, events: paymentEvents, store: sealed, database, schemaVersion: 1 })
  const acts = charging({ payments, payers: { payer }, participant: service.participant, outbox: service.outbox, clock, newId })
  return {
    ...service,
    async [Symbol.asyncDispose]() {
      await keys.close()
      await service[Symbol.asyncDispose]()
    },
    clock,
    people: erasure({ store, subjects }),
    /** The payers of all charges, as who may read sees them, and as they are stored. */
    payers: async () => {
      const [read, stored] = [await sealed.readAll({ after: 0, max: 10 }), await store.readAll({ after: 0, max: 10 })]
      return { read: read.map(({ data }) => (data as { payer?: unknown }).payer), stored: JSON.stringify(stored) }
    },
    charge: (card: string, { amountCents = 1_250, key = 'o1/charge' } = {}) => {
      const request: ChargeRequest = { orderId: 'o1', customerId: 'c1', amountCents, card }
      return acts.charge(key, request)
    },
    refund: (key = 'o1/charge') => acts.refund(key),
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
    assert.ok((await payments.charge('ok')).paymentId)
    assert.deepEqual(await payments.ledger(), { sumCents: 0, balanceCents: 1_250 })
    assert.deepEqual(await payments.types(), ['payment.charged'])
  })

  test('a charge that is asked for again under its key is the same one, and under another key another', async () => {
    await using payments = await openPayments()
    assert.deepEqual(await payments.charge('ok'), await payments.charge('ok'))
    assert.equal((await payments.ledger()).balanceCents, 1_250)
    await payments.charge('ok', { key: 'o2/charge' })
    assert.equal((await payments.ledger()).balanceCents, 2_500)
  })

  test('a refund takes the charge back, once', async () => {
    await using payments = await openPayments()
    await payments.charge('ok')
    await payments.refund()
    await payments.refund()
    assert.deepEqual(await payments.ledger(), { sumCents: 0, balanceCents: 0 })
    assert.deepEqual(await payments.types(), ['payment.charged', 'payment.refunded'])
  })

  test('a refund that overtakes its charge wins: the charge then does nothing', async () => {
    await using payments = await openPayments()
    await payments.refund()
    await assert.rejects(payments.charge('ok'), (error) => error instanceof RejectedError && error.reason === 'compensated')
    assert.deepEqual(await payments.types(), [])
  })

  test('a declined card moves no money, and is told about once, however often it is tried', async () => {
    await using payments = await openPayments()
    const declined = (error: unknown) => error instanceof RejectedError && error.reason === 'card-declined'
    await assert.rejects(payments.charge('declined'), declined)
    await assert.rejects(payments.charge('declined'), declined)
    await payments.refund()
    assert.deepEqual(await payments.ledger(), { sumCents: 0, balanceCents: 0 })
    assert.deepEqual(await payments.types(), ['payment.declined'])
  })

  test('a slow card is booked at once and answered 2 s later, to a repetition too', async () => {
    await using payments = await openPayments()
    let answered = 0
    const charge = () =>
      payments.charge('slow').then((answer) => {
        answered++
        return answer
      })
    const first = charge()
    await payments.clock.advance(1_500)
    const again = charge()
    await payments.clock.advance(499)
    assert.equal(answered, 0)
    assert.equal((await payments.ledger()).balanceCents, 1_250)
    await payments.clock.advance(1)
    assert.deepEqual(await first, await again)
  })

  test('a card that is none is bad input, and the field is named', async () => {
    await using payments = await openPayments()
    await assert.rejects(payments.charge('4111'), (error) => error instanceof InvalidInputError && error.fields[0]?.field === 'card')
  })

  test('the ledger knows who paid until they are forgotten, and a charge waits for no name', async () => {
    let named: { name: string; email: string } | undefined = { name: 'Ada Lovelace', email: 'ada@example.com' }
    await using payments = await openPayments(async () => named)
    await payments.charge('ok')
    const { read, stored } = await payments.payers()
    assert.deepEqual(read, [named])
    assert.ok(!stored.includes('Lovelace'), stored)

    await payments.people.forget('c1')
    // Whoever was asked just before does not know of it yet: the money moves all the same.
    await payments.charge('ok', { key: 'o2/charge' })
    named = undefined
    await payments.charge('ok', { key: 'o3/charge' })
    await payments.refund()
    const forgotten = { name: '(forgotten)', email: '(forgotten)' }
    assert.deepEqual((await payments.payers()).read, [forgotten, undefined, undefined, undefined])
    assert.deepEqual(await payments.ledger(), { sumCents: 0, balanceCents: 2_500 })
  })
})
