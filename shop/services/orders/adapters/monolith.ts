import type { RestClient } from '@seaworthy/rpc/rest'
import type { monolithApi } from '../../../monolith/contract/rest.ts'
import { orNothing } from '../../../platform/or-nothing.ts'
import type { Catalog, Customers } from '../application/ports.ts'

type Monolith = RestClient<(typeof monolithApi)['operations']>

/** The anti-corruption layer: the monolith's products and customers, in the words of ordering. Nothing else of it is known here. */
export function monolithCatalog(monolith: Monolith): Catalog {
  return {
    async offered(productIds, call) {
      const found = await Promise.all(
        productIds.map((id) =>
          orNothing(async () => {
            const { body } = await monolith.getProduct({ params: { id } }, call)
            return { productId: body.id, name: body.name, priceCents: body.priceCents }
          }),
        ),
      )
      return new Map(found.flatMap((product) => (product === undefined ? [] : [[product.productId, product]])))
    },
  }
}

export function monolithCustomers(monolith: Monolith): Customers {
  return {
    buyer: (customerId, call) =>
      orNothing(async () => {
        const { body } = await monolith.getCustomer({ params: { id: customerId } }, call)
        return { customerId: body.id, name: body.name, creditLimitCents: body.creditLimitCents }
      }),
  }
}
