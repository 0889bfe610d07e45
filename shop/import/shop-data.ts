import type { ImportedProduct } from '../services/catalog/contract/import.ts'
import type { ImportedCustomer } from '../services/customers/contract/import.ts'
import type { ImportedStock } from '../services/inventory/contract/import.ts'
import type { ImportedOrder } from '../services/orders/contract/import.ts'
import type { ImportedReview } from '../services/reviews/contract/import.ts'

/** What a file means to the shop, in the words of the services that take it over. */
export interface ShopData {
  readonly products: readonly ImportedProduct[]
  readonly stock: readonly ImportedStock[]
  readonly reviews: readonly ImportedReview[]
  readonly customers: readonly ImportedCustomer[]
  readonly orders: readonly ImportedOrder[]
}
