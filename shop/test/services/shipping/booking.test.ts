import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId, RejectedError } from 'seaworthy/core'
import { SHIPPING_SCHEMA } from '../../../services/shipping/adapters/schema.ts'
import { shipmentRepository } from '../../../services/shipping/adapters/shipment-repository.ts'
import { booking } from '../../../services/shipping/application/booking.ts'
import { openServiceDatabase } from '../../service-database.ts'

const order = (quantity: number) => ({ orderId: 'o1', customerId: 'c1', lines: [{ productId: 'a', name: 'A', quantity }] })

describe('shipping', () => {
  test('a parcel is booked and cancelled once, and both are told', async () => {
    await using shipping = await openServiceDatabase(SHIPPING_SCHEMA)
    const acts = booking({ shipments: shipmentRepository, participant: shipping.participant, outbox: shipping.outbox, newId })
    const { shipmentId } = await acts.book('o1/book', order(100))
    await acts.cancel('o1/book')
    await acts.cancel('o1/book')
    const events = await shipping.published('shipping')
    assert.deepEqual(
      events.map(({ type, data }) => [type, data]),
      ['shipment.booked', 'shipment.cancelled'].map((type) => [type, { shipmentId, ...order(100) }]),
    )
  })

  test('more pieces than a parcel takes are refused, and nothing is told', async () => {
    await using shipping = await openServiceDatabase(SHIPPING_SCHEMA)
    const acts = booking({ shipments: shipmentRepository, participant: shipping.participant, outbox: shipping.outbox, newId })
    await assert.rejects(acts.book('o1/book', order(101)), (error) => error instanceof RejectedError && error.reason === 'shipping-refused')
    assert.deepEqual(await shipping.published('shipping'), [])
  })
})
