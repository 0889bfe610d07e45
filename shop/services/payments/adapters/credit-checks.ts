import type { CreditChecks } from '../application/credit-check.ts'
import { tables } from '../../../platform/tables.ts'

/** Who was checked, and what was decided. */
export const CREDIT_SCHEMA = tables(
  'credit',
  ({ integer, strict }) =>
    `CREATE TABLE credit_checks (
       customer_id TEXT PRIMARY KEY,
       outcome TEXT NOT NULL,
       limit_cents ${integer} NOT NULL,
       reason TEXT,
       checked_at_ms ${integer} NOT NULL
     ) ${strict};`,
)

// Primary key.
const INSERT_CHECK = `INSERT INTO credit_checks (customer_id, outcome, limit_cents, reason, checked_at_ms) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (customer_id) DO NOTHING`

export function creditChecks(): CreditChecks {
  return {
    async add(tx, check) {
      const { customerId, outcome, limitCents, checkedAtMs } = check
      const reason = 'reason' in check ? check.reason : null
      const { rowCount } = await tx.execute({ sql: INSERT_CHECK, params: [customerId, outcome, limitCents, reason, checkedAtMs] })
      return rowCount === 1
    },
  }
}
