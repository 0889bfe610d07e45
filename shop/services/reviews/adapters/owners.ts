import type { RestClient } from '@seaworthy/rpc/rest'
import { orNothing } from '../../../platform/or-nothing.ts'
import type { catalogApi } from '../../catalog/contract/rest.ts'
import type { customersApi } from '../../customers/contract/rest.ts'
import type { Catalog, Customers } from '../application/ports.ts'

/** What reviews must know of products, asked of whoever owns them today. */
export function catalogOver(catalog: RestClient<(typeof catalogApi)['operations']>): Catalog {
  return {
    has: async (productId, call) => (await orNothing(() => catalog.getProduct({ params: { id: productId } }, call))) !== undefined,
  }
}

/** What reviews must know of customers, asked of whoever owns them today. */
export function customersOver(customers: RestClient<(typeof customersApi)['operations']>): Customers {
  return {
    nameOf: async (customerId, call) => (await orNothing(() => customers.getCustomer({ params: { id: customerId } }, call)))?.body.name,
  }
}
