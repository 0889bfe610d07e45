import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { openApi, restContract } from '@seaworthy/rpc/rest'
import { z } from 'zod'
import { reviews, startReviews } from '../fixtures.ts'

interface Document {
  readonly paths: Record<
    string,
    Record<
      string,
      {
        responses: Record<string, { content?: Record<string, { schema: object }> }>
        requestBody?: { content: Record<string, { schema: object }> }
        parameters: { name: string; in: string; required: boolean; schema: object }[]
      }
    >
  >
  readonly components: { schemas: { Problem: object } }
}

const document = openApi([reviews], { title: 'Shop', version: '1.0.0', servers: ['http://127.0.0.1:8080'] }) as unknown as Document

/** The schema at a place of the document, with its references resolved against the whole. */
function validator(...path: string[]): ValidateFunction {
  const ajv = new Ajv2020({ strict: false })
  formats.default(ajv)
  ajv.addSchema(document, 'openapi')
  return ajv.getSchema(`openapi#/${path.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`)!
}

describe('the OpenAPI document of a contract', () => {
  test('calls nothing read-only because the program does not change it, and keeps a field of that name', () => {
    const contract = restContract({
      title: 'Frozen',
      version: '1.0.0',
      operations: {
        write: {
          method: 'POST',
          path: '/',
          summary: 'Write',
          body: z.object({ lines: z.array(z.object({ a: z.string() })).readonly(), readOnly: z.literal(true) }),
          responses: { 204: null },
        },
      },
    })
    const { paths } = openApi([contract], { title: 'Frozen', version: '1.0.0' }) as unknown as Document
    const schema = paths['/']!['post']!.requestBody!.content['application/json']!.schema as { properties: Record<string, object> }
    assert.deepEqual(Object.keys(schema.properties), ['lines', 'readOnly'])
    assert.ok(!('readOnly' in schema.properties['lines']!))
  })

  test('describes what the server takes and answers', async (t) => {
    const { server } = await startReviews(t)
    const operation = ['paths', '/api/reviews', 'post']
    const requestBody = validator(...operation, 'requestBody', 'content', 'application/json', 'schema')
    const good = { productId: 'p', rating: 5, lines: [{ quantity: 1 }] }
    for (const body of [
      good,
      { ...good, rating: 6 },
      { ...good, productId: '' },
      { rating: 1 },
      { ...good, lines: [{ quantity: 0.5 }] },
      [],
      null,
    ]) {
      const response = await fetch(`${server.url}/api/reviews`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      })
      const answer: unknown = await response.json()
      assert.equal(requestBody(body), response.status === 201, `${JSON.stringify(body)}: ${response.status}`)
      const type = response.status === 201 ? 'application/json' : 'application/problem+json'
      const schema = validator(...operation, 'responses', String(response.status), 'content', type, 'schema')
      assert.ok(schema(answer), JSON.stringify(schema.errors))
    }
  })

  test('has the Problem Details of every error that can be expected', async (t) => {
    const { server } = await startReviews(t, { getReview: () => Promise.reject(new Error('broken')) })
    const problem = validator('components', 'schemas', 'Problem')
    for (const path of ['/api/reviews?page=x', '/nothing', '/api/reviews/1']) {
      assert.ok(problem(await (await fetch(server.url + path)).json()), JSON.stringify(problem.errors))
    }
    const { responses } = document.paths['/api/reviews/{id}']!['delete']!
    assert.deepEqual(Object.keys(responses), ['204', '400', '404', '409', '422', '503', 'default'])
  })

  test('names parameters of path, query and header, and which are required', () => {
    const list = document.paths['/api/reviews']!['get']!.parameters.map(
      (parameter) => `${parameter.in} ${parameter.name} ${parameter.required}`,
    )
    assert.deepEqual(list, ['query page false', 'query tag false', 'header x-tenant false', 'header x-request-timeout-ms false'])
    const remove = document.paths['/api/reviews/{id}']!['delete']!.parameters.map(
      (parameter) => `${parameter.in} ${parameter.name} ${parameter.required}`,
    )
    assert.deepEqual(remove, ['path id true', 'header idempotency-key true', 'header x-request-timeout-ms false'])
  })
})
