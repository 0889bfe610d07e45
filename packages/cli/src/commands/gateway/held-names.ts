import type { LedgerEntry } from '@seaworthy/supervisor/gateway-admin'

/** The keys that a rollback could not give back at once, or the first of them. */
export const heldNames = ({ count, keys }: NonNullable<LedgerEntry['held']>): string =>
  `${keys.join(' ')}${count > keys.length ? ` and ${count - keys.length} more` : ''}`
