import type { RestClient } from '@seaworthy/rpc/rest'
import { orNothing } from '../../../platform/or-nothing.ts'
import type { catalogApi } from '../../catalog/contract/rest.ts'
import type { customersApi } from '../../customers/contract/rest.ts'
import type { Catalog, Customers } from '../application/ports.ts'

/** The anti-corruption layer: products and customers, in the words of ordering. Nothing else of their owners is known here, nor who they are. */
export function catalogOver(catalog: RestClient<(typeof catalogApi)['operations']>): Catalog {
  return {
    async offered(productIds, call) {
      const found = await Promise.all(
        productIds.map((id) =>
          orNothing(async () => {
            const { body } = await catalog.getProduct({ params: { id } }, call)
            return { productId: body.id, name: body.name, priceCents: body.priceCents }
          }),
        ),
      )
      return new Map(found.flatMap((product) => (product === undefined ? [] : [[product.productId, product]])))
    },
  }
}

export function customersOver(customers: RestClient<(typeof customersApi)['operations']>): Customers {
  return {
    buyer: (customerId, call) =>
      orNothing(async () => {
        const { body } = await customers.getCustomer({ params: { id: customerId } }, call)
        return { customerId: body.id, name: body.name, creditLimitCents: body.creditLimitCents }
      }),
  }
}
