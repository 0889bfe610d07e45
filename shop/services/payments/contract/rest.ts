import { restContract } from '@seaworthy/rpc/rest'
import { z } from 'zod'

/** For those who audit the ledger. On the service's own port, never routed by the gateway. */
export const paymentsAudit = restContract({
  title: 'The ledger',
  version: '1.0.0',
  operations: {
    getLedger: {
      method: 'GET',
      path: '/internal/ledger',
      summary: 'Whether the ledger is right',
      responses: {
        200: z.object({
          sumCents: z.int().meta({ description: 'Of all balances: zero, always.' }),
          cardClearingCents: z.int().meta({ description: 'What was charged and not refunded.' }),
          behind: z.int().min(0).meta({ description: 'Entries that are booked and not in these sums yet.' }),
        }),
      },
    },
  },
})
