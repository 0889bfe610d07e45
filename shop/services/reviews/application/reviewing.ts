import { type CallContext, type Clock, type Database, InvalidInputError, type NewId, UnavailableError } from 'seaworthy/core'
import type { Outbox } from 'seaworthy/outbox'
import { type ReviewData, reviewImported, reviewWritten } from '../contract/events.ts'
import type { ImportedReview } from '../contract/import.ts'
import { ANONYMOUS, decideReview, type NewReview, type Review } from '../domain/review.ts'
import type { Catalog, Customers, Ownership, ReviewRepository } from './ports.ts'

const TOLD_AT_ONCE_MAX = 500

/** What reviews does. */
export interface Reviewing {
  /**
   * @throws InvalidInputError when there is no such product or customer
   * @throws UnavailableError when those who own them cannot be asked; nothing was stored
   */
  write(review: NewReview, call: CallContext): Promise<Review>
  /** Takes over what other systems know. What is known already is left as it is. @returns how many were new */
  takeOver(reviews: readonly ImportedReview[]): Promise<number>
  /** Tells of the reviews that came with the data of another owner, who told nobody: whoever follows the topic has all of them then. @returns how many */
  tellOfUntold(): Promise<number>
}

export interface ReviewingOptions {
  readonly database: Database
  readonly reviews: ReviewRepository
  readonly catalog: Catalog
  readonly customers: Customers
  readonly outbox: Outbox
  readonly owned: Ownership
  readonly clock: Clock
  readonly newId: NewId
}

export function reviewing({ database, reviews, catalog, customers, outbox, owned, clock, newId }: ReviewingOptions): Reviewing {
  async function referencesOf({ productId, customerId }: NewReview, call: CallContext) {
    try {
      const [productIsKnown, customerName] = await Promise.all([
        catalog.has(productId, call),
        customerId === undefined ? undefined : customers.nameOf(customerId, call),
      ])
      return { productIsKnown, customerName }
    } catch (cause) {
      // What may have been executed was a question: nothing has been written yet.
      throw new UnavailableError('Catalog and customers could not be asked, so the review was not stored. Try again shortly.', {
        retryAfterMs: 1_000,
        cause,
      })
    }
  }

  return {
    async write(asked, call) {
      const decision = decideReview(asked, await referencesOf(asked, call))
      if (decision.kind === 'refused') throw unknown(decision)
      const review: Review = { id: newId(), ...decision.review, writtenAtMs: clock.now() }
      await database.transaction(async (tx) => {
        await owned.assertOwned(tx, review.id)
        const { customerId } = review
        // Forgotten since they were asked for: their name would stand here for ever.
        if (customerId !== undefined && !(await reviews.admit(tx, customerId))) throw unknown({ field: 'customerId', id: customerId })
        await reviews.add(tx, review)
        await outbox.add(tx, reviewWritten(factsOf(review)))
      })
      return review
    },

    takeOver: (imported) =>
      database.transaction(async (tx) => {
        await owned.assertOwned(tx)
        const asReviews = imported.map(({ createdAt, ...review }): Review => ({ ...review, writtenAtMs: Date.parse(createdAt) }))
        const added = await reviews.takeOver(tx, asReviews)
        // Each once, also where a file has one twice.
        const byId = new Map(asReviews.filter(({ id }) => added.has(id)).map((review) => [review.id, review]))
        await outbox.add(tx, ...Array.from(byId.values(), (review) => reviewImported(factsOf(review))))
        return added.size
      }),

    async tellOfUntold() {
      let told = 0
      for (;;) {
        const batch = await database.transaction(async (tx) => {
          const untold = await reviews.takeUntold(tx, TOLD_AT_ONCE_MAX)
          await outbox.add(tx, ...untold.map((review) => reviewImported(factsOf(review))))
          return untold.length
        })
        told += batch
        if (batch < TOLD_AT_ONCE_MAX) return told
      }
    },
  }
}

function unknown({ field, id }: { readonly field: 'productId' | 'customerId'; readonly id: string }): InvalidInputError {
  const message = `there is no ${field === 'productId' ? 'product' : 'customer'} ${id}`
  return new InvalidInputError(`The review cannot be stored: ${message}.`, [{ field, message }])
}

/** Without the name of a customer, which they may want to be forgotten: a log is never rewritten. */
function factsOf({ id, customerId, author, writtenAtMs, ...review }: Review): ReviewData {
  const createdAt = new Date(writtenAtMs).toISOString()
  return customerId === undefined
    ? { reviewId: id, ...review, author, createdAt }
    : { reviewId: id, ...review, author: ANONYMOUS, customerId, createdAt }
}
