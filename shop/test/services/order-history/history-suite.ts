import { httpServer, restClient } from '@seaworthy/rpc/rest'
import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { NotFoundError, systemClock, UnavailableError } from 'seaworthy/core'
import { type Attempt, type EventEnvelope, UnknownEventError } from 'seaworthy/messaging'
import { CONSISTENCY_HEADER, consistencyToken, type ReadStore } from 'seaworthy/projections'
import { servingOn } from '../../../platform/service-ports.ts'
import { serveHistory } from '../../../services/order-history/adapters/http.ts'
import { composingHistory, type Owners } from '../../../services/order-history/application/composing.ts'
import { recording } from '../../../services/order-history/application/recording.ts'
import { orderHistoryApi } from '../../../services/order-history/contract/rest.ts'
import { shipmentBooked, shipmentCancelled } from '../../../services/shipping/contract/events.ts'
import { orderCompleted, orderImported, orderPlaced, orderRejected } from '../../../services/orders/contract/events.ts'

const attempt: Attempt = { topic: 'orders', attempt: 1, timeoutMs: 5_000, signal: new AbortController().signal, outOfOrder: false }
const lines = [{ productId: 'lamp', name: 'Lamp', quantity: 2, priceCents: 2_500 }]
const facts = (orderId: string) => ({ orderId, customerId: 'ada', lines, totalCents: 5_000 })
/** Nobody is asked here: see composing.test.ts. */
const owners: Owners = { orders: async () => ({ items: [], total: 0 }), parcels: async () => new Map() }
const numbered = (event: EventEnvelope, sequence: number, time = event.time): EventEnvelope => ({ ...event, sequence, time })

/** What the history does wherever it is kept. `open` answers two handles on one empty store: the writer's and the reader's. */
export function historySuite(name: string, open: (t: TestContext) => Promise<{ writer: ReadStore; reader: ReadStore }>): void {
  const world = async (t: TestContext) => {
    const { writer, reader } = await open(t)
    const server = httpServer({ port: 0 })
    serveHistory(servingOn(server), { store: reader, compose: composingHistory(owners), clock: systemClock, waitMs: 200 })
    await server.start()
    const client = restClient(orderHistoryApi, { baseUrl: server.url })
    t.after(async () => {
      client[Symbol.dispose]()
      await server.drain({ lingerMs: 0 })
    })
    const record = recording(writer)
    return {
      record: (event: EventEnvelope, sequence: number, time?: string) => record(numbered(event, sequence, time), attempt),
      orders: async (page = 1, pageSize = 20, token?: string) => {
        const headers = token === undefined ? {} : { [CONSISTENCY_HEADER]: token }
        const { body } = await client.listOrdersOfCustomer({ params: { customerId: 'ada' }, query: { page, pageSize }, headers })
        return body
      },
    }
  }

  suite(`the order history on ${name}`, () => {
    test('shows orders newest first, in pages, as their events left them', async (t) => {
      const { record, orders } = await world(t)
      await record(orderPlaced(facts('o1')), 1, '2026-01-01T00:00:00.000Z')
      await record(orderPlaced(facts('o2')), 1, '2026-01-02T00:00:00.000Z')
      await record(orderImported({ ...facts('o3'), placedAt: '2025-12-31T00:00:00.000Z' }), 1)
      for (let delivery = 0; delivery < 2; delivery++) await record(orderCompleted(facts('o1')), 2)
      await record(orderRejected({ ...facts('o2'), reason: 'card-declined' }), 2)
      const all = await orders()
      assert.deepEqual(all.items.map(({ orderId, status, reason }) => [orderId, status, reason]), [
        ['o2', 'rejected', 'card-declined'],
        ['o1', 'completed', undefined],
        ['o3', 'completed', undefined],
      ]) // prettier-ignore
      assert.deepEqual(all.items[1], {
        orderId: 'o1',
        status: 'completed',
        lines,
        totalCents: 5_000,
        placedAt: '2026-01-01T00:00:00.000Z',
      })
      const second = await orders(2, 2)
      assert.deepEqual([second.total, second.items.map(({ orderId }) => orderId)], [3, ['o3']])
    })

    test('joins what shipping tells of an order, whichever comes first', async (t) => {
      const { record, orders } = await world(t)
      const parcel = { shipmentId: 's1', orderId: 'o1', customerId: 'ada', lines: [{ productId: 'lamp', name: 'Lamp', quantity: 2 }] }
      await record(shipmentBooked(parcel), 1)
      assert.deepEqual((await orders()).items, [])
      await record(orderPlaced(facts('o1')), 1)
      const parcels = async () => (await orders()).items.map((order) => order.parcel)
      assert.deepEqual(await parcels(), ['booked'])
      await record(shipmentCancelled(parcel), 2)
      assert.deepEqual(await parcels(), ['cancelled'])
    })

    test('waits for the order that a customer just placed, and says so when it does not come', async (t) => {
      const { record, orders } = await world(t)
      const token = consistencyToken({ kind: 'event', topic: 'orders', key: 'o1', sequence: 2 })
      await record(orderPlaced(facts('o1')), 1)
      await assert.rejects(orders(1, 20, token), UnavailableError)
      const coming = record(orderCompleted(facts('o1')), 2)
      const [page] = await Promise.all([orders(1, 20, token), coming])
      assert.deepEqual(page.items.map(({ status }) => status), ['completed']) // prettier-ignore
    })

    test('refuses versions that it does not know, and orders that were never placed', async (t) => {
      const { record } = await world(t)
      await assert.rejects(record({ ...orderCompleted(facts('o9')), version: 99 }, 1), UnknownEventError)
      await assert.rejects(record(orderCompleted(facts('o9')), 1), NotFoundError)
    })
  })
}
