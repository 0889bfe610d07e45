/** The name of whoever gave none, or has it taken back. */
export const ANONYMOUS = 'Anonymous'

/** What somebody thinks of a product. */
export interface Review {
  readonly id: string
  readonly productId: string
  /** Absent for somebody who is no customer. */
  readonly customerId?: string | undefined
  readonly author: string
  /** 1 to 5. */
  readonly rating: number
  readonly comment: string
  readonly writtenAtMs: number
}

/** What somebody asks to be stored. */
export interface NewReview {
  readonly productId: string
  readonly customerId?: string | undefined
  readonly author?: string | undefined
  readonly rating: number
  readonly comment: string
}

/** What those who own products and customers say of a new review. */
export interface References {
  readonly productIsKnown: boolean
  /** Undefined where nobody is named, or nobody has that id. */
  readonly customerName: string | undefined
}

export type ReviewDecision =
  | { readonly kind: 'taken'; readonly review: Omit<Review, 'id' | 'writtenAtMs'> }
  /** It is about, or by, something that there is not. */
  | { readonly kind: 'refused'; readonly field: 'productId' | 'customerId'; readonly id: string }

/** Whether the review can be stored, and under whose name. */
export function decideReview({ productId, customerId, author, rating, comment }: NewReview, references: References): ReviewDecision {
  if (!references.productIsKnown) return { kind: 'refused', field: 'productId', id: productId }
  if (customerId !== undefined && references.customerName === undefined) return { kind: 'refused', field: 'customerId', id: customerId }
  return { kind: 'taken', review: { productId, customerId, author: author ?? references.customerName ?? ANONYMOUS, rating, comment } }
}
