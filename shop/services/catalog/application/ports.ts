import type { Transaction } from 'seaworthy/core'
import type { Page, PageRequest } from '../../../platform/paging.ts'
import type { Product, Ratings } from '../domain/product.ts'

/** A product with what its reviewers made of it. */
export interface RatedProduct extends Product {
  readonly ratings: Ratings
}

/** One review's part in the rating of its product. */
interface Rating {
  readonly reviewId: string
  readonly productId: string
  /** 1 to 5. */
  readonly rating: number
}

/** Whether the products are this service's to write: while they move here from the monolith, only one of both may. */
export interface Ownership {
  /** Called in the writer's transaction. @throws UnavailableError when somebody else owns them; nothing was written */
  assertOwned(tx: Transaction): Promise<unknown>
}

/** Products and their ratings, in the service's own database. */
export interface ProductRepository {
  /** By name, category or brand. Sorted by name. */
  search(request: PageRequest & { readonly text: string }): Promise<Page<RatedProduct>>
  find(id: string): Promise<RatedProduct | undefined>
  /** Takes over those that are not known yet. @returns how many were not */
  takeOver(tx: Transaction, products: readonly Product[]): Promise<number>
  /** Counts a review once, however often it is told. The product need not be known yet. */
  rate(tx: Transaction, rating: Rating): Promise<void>
  isEmpty(): Promise<boolean>
}
