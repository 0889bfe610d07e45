/** One side of a movement of money. Positive is a debit, negative a credit. */
export interface Posting {
  readonly account: string
  readonly amountCents: number
}

/** A movement of money in double entry: its postings sum to zero. Made by {@link transaction} alone. */
export interface LedgerTransaction {
  readonly id: string
  readonly postings: readonly Posting[]
}

/** What the card companies owe us. */
export const CARD_CLEARING = 'card-clearing'

/** What we owe a customer for goods that are paid for. */
export function customerAccount(customerId: string): string {
  return `customer:${customerId}`
}

/** @throws RangeError when the postings do not sum to zero, or one is not a whole number of cents */
export function transaction(id: string, postings: readonly Posting[]): LedgerTransaction {
  for (const { account, amountCents } of postings) {
    if (!Number.isSafeInteger(amountCents) || amountCents === 0) {
      throw new RangeError(`Transaction ${id} posts ${amountCents} to ${account}. Post a whole number of cents that is not zero.`)
    }
  }
  const sum = postings.reduce((total, { amountCents }) => total + amountCents, 0)
  if (postings.length < 2 || sum !== 0) {
    throw new RangeError(`The ${postings.length} postings of transaction ${id} sum to ${sum}, not to zero.`)
  }
  return { id, postings }
}

/** The transaction that takes another back: the same accounts, the other way round. */
export function reversal(id: string, of: LedgerTransaction): LedgerTransaction {
  return transaction(
    id,
    of.postings.map(({ account, amountCents }) => ({ account, amountCents: -amountCents })),
  )
}
