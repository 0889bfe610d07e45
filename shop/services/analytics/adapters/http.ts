import { type HttpServer, serve } from '@seaworthy/rpc/rest'
import type { FiguresRepository } from '../application/ports.ts'
import { analyticsApi } from '../contract/rest.ts'

const TOP_PRODUCTS_MAX = 10

export function serveFigures(server: HttpServer, figures: FiguresRepository): void {
  serve(server, analyticsApi, {
    getSummary: async () => {
      const { counters, topProducts } = await figures.read({ topProductsMax: TOP_PRODUCTS_MAX })
      return {
        status: 200,
        body: {
          ordersCompleted: counters['orders-completed'],
          ordersRejected: counters['orders-rejected'],
          revenueCents: counters['revenue-cents'],
          customers: counters.customers,
          topProducts,
        },
      }
    },
  })
}
