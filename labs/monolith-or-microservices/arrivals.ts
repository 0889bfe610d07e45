import { type Random, seededRandom } from 'seaworthy/core'

/** What customers come for. */
export const KINDS = ['browse', 'reviews', 'history', 'checkout'] as const
export type Kind = (typeof KINDS)[number]

/** What is not about payments. */
export const READS: readonly Kind[] = ['browse', 'reviews', 'history']

/** How often, of all that they come for. */
const SHARES: Readonly<Record<Kind, number>> = { browse: 0.5, reviews: 0.2, history: 0.15, checkout: 0.15 }

/** A customer comes, and wants something. */
export interface Arrival {
  /** From the beginning of its phase. */
  readonly atMs: number
  readonly kind: Kind
  readonly productId: string
  readonly customerId: string
  /** What is looked for; where it is undefined, the product itself is looked at. */
  readonly search?: string
}

export interface Load {
  readonly seed: number
  /** Of all kinds together. */
  readonly perSecond: number
  readonly seconds: number
  /** Default: all, each with its share. */
  readonly kinds?: readonly Kind[]
}

/** Of the seed: see shop/seed. */
const [PRODUCTS, CUSTOMERS] = [500, 500]
const SEARCHES = ['shoes', 'table', 'games', 'steel', 'fresh'] as const
/** One browser in so many searches. */
const SEARCHERS = 5

/** Arrivals of a Poisson process, which do not wait for answers: the same for the same load. */
export function arrivals({ seed, perSecond, seconds, kinds = KINDS }: Load): readonly Arrival[] {
  const random = seededRandom(seed)
  const found: Arrival[] = []
  for (let atMs = 0; ;) {
    atMs -= (Math.log(1 - random.float()) * 1_000) / perSecond
    if (atMs >= seconds * 1_000) return found
    const kind = kindOf(random, kinds)
    const search = kind === 'browse' && random.float() < 1 / SEARCHERS ? SEARCHES[upTo(random, SEARCHES.length)] : undefined
    found.push({
      atMs,
      kind,
      productId: `product-${1 + upTo(random, PRODUCTS)}`,
      customerId: `customer-${1 + upTo(random, CUSTOMERS)}`,
      ...(search !== undefined && { search }),
    })
  }
}

function kindOf(random: Random, kinds: readonly Kind[]): Kind {
  let drawn = random.float() * kinds.reduce((sum, kind) => sum + SHARES[kind], 0)
  for (const kind of kinds) {
    drawn -= SHARES[kind]
    if (drawn < 0) return kind
  }
  return kinds.at(-1)!
}

const upTo = (random: Random, count: number): number => Math.floor(random.float() * count)
