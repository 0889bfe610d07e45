/** Somebody who buys. Money is in integer cents. */
export interface Customer {
  readonly id: string
  readonly name: string
  readonly email: string
  /** What one order may cost at most. */
  readonly creditLimitCents: number
  readonly createdAtMs: number
}

/** What one order of a customer may cost at most, unless somebody decides otherwise: 100,000.00. */
const CREDIT_LIMIT_CENTS = 10_000_000

/** Somebody new, about whom nothing is known. */
export function newCustomer({ id, name, email, nowMs }: { id: string; name: string; email: string; nowMs: number }): Customer {
  return { id, name, email, creditLimitCents: CREDIT_LIMIT_CENTS, createdAtMs: nowMs }
}
