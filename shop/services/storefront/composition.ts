import { serveIndex } from '../../platform/serve-index.ts'
import type { ServiceComposition } from '../../platform/service-ports.ts'
import { catalogApi } from '../catalog/contract/rest.ts'
import { customersApi } from '../customers/contract/rest.ts'
import { ordersApi } from '../orders/contract/rest.ts'
import { reviewsApi } from '../reviews/contract/rest.ts'
import { shopOver } from './adapters/shop.ts'
import { storefrontPages } from './adapters/http.ts'
import { storefrontUseCases } from './application/storefront.ts'
import { service } from './service.ts'

/** How the storefront is put together. A connection for each thing that may fail by itself: reviews that hang must not take the products with them. */
export const storefront: ServiceComposition = {
  service,
  schema: [],
  async wire({ connections, newId, servePages, serveRest }) {
    const shop = shopOver({
      catalog: connections.rest(catalogApi, 'catalog'),
      reviews: connections.rest(reviewsApi, 'reviews'),
      customers: connections.rest(customersApi, 'customers'),
      orders: connections.rest(ordersApi, 'orders/status'),
      checkout: connections.rest(ordersApi, 'orders/checkout'),
    })
    // Routed here once nobody else has it.
    serveIndex(serveRest)
    servePages(storefrontPages({ storefront: storefrontUseCases(shop), newId }))
  },
}
