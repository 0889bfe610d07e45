import { restContract } from '@seaworthy/rpc/rest'
import { z } from 'zod'
import { RECORDS_MAX, takeOverOutcome } from '../../platform/take-over.ts'
import { importedCustomer, importedProduct, importedReview } from './import.ts'

const id = z.string().min(1).max(100)
const byId = z.object({ id })
const paging = {
  /** Pages count from 1. */
  page: z.coerce.number().int().min(1).max(1_000_000).default(1),
  pageSize: z.coerce.number().int().min(1).max(100).default(20),
}
const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item).readonly(),
    page: z.int(),
    pageSize: z.int(),
    total: z.int().meta({ description: 'Of all pages together.' }),
  })

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

const review = z.object({
  id,
  productId: id,
  customerId: id.optional(),
  author: z.string(),
  rating: z.int().min(1).max(5),
  comment: z.string(),
  createdAt: z.iso.datetime(),
})

const customer = z.object({
  id,
  name: z.string(),
  email: z.string(),
  creditLimitCents: z.int().min(0).meta({ description: 'What one order may cost at most.' }),
  createdAt: z.iso.datetime(),
})

/** What the monolith answers through the gateway. */
export const monolithApi = restContract({
  title: 'Catalog, reviews and customers',
  version: '1.0.0',
  operations: {
    searchProducts: {
      method: 'GET',
      path: '/api/products',
      summary: 'Products, by name',
      query: z.object({ q: z.string().max(200).default('').meta({ description: 'Part of a name, category or brand.' }), ...paging }),
      responses: { 200: pageOf(product) },
    },
    getProduct: { method: 'GET', path: '/api/products/{id}', summary: 'A product', params: byId, responses: { 200: product } },
    listReviews: {
      method: 'GET',
      path: '/api/reviews',
      summary: 'Reviews of a product, newest first',
      query: z.object({ productId: id, ...paging }),
      responses: { 200: pageOf(review) },
    },
    writeReview: {
      method: 'POST',
      path: '/api/reviews',
      summary: 'Write a review',
      body: z.object({
        productId: id,
        customerId: id.optional(),
        author: z.string().trim().min(1).max(200).optional().meta({ description: "Default: the customer's name, or Anonymous." }),
        rating: z.int().min(1).max(5),
        comment: z.string().max(2_000).default(''),
      }),
      responses: { 201: review },
    },
    createCustomer: {
      method: 'POST',
      path: '/api/customers',
      summary: 'Become a customer',
      body: z.object({ name: z.string().trim().min(1).max(200), email: z.email().max(254) }),
      responses: { 201: customer },
    },
    getCustomer: { method: 'GET', path: '/api/customers/{id}', summary: 'A customer', params: byId, responses: { 200: customer } },
    getIndex: {
      method: 'GET',
      path: '/api',
      summary: 'Where to begin',
      responses: { 200: z.object({ name: z.string(), openApi: z.string(), products: z.string(), checkout: z.string() }) },
    },
    getOpenApi: {
      method: 'GET',
      path: '/api/openapi.json',
      summary: 'This document: the whole public API as OpenAPI 3.1',
      responses: { 200: z.record(z.string(), z.unknown()) },
    },
  },
})

/** Taking over from other systems. On the service's own port, never routed by the gateway. What is known already is left as it is. */
export const monolithImport = restContract({
  title: 'Import into the monolith',
  version: '1.0.0',
  operations: {
    importProducts: {
      method: 'POST',
      path: '/internal/import/products',
      summary: 'Take over products',
      body: z.object({ products: z.array(importedProduct).min(1).max(RECORDS_MAX) }),
      responses: { 200: takeOverOutcome },
    },
    importReviews: {
      method: 'POST',
      path: '/internal/import/reviews',
      summary: 'Take over reviews; their products come first',
      body: z.object({ reviews: z.array(importedReview).min(1).max(RECORDS_MAX) }),
      responses: { 200: takeOverOutcome },
    },
    importCustomers: {
      method: 'POST',
      path: '/internal/import/customers',
      summary: 'Take over customers',
      body: z.object({ customers: z.array(importedCustomer).min(1).max(RECORDS_MAX) }),
      responses: { 200: takeOverOutcome },
    },
  },
})
