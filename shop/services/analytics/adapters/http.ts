import type { ServeRest } from '../../../platform/service-ports.ts'
import type { FiguresRepository } from '../application/ports.ts'
import { analyticsApi } from '../contract/rest.ts'

const TOP_PRODUCTS_MAX = 10

export function serveFigures(serve: ServeRest, figures: FiguresRepository): void {
  serve(analyticsApi, {
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
