import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checkRequest } from '../../src/otlp/check.ts'
import { type SpanRow, spanRows } from '../../src/otlp/rows.ts'
import type { TraceSummary } from '../../src/store/trace-list.ts'
import { TraceStore } from '../../src/store/trace-store.ts'
import { type SpanSpec, otlpRequest } from '../checkout-trace.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const rows = (roots: readonly SpanSpec[]): SpanRow[] =>
  spanRows(checkRequest(otlpRequest(roots, { traceId: TRACE_ID, correlationId: 'c-1', startMs: 1_795_438_250_000 })))

async function open(t: TestContext): Promise<TraceStore> {
  const folder = mkdtempSync(join(tmpdir(), 'trace-outcome-'))
  const store = await TraceStore.open({ path: join(folder, 'traces.sqlite') })
  t.after(async () => {
    await store.close()
    rmSync(folder, { recursive: true })
  })
  return store
}

const only = async (store: TraceStore): Promise<TraceSummary> => (await store.list({ limit: 10 }))[0]!

const served = (
  service: string,
  method: string,
  path: string,
  status: number,
  route: string | undefined,
  times: readonly [number, number],
) =>
  ({
    service,
    name: route === undefined ? method : `${method} ${route}`,
    kind: 'server',
    start: times[0],
    end: times[1],
    attributes: {
      'http.request.method': method,
      'url.path': path,
      'http.response.status_code': status,
      ...(route !== undefined && { 'http.route': route }),
    },
  }) as const satisfies SpanSpec

/** A request through a gateway that knows the beginning of the route alone. */
const proxied = (status: number, route: string | undefined): SpanSpec => ({
  ...served('gateway', 'GET', '/api/reviews', status, '/api/*', [0, 9]),
  children: [
    {
      service: 'gateway',
      name: 'GET monolith',
      kind: 'client',
      start: 1,
      end: 8,
      children: [
        {
          ...served('monolith', 'GET', '/api/reviews', status, route, [2, 7]),
          // What the handler asks of others is not what it was asked for.
          children: [served('catalog', 'GET', '/api/products/7', 200, '/api/products/:id', [3, 4])],
        },
      ],
    },
  ],
})

test('a trace ends as its root was answered, and its errors stand beside', async (t) => {
  const store = await open(t)
  for (const [status, outcome, errors] of [
    [201, 'ok', 1],
    [422, 'rejected', 1],
    // The answer itself is one.
    [503, 'failed', 2],
  ] as const) {
    const traceId = String(status).padStart(32, '0')
    const error: SpanSpec = { service: 'gateway', name: 'GET cache', kind: 'client', start: 1, end: 2, error: 'refused' }
    const request = otlpRequest([{ ...served('gateway', 'POST', '/x', status, '/x', [0, 9]), children: [error] }], {
      traceId,
      correlationId: 'c',
      startMs: 1_795_438_250_000,
    })
    await store.write(spanRows(checkRequest(request)))
    const [trace] = await store.list({ limit: 10, outcome })
    assert.deepEqual([trace!.traceId, trace!.httpStatus, trace!.errorCount], [traceId, status, errors])
  }
})

test('a request that set off “order.rejected” was rejected, though its answer is 201', async (t) => {
  const store = await open(t)
  const said = (type: string): SpanSpec => ({
    service: 'orders',
    name: 'orders publish',
    kind: 'producer',
    start: 5,
    end: 6,
    attributes: { 'seaworthy.event.type': type },
  })
  const root = served('orders', 'POST', '/api/checkout', 201, '/api/checkout', [0, 9])
  await store.write(rows([{ ...root, children: [said('order.placed')] }]))
  assert.equal((await only(store)).outcome, 'ok')
  await store.write(rows([{ ...root, children: [said('order.placed'), said('order.rejected')] }]))
  assert.equal((await only(store)).outcome, 'rejected')
})

test('attempts that were made good are told apart from errors, also when the success comes later', async (t) => {
  const store = await open(t)
  const attempt = (start: number, error?: string): SpanSpec => ({
    service: 'orders',
    name: 'checkout charge',
    kind: 'internal',
    start,
    end: start + 2,
    ...(error !== undefined && { error }),
    children: [{ service: 'orders', name: 'Charge', kind: 'client', start, end: start + 2, ...(error !== undefined && { error }) }],
  })
  const root = served('orders', 'POST', '/api/checkout', 201, '/api/checkout', [0, 20])
  const all = rows([{ ...root, children: [attempt(1, 'timeout'), attempt(5)] }])
  await store.write(all.slice(0, 3))
  assert.deepEqual([(await only(store)).errorCount, (await only(store)).retriedCount], [2, 0])
  await store.write(all)
  assert.deepEqual([(await only(store)).errorCount, (await only(store)).retriedCount], [0, 1])
})

test('a request is named by the deepest route that answered it, in whatever order its spans come', async (t) => {
  for (const order of [(all: SpanRow[]) => all, (all: SpanRow[]) => all.toReversed()]) {
    const store = await open(t)
    for (const row of order(rows([proxied(200, '/api/reviews')]))) await store.write([row])
    assert.deepEqual((await only(store)).root, { service: 'gateway', name: 'GET /api/reviews' })
    assert.equal((await store.list({ limit: 10, text: '/api/rev' })).length, 1)
    assert.equal((await store.list({ limit: 10, text: '/api/*' })).length, 1)
  }
})

test('a request that no route knows is named by its path', async (t) => {
  const store = await open(t)
  await store.write(rows([proxied(404, undefined)]))
  const { root, outcome } = await only(store)
  assert.deepEqual([root.name, outcome], ['GET /api/reviews', 'rejected'])
})

test('what nobody asked for is background; a request or a message whose parent is elsewhere is not', async (t) => {
  const span = (kind: SpanSpec['kind'], name: string): SpanSpec => ({ service: 'payments', name, kind, start: 0, end: 5 })
  for (const [kind, isBackground] of [
    ['internal', true],
    ['client', true],
    ['producer', true],
    ['server', false],
    ['consumer', false],
    ['unspecified', false],
  ] as const) {
    const store = await open(t)
    await store.write(rows([span(kind, 'project balances')]))
    assert.equal((await store.list({ limit: 10, hidesBackground: true })).length, isBackground ? 0 : 1, kind)
    assert.equal((await store.list({ limit: 10 })).length, 1)
  }
  const store = await open(t)
  await store.write(rows([{ ...span('server', 'request'), children: [span('internal', 'work')] }]).slice(1))
  assert.equal((await store.list({ limit: 10, hidesBackground: true })).length, 1)
})
