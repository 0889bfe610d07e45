import { restContract } from '@seaworthy/rpc/rest'
import { z } from 'zod'
import { pageOf, paging } from '../../../platform/paging.ts'
import { id, text } from '../../../platform/text.ts'
import { RECORDS_MAX, takeOverOutcome } from '../../../platform/take-over.ts'
import { importedProduct } from './import.ts'

const product = z.object({
  id,
  name: z.string(),
  description: z.string(),
  category: z.string(),
  brand: z.string().optional(),
  priceCents: z.int().min(0),
  reviewCount: z.int().min(0),
  rating: z.number().optional().meta({ description: 'Mean of the ratings; absent without reviews.' }),
})

/** What is asked about products, through the gateway and by other services. */
export const catalogApi = restContract({
  title: 'Catalog',
  version: '1.0.0',
  operations: {
    searchProducts: {
      method: 'GET',
      path: '/api/products',
      summary: 'Products, by name',
      query: z.object({ q: text.max(200).default('').meta({ description: 'Part of a name, category or brand.' }), ...paging }),
      responses: { 200: pageOf(product) },
    },
    getProduct: {
      method: 'GET',
      path: '/api/products/{id}',
      summary: 'A product',
      params: z.object({ id }),
      responses: { 200: product },
    },
  },
})

/** Taking over from other systems. On the service's own port, never routed by the gateway. What is known already is left as it is. */
export const catalogImport = restContract({
  title: 'Import into the catalog',
  version: '1.0.0',
  operations: {
    importProducts: {
      method: 'POST',
      path: '/internal/import/products',
      summary: 'Take over products',
      body: z.object({ products: z.array(importedProduct).min(1).max(RECORDS_MAX) }),
      responses: { 200: takeOverOutcome },
    },
  },
})
