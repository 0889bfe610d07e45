import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { rootContext, UnavailableError } from 'seaworthy/core'
import { composingHistory, type OwnedOrder, type Owners } from '../../../services/order-history/application/composing.ts'

const order = (orderId: string): OwnedOrder => ({
  orderId,
  status: 'completed',
  lines: [],
  totalCents: 1,
  placedAt: '2026-01-01T00:00:00Z',
})
const asked: (readonly string[])[] = []
const owners: Owners = {
  orders: async () => ({ items: [order('o1'), order('o2')], total: 2 }),
  async parcels(orderIds) {
    asked.push(orderIds)
    return new Map([['o2', 'booked']])
  },
}
const page = { page: 1, pageSize: 20 }

suite('the order history by API composition', () => {
  test('asks each owner once, and joins their answers', async () => {
    const { items, total } = await composingHistory(owners)('ada', page, rootContext())
    assert.deepEqual([total, items.map(({ orderId, parcel }) => [orderId, parcel])], [2, [['o1', undefined], ['o2', 'booked']]]) // prettier-ignore
    assert.deepEqual(asked.splice(0), [['o1', 'o2']])
  })

  test('has no parcels without shipping, and asks for none without orders', async () => {
    const down = () => Promise.reject(new UnavailableError('down'))
    const { items } = await composingHistory({ ...owners, parcels: down })('ada', page, rootContext())
    assert.deepEqual(items, [order('o1'), order('o2')])
    const none = await composingHistory({ ...owners, orders: async () => ({ items: [], total: 0 }) })('ada', page, rootContext())
    assert.deepEqual([none, asked], [{ items: [], total: 0 }, []]) // prettier-ignore
  })

  test('fails without orders', async () => {
    const down = () => Promise.reject(new UnavailableError('down'))
    await assert.rejects(composingHistory({ ...owners, orders: down })('ada', page, rootContext()), UnavailableError)
  })
})
