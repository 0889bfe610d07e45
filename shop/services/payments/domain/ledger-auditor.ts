import type { Auditor } from 'seaworthy/event-sourcing'
import type { PaymentEvent } from './payment.ts'

/** Judges the ledger by its events alone: each transaction balances and is there once, and all accounts together are zero. */
export function ledgerAuditor(): Auditor<PaymentEvent> {
  const balances = new Map<string, number>()
  const transactions = new Set<string>()
  return {
    see({ transaction: { id, postings } }) {
      const findings: string[] = []
      const sum = postings.reduce((total, { amountCents }) => total + amountCents, 0)
      if (sum !== 0) findings.push(`transaction ${id} does not balance, its postings sum to ${sum} cents.`)
      if (transactions.has(id)) findings.push(`transaction ${id} is booked twice.`)
      transactions.add(id)
      for (const { account, amountCents } of postings) balances.set(account, (balances.get(account) ?? 0) + amountCents)
      return findings
    },
    end() {
      const sum = [...balances.values()].reduce((total, balance) => total + balance, 0)
      return sum === 0
        ? { findings: [], facts: [`The ${balances.size} accounts of the ledger sum to zero, over ${transactions.size} transactions.`] }
        : { findings: [`The ${balances.size} accounts of the ledger sum to ${sum} cents, not to zero.`], facts: [] }
    },
  }
}
