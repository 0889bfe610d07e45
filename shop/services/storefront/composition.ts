import { monolithApi } from '../../monolith/contract/rest.ts'
import type { ServiceComposition } from '../../platform/service-ports.ts'
import { ordersApi } from '../orders/contract/rest.ts'
import { shopOver } from './adapters/shop.ts'
import { storefrontPages } from './adapters/http.ts'
import { CATALOG_POLICY, CHECKOUT_POLICY, CUSTOMER_POLICY, ORDER_POLICY, REVIEWS_POLICY } from './adapters/policies.ts'
import { storefrontUseCases } from './application/storefront.ts'
import { service } from './service.ts'

/** How the storefront is put together. A connection for each thing that may fail by itself: reviews that hang must not take the products with them. */
export const storefront: ServiceComposition = {
  service,
  schema: [],
  async wire({ connections, newId, servePages }) {
    const shop = shopOver({
      catalog: connections.rest(monolithApi, 'monolith', CATALOG_POLICY),
      reviews: connections.rest(monolithApi, 'monolith', REVIEWS_POLICY),
      customers: connections.rest(monolithApi, 'monolith', CUSTOMER_POLICY),
      orders: connections.rest(ordersApi, 'orders', ORDER_POLICY),
      checkout: connections.rest(ordersApi, 'orders', CHECKOUT_POLICY),
    })
    servePages(storefrontPages({ storefront: storefrontUseCases(shop), newId }))
  },
}
