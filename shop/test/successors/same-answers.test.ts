import * as fc from 'fast-check'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from 'seaworthy/core'
import type { Module } from '../../monolith/domain/modules.ts'
import { openMonolith, openServices, type Chance, type Subject } from './subjects.ts'

interface Asked {
  readonly module: Module
  readonly path: string
  readonly body?: object
  readonly method?: string
}

interface Answered {
  readonly status: number
  readonly type: string | null
  readonly location: string | null
  readonly body: string
}

/** Ids and times that come in the same order for both. */
function numbered(): Chance {
  let ids = 0
  let nowMs = Date.parse('2026-03-01T00:00:00Z')
  return { newId: () => `id-${++ids}`, clock: { ...systemClock, now: () => (nowMs += 1_000) } }
}

async function ask({ urls }: Subject, { module, path, body, method = body === undefined ? 'GET' : 'POST' }: Asked): Promise<Answered> {
  const response = await fetch(`${urls[module]}${path}`, {
    method,
    headers: { 'x-correlation-id': 'the-same', ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const { status, headers } = response
  return { status, type: headers.get('content-type'), location: headers.get('location'), body: await response.text() }
}

const PRODUCTS = [
  { id: 'p1', name: 'Brie', description: 'Soft', category: 'Dairy', brand: 'Ferme', priceCents: 500 },
  { id: 'p2', name: 'brie de Meaux', description: '', category: 'Dairy', priceCents: 900 },
  { id: 'p3', name: '50% rope', description: 'Hemp', category: 'Deck', priceCents: 1 },
]
const productId = fc.constantFrom('p1', 'p2', 'p3', 'p9', '..', 'p 1', '')
const customerId = fc.constantFrom('c1', 'c2', 'id-1', 'id-2', 'nobody', '..')
const query = (fields: Readonly<Record<string, string | number>>) =>
  new URLSearchParams(Object.entries(fields).map(([name, value]) => [name, String(value)])).toString()

/** Questions and wishes, sensible and not. */
const asked: fc.Arbitrary<Asked> = fc.oneof(
  fc
    .record({
      q: fc.constantFrom('', 'brie', 'DAIRY', '%', '_', 'ferme', '\\'),
      page: fc.integer({ min: -1, max: 3 }),
      pageSize: fc.integer({ min: 0, max: 4 }),
    })
    .map((fields): Asked => ({ module: 'catalog', path: `/api/products?${query(fields)}` })),
  productId.map((id): Asked => ({ module: 'catalog', path: `/api/products/${encodeURIComponent(id)}` })),
  productId.map((id): Asked => ({ module: 'reviews', path: `/api/reviews?${query({ productId: id, pageSize: 2 })}` })),
  fc
    .record(
      {
        productId,
        customerId,
        author: fc.constantFrom('Bob', ' ', 'Zoë'),
        rating: fc.oneof(fc.integer({ min: -1, max: 7 }), fc.constantFrom(2.5, 'five')),
        comment: fc.string({ maxLength: 20 }),
      },
      { requiredKeys: ['productId', 'rating'] },
    )
    .map((body): Asked => ({ module: 'reviews', path: '/api/reviews', body })),
  fc
    .record(
      { name: fc.constantFrom('Ada', '  ', ' Grace '), email: fc.constantFrom('ada@example.com', 'ada', '') },
      { requiredKeys: ['email'] },
    )
    .map((body): Asked => ({ module: 'customers', path: '/api/customers', body })),
  customerId.map((id): Asked => ({ module: 'customers', path: `/api/customers/${encodeURIComponent(id)}` })),
  customerId.map((id): Asked => ({ module: 'customers', path: `/api/customers/${encodeURIComponent(id)}`, method: 'DELETE' })),
  fc.uniqueArray(fc.constantFrom('c1', 'c2', 'c3'), { minLength: 1 }).map((ids): Asked => ({
    module: 'customers',
    path: '/internal/import/customers',
    body: { customers: ids.map((id) => ({ id, name: id.toUpperCase(), email: `${id}@example.com` })) },
  })),
)

test('the services answer to the letter as the monolith does, whatever is asked of them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(asked, { minLength: 20, maxLength: 60, size: 'max' }), async (questions) => {
      await using monolith = await openMonolith(numbered())
      await using services = await openServices(numbered())
      for (const question of [
        { module: 'catalog', path: '/internal/import/products', body: { products: PRODUCTS } } as const,
        ...questions,
      ]) {
        const [before, after] = [await ask(monolith, question), await ask(services, question)]
        assert.deepEqual(after, before, `${question.path} ${JSON.stringify(question.body ?? null)}`)
        await services.settled()
      }
      assert.deepEqual(await facts(services), await facts(monolith))
    }),
    { numRuns: 5, endOnFailure: true },
  )
})

/** What was told about customers. */
async function facts(subject: Subject): Promise<readonly object[]> {
  return (await subject.told()).map(({ type, key, sequence, data }) => ({ type, key, sequence, data }))
}
