import { defineMapping } from '@seaworthy/strangler/cut-over'

const products = { key: 'id', primaryKey: ['id'], columns: ['id', 'name', 'description', 'category', 'brand', 'price_cents'] } as const

/** The monolith's products, and the catalog's. Ratings come by the events of reviews, to both. */
export const catalogMapping = defineMapping({
  name: 'catalog',
  old: { products },
  new: { products },
  toNew: (entity) => ({ products: entity.products }),
  toOld: (entity) => ({ products: entity.products }),
})
