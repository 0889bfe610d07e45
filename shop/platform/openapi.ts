import { openApi } from '@seaworthy/rpc/rest'
import { monolithApi } from '../monolith/contract/rest.ts'
import { analyticsApi } from '../services/analytics/contract/rest.ts'
import { orderHistoryApi } from '../services/order-history/contract/rest.ts'
import { ordersApi } from '../services/orders/contract/rest.ts'

/** What the gateway routes, as one contract per service: whoever answers a path today, the public sees one API. */
export const publicContracts = [monolithApi, ordersApi, orderHistoryApi, analyticsApi]

/** The OpenAPI 3.1 document of the public API. */
export function openApiDocument(): Record<string, unknown> {
  return openApi(publicContracts, {
    title: 'The shop',
    version: '1.0.0',
    description: 'Money is in integer cents. Errors are Problem Details (RFC 9457). Every answer carries x-correlation-id.',
  })
}
