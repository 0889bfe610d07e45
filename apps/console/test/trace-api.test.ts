import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { OutlinePart } from '../src/otlp/outline.ts'
import { OutlineReader } from '../src/otlp/read-outline.ts'
import { HEADERS, fixture } from './app-fixture.ts'
import { checkoutSpans, otlpRequest } from './checkout-trace.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const OUTLINE = `/api/traces/${TRACE_ID}/outline`
const checkout = otlpRequest(checkoutSpans(), { traceId: TRACE_ID, correlationId: 'c-1', startMs: 1_795_438_250_000 })

function read(lines: string) {
  const reader = new OutlineReader()
  for (const line of lines.split('\n').filter(Boolean)) reader.add(JSON.parse(line) as OutlinePart)
  return reader.trace()
}

suite('a trace over HTTP', () => {
  test('is outlined, and not sent again while nothing has come to it', async (t) => {
    const { post, get } = await fixture(t)
    await post(checkout)
    const first = await get(`/api/traces/${TRACE_ID.toUpperCase()}/outline`)
    assert.deepEqual([first.status, first.headers['content-type']], [200, 'application/x-ndjson; charset=utf-8'])
    const trace = read(first.text)!
    assert.equal(trace.durationUs, 251_000)
    assert.equal(trace.startMs, 1_795_438_250_000)

    const version = { 'if-none-match': first.headers['etag'] as string }
    const again = await get(OUTLINE, version)
    assert.deepEqual([again.status, again.text], [304, ''])
    const late = { service: 'mail', name: 'send', kind: 'consumer', start: 300, end: 310 } as const
    const other = 'b'.repeat(32)
    const sent = JSON.stringify(otlpRequest([late], { traceId: other, correlationId: 'c-1', startMs: 1_795_438_250_000 }))
    await post(sent.replaceAll(other, TRACE_ID))
    const grown = await get(OUTLINE, version)
    assert.equal(grown.status, 200)
    assert.equal(read(grown.text)!.spans.length, trace.spans.length + 1)
  })

  test('comes in parts of which each goes on where the last one ended', async (t) => {
    const { post, get } = await fixture(t)
    const children = Array.from(
      { length: 9_000 },
      (_, index) =>
        ({ service: `service-${index % 7}`, name: `call ${index % 11}`, kind: 'client', start: index, end: index + 3 }) as const,
    )
    await post(
      otlpRequest([{ service: 'batch', name: 'import', kind: 'internal', start: 0, end: 9_010, children }], {
        traceId: TRACE_ID,
        correlationId: 'c',
        startMs: 1_795_438_250_000,
      }),
    )
    const { text } = await get(OUTLINE)
    assert.equal(text.trimEnd().split('\n').length, 3)
    const { spans } = read(text)!
    assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, 9_001)
    assert.equal(spans.filter(({ service, name }) => service === 'service-3' && name === 'call 5').length, 117)
  })

  test('is packed for whoever is on another machine and can unpack it', async (t) => {
    const { app, post } = await fixture(t, { token: 'secret-secret-secret', hostNames: ['console.example'] })
    await post(checkout)
    const ask = (headers: Record<string, string>, remoteAddress = '127.0.0.1') =>
      app.inject({
        method: 'GET',
        url: OUTLINE,
        remoteAddress,
        headers: { ...HEADERS, authorization: 'Bearer secret-secret-secret', ...headers },
      })
    const plain = await ask({ 'accept-encoding': 'gzip' })
    assert.equal(plain.headers['content-encoding'], undefined)
    for (const packed of [
      await ask({ 'accept-encoding': 'br, gzip' }, '192.0.2.7'),
      await ask({ 'accept-encoding': 'gzip', 'x-forwarded-for': '192.0.2.7' }),
    ]) {
      assert.equal(packed.headers['content-encoding'], 'gzip')
      assert.equal(gunzipSync(packed.rawPayload).toString(), plain.body)
    }
    for (const none of ['identity', 'br, gzip;q=0', ''])
      assert.equal((await ask({ 'accept-encoding': none }, '192.0.2.7')).headers['content-encoding'], undefined, none)
  })

  test('has each of its spans for itself, with the resource and library that it came from', async (t) => {
    const { post, get } = await fixture(t)
    await post(checkout)
    const all = (await get(`/api/traces/${TRACE_ID}`)).json as unknown as {
      resourceSpans: { scopeSpans: { scope: object; spans: { spanId: string }[] }[] }[]
    }
    const [origin] = all.resourceSpans
    const { scope, spans } = origin!.scopeSpans[0]!
    const { status, json } = await get(`/api/traces/${TRACE_ID}/spans/${spans[0]!.spanId.toUpperCase()}`)
    assert.equal(status, 200)
    assert.deepEqual(json, { resourceSpans: [{ ...origin, scopeSpans: [{ scope, spans: [spans[0]] }] }] })
  })

  test('that is not there is said so, whatever of it is asked for', async (t) => {
    const { post, get } = await fixture(t)
    await post(checkout)
    const missing = 'f'.repeat(32)
    for (const [url, detail] of [
      [`/api/traces/${missing}/outline`, /no trace ffff/],
      [`/api/traces/${missing}`, /no trace ffff/],
      [`/api/traces/${missing}/spans/${'0'.repeat(16)}`, /no span 0000/],
      [`/api/traces/${TRACE_ID}/spans/nonsense`, /no span nonsense/],
      ['/api/traces/nonsense/outline', /32 hexadecimal digits/],
    ] as const) {
      const { status, json, headers } = await get(url)
      assert.deepEqual([status, headers['content-type']], [404, 'application/problem+json; charset=utf-8'], url)
      assert.match(json['detail'] as string, detail)
    }
  })
})
