/** What one order of a customer may cost at most, unless somebody decides otherwise: 100,000.00. */
export const CREDIT_LIMIT_CENTS = 10_000_000
