import { openApi } from '@seaworthy/rpc/rest'
import { analyticsApi } from '../services/analytics/contract/rest.ts'
import { catalogApi } from '../services/catalog/contract/rest.ts'
import { customersApi } from '../services/customers/contract/rest.ts'
import { orderHistoryApi } from '../services/order-history/contract/rest.ts'
import { ordersApi } from '../services/orders/contract/rest.ts'
import { paymentsApi } from '../services/payments/contract/rest.ts'
import { reviewsApi } from '../services/reviews/contract/rest.ts'
import { indexApi } from './index-api.ts'

/** What the gateway routes, as one contract per service: whoever answers a path today, the public sees one API. */
export const publicContracts = {
  catalog: catalogApi,
  reviews: reviewsApi,
  customers: customersApi,
  index: indexApi,
  orders: ordersApi,
  'order-history': orderHistoryApi,
  payments: paymentsApi,
  analytics: analyticsApi,
}

/** The OpenAPI 3.1 document of the public API. */
export function openApiDocument(): Record<string, unknown> {
  return openApi(Object.values(publicContracts), {
    title: 'The shop',
    version: '1.0.0',
    description: 'Money is in integer cents. Errors are Problem Details (RFC 9457). Every answer carries x-correlation-id.',
  })
}
