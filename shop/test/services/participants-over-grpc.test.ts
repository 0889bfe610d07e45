import { grpcClient, type GrpcImplementation, grpcServer } from '@seaworthy/rpc/grpc'
import { VirtualClock } from '@seaworthy/testing'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DescService } from '@bufbuild/protobuf'
import { type CallContext, InvalidInputError, newId, NotFoundError, RejectedError, rootContext } from 'seaworthy/core'
import { commandHandler } from 'seaworthy/event-sourcing'
import { sqliteEventStore } from 'seaworthy/sqlite'
import type { ServiceSchema } from '../../platform/tables.ts'
import { inventoryOverGrpc } from '../../services/inventory/adapters/grpc.ts'
import { INVENTORY_SCHEMA } from '../../services/inventory/adapters/schema.ts'
import { stockRepository } from '../../services/inventory/adapters/stock-repository.ts'
import { stockKeeping } from '../../services/inventory/application/stock-keeping.ts'
import { Inventory } from '../../services/inventory/contract/gen/inventory_pb.js'
import { BALANCES_SCHEMA } from '../../services/payments/adapters/balances.ts'
import { paymentsOverGrpc } from '../../services/payments/adapters/grpc.ts'
import { charging } from '../../services/payments/application/charging.ts'
import { Payments } from '../../services/payments/contract/gen/payments_pb.js'
import { payment, paymentEvents } from '../../services/payments/domain/payment.ts'
import { shippingOverGrpc } from '../../services/shipping/adapters/grpc.ts'
import { SHIPPING_SCHEMA } from '../../services/shipping/adapters/schema.ts'
import { shipmentRepository } from '../../services/shipping/adapters/shipment-repository.ts'
import { booking } from '../../services/shipping/application/booking.ts'
import { Shipping } from '../../services/shipping/contract/gen/shipping_pb.js'
import { openServiceDatabase, type ServiceDatabase } from '../service-database.ts'

async function overGrpc<Service extends DescService>(
  api: Service,
  schema: ServiceSchema,
  implementation: (service: ServiceDatabase) => Promise<GrpcImplementation> | GrpcImplementation,
) {
  const service = await openServiceDatabase(schema)
  const server = grpcServer({ port: 0, services: [await implementation(service)] })
  await server.start()
  const client = grpcClient(api, { address: server.address })
  return {
    client,
    service,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]()
      await server.drain()
      await service[Symbol.asyncDispose]()
    },
  }
}

const keyed = (idempotencyKey: string): CallContext => rootContext({ idempotencyKey })
const refusedFor = (reason: string) => (error: unknown) => error instanceof RejectedError && error.reason === reason
const namesField = (field: string) => (error: unknown) =>
  error instanceof InvalidInputError && error.fields.some((invalid) => invalid.field === field)

describe('inventory over gRPC', () => {
  const open = () =>
    overGrpc(Inventory, INVENTORY_SCHEMA, async ({ database, participant, outbox }) => {
      const stock = stockRepository(database)
      await database.transaction((tx) => stock.takeOver(tx, [{ productId: 'a', quantity: 5 }]))
      return inventoryOverGrpc({ stock, keeping: stockKeeping({ stock, participant, outbox, newId }) })
    })
  const order = (quantity: number, productId = 'a') => ({ orderId: 'o1', lines: [{ productId, quantity }] })

  test('reserves once per key, releases, and conserves stock', async () => {
    await using inventory = await open()
    const { client } = inventory
    const first = await client.reserve(order(3), keyed('s1/reserve'))
    assert.equal((await client.reserve(order(3), keyed('s1/reserve'))).reservationId, first.reservationId)
    const during = await client.getStock({ productId: 'a' })
    assert.deepEqual([during.onHand, during.reserved, during.shipped, during.total], [2n, 3n, 0n, 5n])
    await client.release({ orderId: 'o1' }, keyed('s1/reserve'))
    const after = await client.getStock({ productId: 'a' })
    assert.deepEqual([after.onHand, after.reserved, after.total], [5n, 0n, 5n])
  })

  test('refuses by reason, and the same refusal again', async () => {
    await using inventory = await open()
    const { client } = inventory
    await assert.rejects(client.reserve(order(6), keyed('k')), refusedFor('out-of-stock'))
    await assert.rejects(client.reserve(order(6), keyed('k')), refusedFor('out-of-stock'))
  })

  test('names what is missing or wrong in a request', async () => {
    await using inventory = await open()
    const { client } = inventory
    await assert.rejects(client.reserve(order(1), rootContext()), namesField('idempotency-key'))
    await assert.rejects(client.reserve(order(0), keyed('k')), namesField('lines[0].quantity'))
    await assert.rejects(client.reserve({ orderId: 'o1', lines: [] }, keyed('k')), namesField('lines'))
    await assert.rejects(
      client.reserve(order(2), keyed('k2')).then(() => client.reserve(order(1), keyed('k2'))),
      InvalidInputError,
    )
    await assert.rejects(client.getStock({ productId: 'nothing' }), NotFoundError)
  })
})

describe('payments over gRPC', () => {
  const open = (clock = new VirtualClock()) =>
    overGrpc(Payments, BALANCES_SCHEMA, ({ database, participant, outbox }) => {
      const payments = commandHandler({
        decider: payment,
        events: paymentEvents,
        store: sqliteEventStore(database),
        database,
        schemaVersion: 1,
      })
      const charges = charging({ payments, payers: { payer: async () => undefined }, participant, outbox, clock, newId })
      return paymentsOverGrpc(charges, async (paymentId) => `token of ${paymentId}`)
    })
  const charge = (card: string, amountCents = 1_250n) => ({ orderId: 'o1', customerId: 'c1', amountCents, card })

  test('charges once per key, refunds, and refuses by reason', async () => {
    await using payments = await open()
    const { client, service } = payments
    const first = await client.charge(charge('ok'), keyed('s1/charge'))
    assert.equal((await client.charge(charge('ok'), keyed('s1/charge'))).paymentId, first.paymentId)
    await client.refund({ orderId: 'o1' }, keyed('s1/charge'))
    await assert.rejects(client.charge(charge('declined'), keyed('s2/charge')), refusedFor('card-declined'))
    assert.deepEqual(
      (await service.published('payments')).map(({ type }) => type),
      ['payment.charged', 'payment.refunded', 'payment.declined'],
    )
  })

  test('a caller that does not wait for a slow card has been charged all the same, and learns so when it asks again', async () => {
    const clock = new VirtualClock()
    await using payments = await open(clock)
    const { client, service } = payments
    const hurried = { ...keyed('s1/charge'), signal: AbortSignal.timeout(300) }
    await assert.rejects(client.charge(charge('slow'), hurried))
    assert.equal((await service.published('payments')).length, 1)
    await clock.advance(2_000)
    assert.ok((await client.charge(charge('slow'), keyed('s1/charge'))).paymentId)
    assert.equal((await service.published('payments')).length, 1)
  })

  test('names what is wrong in a request', async () => {
    await using payments = await open()
    const { client } = payments
    await assert.rejects(client.charge(charge('ok', 0n), keyed('k')), namesField('amountCents'))
    await assert.rejects(client.charge(charge('4111'), keyed('k')), namesField('card'))
    await assert.rejects(client.refund({ orderId: 'o1' }, rootContext()), namesField('idempotency-key'))
  })
})

describe('shipping over gRPC', () => {
  const open = () =>
    overGrpc(Shipping, SHIPPING_SCHEMA, ({ participant, outbox }) =>
      shippingOverGrpc(booking({ shipments: shipmentRepository, participant, outbox, newId })),
    )
  const order = (quantity: number) => ({ orderId: 'o1', customerId: 'c1', lines: [{ productId: 'a', name: 'A', quantity }] })

  test('books once per key, cancels, and refuses what no parcel takes', async () => {
    await using shipping = await open()
    const { client, service } = shipping
    const first = await client.book(order(1), keyed('s1/book'))
    assert.equal((await client.book(order(1), keyed('s1/book'))).shipmentId, first.shipmentId)
    await client.cancel({ orderId: 'o1' }, keyed('s1/book'))
    await assert.rejects(client.book(order(101), keyed('s2/book')), refusedFor('shipping-refused'))
    assert.deepEqual(
      (await service.published('shipping')).map(({ type }) => type),
      ['shipment.booked', 'shipment.cancelled'],
    )
  })
})
