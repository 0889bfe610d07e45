import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually } from '@seaworthy/testing'
import { startTelemetry } from '@seaworthy/telemetry'
import { observed, type Operation, SeaworthyError, type TraceHeaders, rootContext, traceHeaders } from 'seaworthy/core'
import { installZipkin, startZipkin } from '../../../test/servers/zipkin.ts'
import type { ZipkinSpan } from '../src/zipkin-span.ts'

const work = observed('test.zipkin')

/** A process of the shop, for as long as `body` runs: its spans are with Zipkin then. */
async function asService(url: string, service: string, body: () => Promise<void>): Promise<void> {
  const telemetry = startTelemetry({
    service,
    instance: `${service}-1`,
    logLevel: 'silent',
    destinations: [{ kind: 'zipkin', url: `${url}/api/v2/spans` }],
  })
  try {
    await body()
    await eventually('the spans are sent', () => telemetry.exportStatus().queued === 0)
    assert.equal(telemetry.exportStatus().dropped, 0)
  } finally {
    await telemetry.shutdown()
  }
}

const operation =
  (name: string, kind: Operation['kind'], about: Partial<Operation> = {}) =>
  () => ({ name, kind, attributes: {}, ...about })

async function startedZipkin(t: TestContext) {
  await installZipkin()
  const server = await startZipkin()
  t.after(() => server.stop())
  const get = async <Body>(path: string): Promise<Body> => (await (await fetch(`${server.url}/api/v2/${path}`)).json()) as Body
  return { url: server.url, get }
}

test('a checkout over three services is one trace in Zipkin, with its parents, kinds, tags and errors, and the services depend on each other', async (t) => {
  const { url, get } = await startedZipkin(t)
  let [toPayments, published]: TraceHeaders[] = [{}, {}]
  let traceId = ''
  const reserve = operation('GET /stock', 'client', {
    attributes: { 'server.address': '127.0.0.1', 'server.port': 4711, 'seaworthy.policy': 'inventory' },
  })
  await asService(url, 'orders', () =>
    work.run(
      operation('POST /api/checkout', 'server', { attributes: { 'http.response.status_code': 201, 'http.route': '/api/checkout' } }),
      async () => {
        traceId = traceHeaders(rootContext()).traceparent!.split('-')[1]!
        await work.run(reserve, async () => {
          toPayments = traceHeaders(rootContext())
        })
        await work.run(operation('orders publish', 'producer'), async () => {
          published = traceHeaders(rootContext())
        })
      },
    ),
  )
  await asService(url, 'payments', async () => {
    const failed = new SeaworthyError('card-declined', 'The bank says no.', { executed: 'no' })
    await assert.rejects(work.run(operation('charge', 'server', { parent: toPayments! }), () => Promise.reject(failed)))
  })
  await asService(url, 'notifications', () =>
    work.run(operation('orders process', 'consumer', { parent: published! }), () =>
      work.run(operation('letter', 'internal'), async () => undefined),
    ),
  )

  // Zipkin takes them first and indexes them then.
  let spans: readonly ZipkinSpan[] = []
  await eventually('all spans are there', async () => {
    const found = await get<readonly ZipkinSpan[] | { readonly error: string }>(`trace/${traceId}`)
    if (Array.isArray(found)) spans = found
    return spans.length === 6
  })
  const byName = new Map(spans.map((span) => [span.name, span]))
  const nameOf = (id: string | undefined) => spans.find((span) => span.id === id)?.name
  // Zipkin writes names in small letters.
  const told = spans.map(
    ({ name, kind = 'internal', parentId, localEndpoint }) => `${localEndpoint.serviceName}: ${kind} ${name} in ${nameOf(parentId)}`,
  )
  assert.deepEqual(
    new Set(told),
    new Set([
      'orders: SERVER post /api/checkout in undefined',
      'orders: CLIENT get /stock in post /api/checkout',
      'payments: SERVER charge in get /stock',
      'orders: PRODUCER orders publish in post /api/checkout',
      'notifications: CONSUMER orders process in orders publish',
      'notifications: internal letter in orders process',
    ]),
  )
  const checkout = byName.get('post /api/checkout')!
  assert.equal(checkout.tags['http.response.status_code'], '201')
  assert.equal(checkout.tags['service.instance.id'], 'orders-1')
  assert.equal(checkout.tags['error'], undefined)
  assert.ok(Math.abs(checkout.timestamp / 1_000 - Date.now()) < 60_000 && checkout.duration > 0)
  assert.deepEqual(byName.get('get /stock')!.remoteEndpoint, { serviceName: '127.0.0.1', ipv4: '127.0.0.1', port: 4711 })
  const charge = byName.get('charge')!
  assert.equal(charge.tags['error'], 'The bank says no.')
  assert.match(charge.annotations![0]!.value, /^"exception": \{.*card-declined/)

  const query = new URLSearchParams({ annotationQuery: 'error', serviceName: 'payments' })
  const [found] = await get<readonly (readonly ZipkinSpan[])[]>(`traces?${query}`)
  assert.equal(found?.[0]?.traceId, traceId, 'found by its error')
  const links = await get<readonly { parent: string; child: string; errorCount?: number }[]>(`dependencies?endTs=${Date.now() + 60_000}`)
  const ofPayments = links.find(({ parent, child }) => parent === 'orders' && child === 'payments')
  assert.equal(ofPayments?.errorCount, 1)
})
