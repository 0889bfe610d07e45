import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { newId, RejectedError } from 'seaworthy/core'
import { INVENTORY_SCHEMA } from '../../../services/inventory/adapters/schema.ts'
import { stockRepository } from '../../../services/inventory/adapters/stock-repository.ts'
import { stockKeeping } from '../../../services/inventory/application/stock-keeping.ts'
import { openServiceDatabase } from '../../service-database.ts'

async function openInventory(stock: Record<string, number>) {
  const service = await openServiceDatabase(INVENTORY_SCHEMA)
  const repository = stockRepository(service.database)
  const received = Object.entries(stock).map(([productId, quantity]) => ({ productId, quantity }))
  await service.database.transaction((tx) => repository.takeOver(tx, received))
  const keeping = stockKeeping({ stock: repository, participant: service.participant, outbox: service.outbox, newId })
  return {
    ...service,
    repository,
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
    reserve: (orderId: string, lines: { productId: string; quantity: number }[]) =>
      keeping.reserve(`${orderId}/reserve`, { orderId, lines }),
    release: (orderId: string) => keeping.release(`${orderId}/reserve`),
    ship: (orderId: string) => service.database.transaction((tx) => keeping.ship(tx, orderId)),
    types: async () => (await service.published('inventory')).map(({ type }) => type),
  }
}

describe('inventory', () => {
  test('a reservation that is released leaves stock and two events behind', async () => {
    await using inventory = await openInventory({ a: 5 })
    await inventory.reserve('o1', [{ productId: 'a', quantity: 3 }])
    assert.deepEqual(await inventory.repository.level('a'), { productId: 'a', onHand: 2, reserved: 3, shipped: 0 })
    await inventory.release('o1')
    await inventory.release('o1')
    assert.deepEqual(await inventory.repository.level('a'), { productId: 'a', onHand: 5, reserved: 0, shipped: 0 })
    assert.deepEqual(await inventory.types(), ['stock.reserved', 'stock.released'])
  })

  test('a reservation that is asked for again under its key is the same one', async () => {
    await using inventory = await openInventory({ a: 5 })
    const lines = [{ productId: 'a', quantity: 3 }]
    assert.deepEqual(await inventory.reserve('o1', lines), await inventory.reserve('o1', lines))
    assert.equal((await inventory.repository.level('a'))?.onHand, 2)
    assert.deepEqual(await inventory.types(), ['stock.reserved'])
  })

  test('a release that overtakes its reservation wins', async () => {
    await using inventory = await openInventory({ a: 5 })
    await inventory.release('o1')
    await assert.rejects(
      inventory.reserve('o1', [{ productId: 'a', quantity: 3 }]),
      (error) => error instanceof RejectedError && error.reason === 'compensated',
    )
    assert.equal((await inventory.repository.level('a'))?.onHand, 5)
  })

  test('an order that is short of one product gets nothing, publishes nothing, and hears which', async () => {
    await using inventory = await openInventory({ a: 5, b: 1 })
    await assert.rejects(
      inventory.reserve('o1', [
        { productId: 'a', quantity: 1 },
        { productId: 'b', quantity: 2 },
      ]),
      (error) => error instanceof RejectedError && error.reason === 'out-of-stock' && /b \(2 wanted, 1 on hand\)/.test(error.message),
    )
    assert.equal((await inventory.repository.level('a'))?.onHand, 5)
    assert.deepEqual(await inventory.types(), [])
  })

  test('goods leave with the parcel, and come back when the order is undone after all', async () => {
    await using inventory = await openInventory({ a: 5 })
    await inventory.reserve('o1', [{ productId: 'a', quantity: 3 }])
    await inventory.ship('o1')
    assert.deepEqual(await inventory.repository.level('a'), { productId: 'a', onHand: 2, reserved: 0, shipped: 3 })
    await inventory.release('o1')
    assert.deepEqual(await inventory.repository.level('a'), { productId: 'a', onHand: 5, reserved: 0, shipped: 0 })
  })

  test('a parcel that is heard of after the release takes nothing', async () => {
    await using inventory = await openInventory({ a: 5 })
    await inventory.reserve('o1', [{ productId: 'a', quantity: 3 }])
    await inventory.release('o1')
    await inventory.ship('o1')
    assert.deepEqual(await inventory.repository.level('a'), { productId: 'a', onHand: 5, reserved: 0, shipped: 0 })
  })

  test('stock that is known is not taken over again', async () => {
    await using inventory = await openInventory({ a: 5 })
    await inventory.reserve('o1', [{ productId: 'a', quantity: 3 }])
    const { database, repository } = inventory
    const added = await database.transaction((tx) =>
      repository.takeOver(tx, [
        { productId: 'a', quantity: 100 },
        { productId: 'b', quantity: 7 },
      ]),
    )
    assert.equal(added, 1)
    assert.equal((await repository.level('a'))?.onHand, 2)
    assert.equal((await repository.level('b'))?.onHand, 7)
  })

  test('orders that compete for the last pieces never get more than there are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 12 }), async (quantities) => {
        await using inventory = await openInventory({ a: 10 })
        const results = await Promise.allSettled(
          quantities.map((quantity, index) => inventory.reserve(`o${index}`, [{ productId: 'a', quantity }])),
        )
        const got = quantities.reduce((sum, quantity, index) => sum + (results[index]?.status === 'fulfilled' ? quantity : 0), 0)
        assert.deepEqual(await inventory.repository.level('a'), { productId: 'a', onHand: 10 - got, reserved: got, shipped: 0 })
      }),
      { numRuns: 15 },
    )
  })
})
