import { restClient } from '@seaworthy/rpc/rest'
import { exponential } from 'seaworthy/core'
import { policy } from 'seaworthy/resilience'
import type { TakeOverOutcome } from '../platform/take-over.ts'
import { catalogImport } from '../services/catalog/contract/rest.ts'
import { customersImport } from '../services/customers/contract/rest.ts'
import { inventoryImport } from '../services/inventory/contract/rest.ts'
import { ordersImport } from '../services/orders/contract/rest.ts'
import { reviewsImport } from '../services/reviews/contract/rest.ts'
import { batchesOf } from './batches.ts'
import type { ShopData } from './shop-data.ts'

/** Where those listen that take data over: each service, or who stands in for it. */
export interface ImportEndpoints {
  readonly catalog: string
  readonly reviews: string
  readonly customers: string
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
  using catalog = restClient(catalogImport, { baseUrl: endpoints.catalog, policy: patient })
  using reviews = restClient(reviewsImport, { baseUrl: endpoints.reviews, policy: patient })
  using customers = restClient(customersImport, { baseUrl: endpoints.customers, policy: patient })
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
  await send('products', (list) => catalog.importProducts({ body: { products: [...list] } }))
  await send('stock', (stock) => inventory.importStock({ body: { stock: [...stock] } }))
  await send('reviews', (list) => reviews.importReviews({ body: { reviews: [...list] } }))
  await send('customers', (list) => customers.importCustomers({ body: { customers: [...list] } }))
  await send('orders', (list) => orders.importOrders({ body: { orders: [...list] } }))
}
