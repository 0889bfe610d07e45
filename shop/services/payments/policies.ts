import { countWindow, type PolicyDeclaration } from 'seaworthy/resilience'

/** Who pays, for the ledger. A charge does not wait for a name: it is booked without one when this takes longer. */
export const PAYER_POLICY: PolicyDeclaration = {
  idempotent: true,
  timeout: { totalMs: 250 },
  circuitBreaker: { failureRate: 0.5, window: countWindow(20), minimumCalls: 5, openMs: 2_000, probesMax: 2 },
  bulkhead: { concurrencyMax: 32, queueMax: 0 },
}
