import { restContract } from '@seaworthy/rpc/rest'
import { CONSISTENCY_HEADER } from 'seaworthy/projections'
import { z } from 'zod'
import { pageOf, paging } from '../../../platform/paging.ts'
import { id } from '../../../platform/text.ts'

/** What payments answers through the gateway. */
export const paymentsApi = restContract({
  title: 'Payments',
  version: '1.0.0',
  operations: {
    listPaymentsOfCustomer: {
      method: 'GET',
      path: '/api/customers/{customerId}/payments',
      summary: 'Payments of a customer, newest first; behind the ledger by a moment',
      description:
        'With the consistency-token of a checkout it waits until its payment is in the list, at most two seconds; then it is a 503 with Retry-After. One that no payment belongs to is refused: 400.',
      params: z.object({ customerId: id }),
      headers: z.object({ [CONSISTENCY_HEADER]: z.string().min(1).max(1_400).optional() }),
      query: z.object(paging),
      responses: {
        200: pageOf(
          z.object({
            paymentId: id,
            orderId: id,
            amountCents: z.int().min(1),
            status: z.enum(['charged', 'refunded']),
            chargedAt: z.iso.datetime(),
            refundedAt: z.iso.datetime().optional(),
          }),
        ),
      },
    },
  },
})

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
