import { isDeepStrictEqual } from 'node:util'

/** A review as the shop shows it. */
export interface ListedReview {
  readonly id: string
  readonly productId: string
  readonly customerId?: string
  readonly author: string
  readonly rating: number
  readonly comment: string
  readonly createdAt: string
}

/**
 * - `served`: as it should be.
 * - `stale`: something is missing that the reader has written, and was told that it is stored.
 * - `wrong`: a review is not as its writer was told that it is.
 */
export type Judgement = { readonly outcome: 'served' | 'stale' | 'wrong'; readonly why?: string }

/**
 * Judges a list of reviews.
 * @param own those of the reader, about this product, whose writing was answered before he asked
 * @param known every review whose writer was told how it is stored
 */
export function judgeList(
  listed: readonly ListedReview[],
  own: readonly ListedReview[],
  known: ReadonlyMap<string, ListedReview>,
): Judgement {
  const byId = new Map(listed.map((review) => [review.id, review]))
  const missing = own.find(({ id }) => !byId.has(id))
  if (missing !== undefined) return { outcome: 'stale', why: `review ${missing.id} of the reader is missing` }
  const wrong = listed.find((review) => known.has(review.id) && !isDeepStrictEqual(review, known.get(review.id)))
  if (wrong !== undefined)
    return { outcome: 'wrong', why: `${JSON.stringify(wrong)}, and its writer was told ${JSON.stringify(known.get(wrong.id))}` }
  return { outcome: 'served' }
}
