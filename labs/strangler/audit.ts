import { isDeepStrictEqual } from 'node:util'
import { UnavailableError } from 'seaworthy/core'
import { eventually } from '../eventually.ts'
import type { ListedReview } from './reviews-as-read.ts'
import type { Account, Users } from './users.ts'

/** What is there in the end, beside what users were told. */
export interface Audit {
  readonly reviews: number
  readonly accounts: number
  /** Reviews and accounts of which somebody was told that they are stored, and which are not there, or are not as he was told. */
  readonly lost: readonly string[]
  /** Reviews that stand there and of which nobody was told: a request that was made twice. */
  readonly unasked: readonly string[]
  /** Products whose rating or number of reviews is not that of the reviews. */
  readonly unrated: readonly string[]
}

const PAGE_SIZE = 100
const RATED_WITHIN_MS = 20_000

/** Reads everything back, through the gateway, once nobody writes any more. */
export async function audit(url: string, { known, accounts }: Users): Promise<Audit> {
  const lost: string[] = []
  const unasked: string[] = []
  const unrated: string[] = []
  const byProduct = Map.groupBy(known.values(), ({ productId }) => productId)
  for (const [productId, expected] of byProduct) {
    const listed = await reviewsOf(url, productId)
    const byId = new Map(listed.map((review) => [review.id, review]))
    for (const review of expected) if (!isDeepStrictEqual(byId.get(review.id), review)) lost.push(`review ${review.id}`)
    // Those of the seed are by nobody who has an account.
    unasked.push(...listed.filter(({ id, customerId }) => customerId !== undefined && !known.has(id)).map(({ id }) => id))
    if (!(await isRated(url, productId, listed))) unrated.push(productId)
  }
  for (const account of accounts.values()) {
    const found = await ask<Account>(url, `/api/customers/${account.id}`).catch(() => undefined)
    if (!isDeepStrictEqual(found, account)) lost.push(`account ${account.id}`)
  }
  return { reviews: known.size, accounts: accounts.size, lost, unasked, unrated }
}

/** The catalog hears of reviews by their events, a moment later. */
async function isRated(url: string, productId: string, reviews: readonly ListedReview[]): Promise<boolean> {
  const mean = Math.round((reviews.reduce((sum, { rating }) => sum + rating, 0) / reviews.length) * 100) / 100
  const rated = eventually(
    `the catalog rates ${productId} as its reviews do`,
    () => ask<{ readonly reviewCount: number; readonly rating?: number }>(url, `/api/products/${productId}`),
    ({ reviewCount, rating }) => reviewCount === reviews.length && rating === mean,
    RATED_WITHIN_MS,
  )
  return rated.then(
    () => true,
    () => false,
  )
}

async function reviewsOf(url: string, productId: string): Promise<readonly ListedReview[]> {
  const all: ListedReview[] = []
  for (let page = 1; ; page++) {
    const { items, total } = await ask<{ readonly items: readonly ListedReview[]; readonly total: number }>(
      url,
      `/api/reviews?productId=${productId}&page=${page}&pageSize=${PAGE_SIZE}`,
    )
    all.push(...items)
    if (items.length === 0 || all.length >= total) return all
  }
}

async function ask<Answer>(url: string, path: string): Promise<Answer> {
  const answer = await fetch(new URL(path, url))
  if (!answer.ok) throw new UnavailableError(`${path}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as Answer
}
