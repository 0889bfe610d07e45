/** What can be bought. */
export interface Product {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly category: string
  readonly brand?: string | undefined
  readonly priceCents: number
}

/** What those who reviewed a product made of it. */
export interface Ratings {
  readonly count: number
  readonly sum: number
}

/** The mean to two decimals; undefined where nobody has rated it. */
export function meanOf({ count, sum }: Ratings): number | undefined {
  return count === 0 ? undefined : Math.round((sum / count) * 100) / 100
}
