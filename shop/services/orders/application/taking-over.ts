import type { Database } from 'seaworthy/core'
import type { Outbox } from 'seaworthy/outbox'
import { orderImported } from '../contract/events.ts'
import type { ImportedOrder } from '../contract/import.ts'
import type { OrderRepository } from './ports.ts'

/**
 * Takes over completed orders of other times and systems. Each new one is told as imported: counted and shown, and nobody is notified.
 * @returns how many were new
 */
export type TakeOverOrders = (imported: readonly ImportedOrder[]) => Promise<number>

export function takeOverOrders({
  database,
  orders,
  outbox,
}: {
  database: Database
  orders: OrderRepository
  outbox: Outbox
}): TakeOverOrders {
  return (imported) =>
    database.transaction(async (tx) => {
      const added = await orders.takeOver(
        tx,
        imported.map(({ placedAt, ...order }) => ({ ...order, state: { status: 'completed' }, placedAtMs: Date.parse(placedAt) })),
      )
      const events = imported
        .filter(({ id }) => added.has(id))
        .map(({ id, ...order }) => orderImported({ ...order, orderId: id, lines: [...order.lines] }))
      await outbox.add(tx, ...events)
      return added.size
    })
}

/** Fills an empty database with a seed's past orders. @returns whether it was empty */
export async function seedOrders(options: { orders: OrderRepository; takeOver: TakeOverOrders; seed: number }): Promise<boolean> {
  if (!(await options.orders.isEmpty())) return false
  // Loaded at the first start only: the generator is large.
  const { seedPastOrders } = await import('../../../seed/past-orders.ts')
  await options.takeOver(await seedPastOrders(options.seed))
  return true
}
