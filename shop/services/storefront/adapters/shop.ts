import type { RestClient } from '@seaworthy/rpc/rest'
import { orNothing } from '../../../platform/or-nothing.ts'
import type { catalogApi } from '../../catalog/contract/rest.ts'
import type { customersApi } from '../../customers/contract/rest.ts'
import type { ordersApi } from '../../orders/contract/rest.ts'
import type { reviewsApi } from '../../reviews/contract/rest.ts'
import type { Shop } from '../application/ports.ts'

type Orders = RestClient<(typeof ordersApi)['operations']>

const PRODUCTS_PER_PAGE = 24
const REVIEWS_SHOWN = 10

/** The others over REST, each thing over a client with a policy of its own. */
export function shopOver(clients: {
  readonly catalog: RestClient<(typeof catalogApi)['operations']>
  readonly reviews: RestClient<(typeof reviewsApi)['operations']>
  readonly customers: RestClient<(typeof customersApi)['operations']>
  readonly orders: Orders
  readonly checkout: Orders
}): Shop {
  const { catalog, reviews, customers, orders, checkout } = clients
  return {
    async products({ text, page }, call) {
      const { body } = await catalog.searchProducts({ query: { q: text, page, pageSize: PRODUCTS_PER_PAGE } }, call)
      return body
    },
    product: (id, call) => orNothing(async () => (await catalog.getProduct({ params: { id } }, call)).body),
    async reviews(productId, call) {
      const { body } = await reviews.listReviews({ query: { productId, page: 1, pageSize: REVIEWS_SHOWN } }, call)
      return body
    },
    async becomeCustomer(person, call) {
      const { body } = await customers.createCustomer({ body: person }, call)
      return { customerId: body.id }
    },
    async buy({ idempotencyKey, ...order }, call) {
      const { body } = await checkout.checkout({ body: order }, { ...call, idempotencyKey })
      return { orderId: body.orderId, status: body.status }
    },
    order: (orderId, call) => orNothing(async () => (await orders.getOrder({ params: { orderId } }, call)).body),
  }
}
