import { exponential, UnavailableError } from 'seaworthy/core'
import { countWindow, policy } from 'seaworthy/resilience'

/** A receiver that answers the first question of three only. */
let asked = 0
async function getStock(): Promise<number> {
  if (asked++ % 3 > 0) throw new UnavailableError('The stock service takes no work right now.')
  return 7
}

const stockPolicy = policy(
  {
    timeout: { attemptMs: 300, totalMs: 800 },
    retry: { attemptsMax: 3, backoff: exponential({ baseMs: 10, maxMs: 1_000 }), budget: { ratio: 0.2 } },
    circuitBreaker: { failureRate: 0.5, window: countWindow(50), openMs: 5_000, probesMax: 3 },
    bulkhead: { concurrencyMax: 16, queueMax: 32 },
    // Reading, so that asking again does no harm. Without it only what was surely not executed is asked again.
    idempotent: true,
  },
  { name: 'stock' },
)

for (let call = 1; call <= 3; call++) console.log(`call ${call}: ${await stockPolicy.run(() => getStock())} in stock`)
const { calls, succeeded, retries } = stockPolicy.snapshot()
console.log({ calls, succeeded, retries })
