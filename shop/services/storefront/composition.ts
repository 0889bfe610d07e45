import { monolithApi } from '../../monolith/contract/rest.ts'
import type { ServiceComposition } from '../../platform/service-ports.ts'
import { ordersApi } from '../orders/contract/rest.ts'
import { shopOver } from './adapters/shop.ts'
import { storefrontPages } from './adapters/http.ts'
import { storefrontUseCases } from './application/storefront.ts'
import { service } from './service.ts'

/** How the storefront is put together. A connection for each thing that may fail by itself: reviews that hang must not take the products with them. */
export const storefront: ServiceComposition = {
  service,
  schema: [],
  async wire({ connections, newId, servePages }) {
    const shop = shopOver({
      catalog: connections.rest(monolithApi, 'monolith/catalog'),
      reviews: connections.rest(monolithApi, 'monolith/reviews'),
      customers: connections.rest(monolithApi, 'monolith/customers'),
      orders: connections.rest(ordersApi, 'orders/status'),
      checkout: connections.rest(ordersApi, 'orders/checkout'),
    })
    servePages(storefrontPages({ storefront: storefrontUseCases(shop), newId }))
  },
}
