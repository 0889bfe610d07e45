import type { CallContext, Transaction } from 'seaworthy/core'
import type { Page, PageRequest } from '../../../platform/paging.ts'
import type { Review } from '../domain/review.ts'

/** Reviews, in the service's own database. */
export interface ReviewRepository {
  /** Those of a product, newest first. */
  ofProduct(request: PageRequest & { readonly productId: string }): Promise<Page<Review>>
  add(tx: Transaction, review: Review): Promise<void>
  /** Takes over those that are not known yet. @returns the ids of those that were not */
  takeOver(tx: Transaction, reviews: readonly Review[]): Promise<ReadonlySet<string>>
  /** How many reviews of a customer have a name on them. */
  signedBy(customerId: string): Promise<number>
  /** Whether a customer may sign what this transaction adds. Until it ends they are not forgotten: `forget` waits. */
  admit(tx: Transaction, customerId: string): Promise<boolean>
  /** Takes the name off the reviews of a customer, who is not admitted any more. @returns how many had one */
  forget(tx: Transaction, customerId: string): Promise<number>
  /** Reviews that nobody was told of, at most `max`, which count as told from now on. */
  takeUntold(tx: Transaction, max: number): Promise<readonly Review[]>
  isEmpty(): Promise<boolean>
}

/** The products, wherever they are owned. */
export interface Catalog {
  has(productId: string, call: CallContext): Promise<boolean>
}

/** The customers, wherever they are owned. */
export interface Customers {
  /** Undefined where there is no such customer. */
  nameOf(customerId: string, call: CallContext): Promise<string | undefined>
}

/** Whether the reviews are this service's to write: while they move here from the monolith, only one of both may. */
export interface Ownership {
  /** Called in the writer's transaction. @throws UnavailableError when somebody else owns them; nothing was written */
  assertOwned(tx: Transaction, reviewId?: string): Promise<unknown>
}
