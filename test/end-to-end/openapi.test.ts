import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, createCustomer, request } from './client.ts'
import { startShop } from './shop.ts'

interface OpenApi {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, OpenApiResponse>> }>>>>
}

interface OpenApiResponse {
  readonly $ref?: string
  readonly content?: Readonly<Record<string, { readonly schema: object }>>
}

test('the shop without a monolith answers what its OpenAPI document says', async () => {
  await using shop = await startShop({ stage: 3 })
  const { body: document } = await request<OpenApi>(`${shop.gateway}/api/openapi.json`)
  assert.match(document.openapi, /^3\.1/)
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  ;(addFormats as unknown as (ajv: Ajv2020) => void)(ajv)
  ajv.addSchema(document, 'document')
  const seen = new Set<string>()

  const hold = (method: string, path: string, answer: Answer<unknown>) => {
    const responses = document.paths[path]?.[method]?.responses
    assert.ok(responses, `${method} ${path} is not in the document`)
    const status = responses[String(answer.status)] !== undefined ? String(answer.status) : 'default'
    const response = responses[status]
    assert.ok(response, `${method} ${path} answered ${answer.status}, which the document does not have`)
    seen.add(`${method} ${path}`)
    // What has no body has no schema.
    if (response.$ref === undefined && response.content === undefined) return assert.equal(answer.body, undefined)
    const type = (answer.headers.get('content-type') ?? '').split(';')[0]!
    const pointer = response.$ref ?? `#/paths/${encode(path)}/${method}/responses/${status}`
    const validate = ajv.getSchema(`document${pointer}/content/${encode(type)}/schema`)
    assert.ok(validate, `${method} ${path} ${status} has no schema for ${type}`)
    assert.ok(validate(answer.body), `${method} ${path} ${answer.status}: ${ajv.errorsText(validate.errors)}`)
  }

  const get = async (template: string, path: string) => hold('get', template, await request(`${shop.gateway}${path}`))
  const post = async (path: string, body: unknown) => {
    const answer = await request<Record<string, string>>(`${shop.gateway}${path}`, { body })
    hold('post', path, answer)
    return answer
  }
  const customerId = await createCustomer(shop.gateway, 'Mary Jackson')
  const products = await request<{ items: { id: string }[] }>(`${shop.gateway}/api/products?q=a&page=1`)
  hold('get', '/api/products', products)
  const productId = products.body.items[0]!.id
  await get('/api', '/api')
  await get('/api/products/{id}', `/api/products/${productId}`)
  await get('/api/products/{id}', '/api/products/none')
  await get('/api/products', '/api/products?page=0')
  await get('/api/reviews', `/api/reviews?productId=${productId}`)
  await post('/api/reviews', { productId, rating: 5, comment: 'Floats.' })
  await post('/api/reviews', { productId, rating: 6 })
  await post('/api/customers', { name: 'Mary', email: 'mary@example.com' })
  await post('/api/customers', { name: '', email: 'no address' })
  await get('/api/customers/{id}', `/api/customers/${customerId}`)
  const lines = [{ productId, quantity: 1 }]
  const order = await post('/api/checkout', { customerId, lines, card: 'ok' })
  await post('/api/checkout', { customerId, lines, card: 'declined' })
  await post('/api/checkout', { customerId, lines: [], card: 'ok' })
  await get('/api/orders/{orderId}', `/api/orders/${order.body['orderId']}`)
  await get('/api/orders/{orderId}', '/api/orders/none')
  await get('/api/customers/{customerId}/orders', `/api/customers/${customerId}/orders`)
  await get('/api/customers/{customerId}/orders/composed', `/api/customers/${customerId}/orders/composed`)
  await get('/api/customers/{customerId}/payments', `/api/customers/${customerId}/payments`)
  for (const id of [customerId, 'none'])
    hold('delete', '/api/customers/{id}', await request(`${shop.gateway}/api/customers/${id}`, { method: 'DELETE' }))
  await get('/api/analytics/summary', '/api/analytics/summary')
  await get('/api/openapi.json', '/api/openapi.json')

  const promised = Object.entries(document.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`))
  assert.deepEqual(
    promised.filter((operation) => !seen.has(operation)),
    [],
    'operations that nobody tried',
  )
})

/** A segment of a JSON pointer inside a URI fragment. */
function encode(segment: string): string {
  return encodeURIComponent(segment.replaceAll('~', '~0').replaceAll('/', '~1'))
}
