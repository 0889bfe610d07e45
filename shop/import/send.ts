import { restClient } from '@seaworthy/rpc/rest'
import { exponential } from 'seaworthy/core'
import { policy } from 'seaworthy/resilience'
import { monolithImport } from '../monolith/contract/rest.ts'
import type { TakeOverOutcome } from '../platform/take-over.ts'
import { inventoryImport } from '../services/inventory/contract/rest.ts'
import { ordersImport } from '../services/orders/contract/rest.ts'
import { batchesOf } from './batches.ts'
import type { ShopData } from './shop-data.ts'

/** Where the services that take data over listen. */
export interface ImportEndpoints {
  readonly monolith: string
  readonly inventory: string
  readonly orders: string
}

/** What became of the records of a kind. */
export interface ImportCount extends Readonly<TakeOverOutcome> {
  readonly kind: keyof ShopData
}

export interface SendOptions {
  /** Told of each kind that was taken over whole. */
  readonly onCount: (count: ImportCount) => void
  /** How often a request is tried. Default 5. */
  readonly attemptsMax?: number
}

/**
 * Sends the data, each kind after what it refers to. What a service knows already it leaves as it is, so that sending again, as after a failure
 * half-way, only adds what is missing.
 */
export async function sendToShop(data: ShopData, endpoints: ImportEndpoints, { onCount, attemptsMax = 5 }: SendOptions): Promise<void> {
  // Taking over is idempotent, so that asking again is safe, whatever became of the first request.
  const patient = policy(
    {
      idempotent: true,
      timeout: { attemptMs: 20_000, totalMs: 60_000 },
      retry: { attemptsMax, backoff: exponential({ baseMs: 200, maxMs: 5_000 }) },
    },
    { name: 'import' },
  )
  using monolith = restClient(monolithImport, { baseUrl: endpoints.monolith, policy: patient })
  using inventory = restClient(inventoryImport, { baseUrl: endpoints.inventory, policy: patient })
  using orders = restClient(ordersImport, { baseUrl: endpoints.orders, policy: patient })

  const send = async <Kind extends keyof ShopData>(
    kind: Kind,
    takeOver: (records: ShopData[Kind]) => Promise<{ body: TakeOverOutcome }>,
  ) => {
    let [added, known] = [0, 0]
    for (const batch of batchesOf<ShopData[Kind][number]>(data[kind])) {
      const { body } = await takeOver(batch as unknown as ShopData[Kind])
      added += body.added
      known += body.known
    }
    onCount({ kind, added, known })
  }
  await send('products', (products) => monolith.importProducts({ body: { products: [...products] } }))
  await send('stock', (stock) => inventory.importStock({ body: { stock: [...stock] } }))
  await send('reviews', (reviews) => monolith.importReviews({ body: { reviews: [...reviews] } }))
  await send('customers', (customers) => monolith.importCustomers({ body: { customers: [...customers] } }))
  await send('orders', (list) => orders.importOrders({ body: { orders: [...list] } }))
}
