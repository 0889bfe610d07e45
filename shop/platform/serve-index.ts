import { indexApi } from './index-api.ts'
import { openApiDocument } from './openapi.ts'
import type { ServeRest } from './service-ports.ts'

/** Serves the index of the API, and the document of the whole of it. */
export function serveIndex(serve: ServeRest): void {
  let document: Record<string, unknown> | undefined
  serve(indexApi, {
    getIndex: () => ({
      status: 200,
      body: { name: 'The shop', openApi: '/api/openapi.json', products: '/api/products', checkout: 'POST /api/checkout' },
    }),
    // Made when it is first asked for: the start has no use for it.
    getOpenApi: () => ({ status: 200, body: (document ??= openApiDocument()) }),
  })
}
