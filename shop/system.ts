import { defineService, defineSystem } from 'seaworthy/system'
import { service as monolith } from './monolith/service.ts'
import { service as analytics } from './services/analytics/service.ts'
import { service as inventory } from './services/inventory/service.ts'
import { service as notifications } from './services/notifications/service.ts'
import { service as orderHistory } from './services/order-history/service.ts'
import { service as orders } from './services/orders/service.ts'
import { service as payments } from './services/payments/service.ts'
import { service as shipping } from './services/shipping/service.ts'
import { service as storefront } from './services/storefront/service.ts'

const business = [monolith, orders, inventory, payments, shipping, notifications, analytics, orderHistory, storefront]

const gateway = defineService({
  name: 'gateway',
  role: 'gateway',
  context: 'platform',
  purpose: 'The way in: leads each request to the monolith or to the service that took the path over.',
  owns: [],
  publishes: [],
  consumes: [],
  calls: business.map(({ name }) => name),
  main: new URL('../apps/gateway/src/main.ts', import.meta.url),
  serves: ['http'],
})

const operations = defineService({
  name: 'console',
  role: 'console',
  context: 'platform',
  purpose: 'Receives the traces of every process and shows what runs.',
  owns: ['console'],
  publishes: [],
  consumes: [],
  calls: [],
  main: new URL('../apps/console/src/main.ts', import.meta.url),
  serves: ['http', 'grpc'],
})

/**
 * The shop. The monolith still answers whatever nobody took over; each path below is a piece that was taken out of it.
 */
export const system = defineSystem({
  name: 'shop',
  services: [operations, gateway, ...business],
  routes: [
    ...['/', '/products/:id', '/basket', '/basket/lines', '/checkout', '/orders/:id', '/storefront.css'].map((path) => ({
      path,
      service: storefront.name,
    })),
    { path: '/api', service: monolith.name },
    { path: '/api/*', service: monolith.name },
    { path: '/api/checkout', service: orders.name },
    { path: '/api/orders/:orderId', service: orders.name },
    { path: '/api/customers/:customerId/orders', service: orderHistory.name },
    { path: '/api/customers/:customerId/orders/composed', service: orderHistory.name },
    { path: '/api/analytics/*', service: analytics.name },
  ],
})
