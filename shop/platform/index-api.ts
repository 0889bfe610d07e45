import { restContract } from '@seaworthy/rpc/rest'
import { z } from 'zod'

/** Where programs begin. The monolith answers it as long as it runs, and then the storefront. */
export const indexApi = restContract({
  title: 'Index',
  version: '1.0.0',
  operations: {
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
