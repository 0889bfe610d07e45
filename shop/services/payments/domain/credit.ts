/** What is known of somebody who became a customer. */
export interface Applicant {
  readonly customerId: string
  /** Whether a bill reaches them. */
  readonly canBeBilled: boolean
  /** What whoever created them would let one order cost. */
  readonly askedCents: number
}

/** What one order of the customer may cost. */
export type CreditDecision =
  | { readonly outcome: 'approved'; readonly limitCents: number }
  | { readonly outcome: 'reduced'; readonly limitCents: number; readonly reason: 'above-maximum' }
  | { readonly outcome: 'refused'; readonly limitCents: 0; readonly reason: 'no-address-for-bills' }

/** What one order may cost at most, whoever it is for: 100,000.00. */
const LIMIT_CENTS_MAX = 10_000_000

export function decideCredit({ canBeBilled, askedCents }: Applicant): CreditDecision {
  if (!canBeBilled) return { outcome: 'refused', limitCents: 0, reason: 'no-address-for-bills' }
  if (askedCents > LIMIT_CENTS_MAX) return { outcome: 'reduced', limitCents: LIMIT_CENTS_MAX, reason: 'above-maximum' }
  return { outcome: 'approved', limitCents: askedCents }
}
