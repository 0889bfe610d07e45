import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { fakeResilience, strainedServices } from './resilience-fixture.ts'
import type { Messages } from '../src/system/messages.ts'
import { checkoutSpans, otlpRequest } from './checkout-trace.ts'
import { HEADERS, NOBODY, fixture } from './app-fixture.ts'
import { withSortedAttributes } from './sorted-attributes.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const checkout = (traceId = TRACE_ID, correlationId = 'c-1') =>
  otlpRequest(checkoutSpans(), { traceId, correlationId, startMs: 1_795_438_250_000 })

interface OtlpTrace {
  readonly resourceSpans: readonly {
    readonly resource: unknown
    readonly scopeSpans: readonly { readonly scope: unknown; readonly spans: readonly Record<string, unknown>[] }[]
  }[]
}

const spansOf = (trace: OtlpTrace) => trace.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))

test('a checkout is found by its correlation id, with its root, services and counts', async (t) => {
  const { post, get } = await fixture(t)
  const posted = await post(checkout())
  assert.deepEqual([posted.status, posted.json], [200, { partialSuccess: {} }])
  await post(checkout('1af7651916cd43dd8448eb211c80319c', 'other'))
  const { json } = await get('/api/traces?limit=10&correlationId=c-1')
  const [trace, ...others] = json['traces'] as Record<string, unknown>[]
  assert.equal(others.length, 0)
  assert.deepEqual(trace, {
    traceId: TRACE_ID,
    root: { service: 'gateway', name: 'POST /api/checkout' },
    startTime: '2026-11-23T12:50:50.000Z',
    durationMs: 251,
    spanCount: spansOf(checkout() as OtlpTrace).length,
    outcome: 'ok',
    httpStatus: 201,
    errorCount: 0,
    retriedCount: 0,
    services: ['gateway', 'orders', 'monolith', 'inventory', 'payments', 'shipping', 'analytics', 'order-history', 'notifications'],
    correlationId: 'c-1',
  })
})

test('a trace leaves as OTLP JSON, with every span, resource and scope as it came', async (t) => {
  const { post, get } = await fixture(t)
  await post(checkout())
  const { status, json } = await get(`/api/traces/${TRACE_ID.toUpperCase()}`)
  assert.equal(status, 200)
  const bySpan = (trace: OtlpTrace) =>
    Object.fromEntries(
      trace.resourceSpans.flatMap(({ resource, scopeSpans }) =>
        scopeSpans.flatMap(({ scope, spans }) =>
          spans.map((span) => [span['spanId'], { resource, scope, span: withSortedAttributes(span) }]),
        ),
      ),
    )
  assert.deepEqual(bySpan(json as unknown as OtlpTrace), bySpan(checkout() as OtlpTrace))
})

test('spans that come twice, in parts and out of order make the same trace', async (t) => {
  const { post, get } = await fixture(t)
  const whole = checkout() as OtlpTrace
  // The root's resource comes last, and everything comes twice.
  for (const part of [...whole.resourceSpans].toReversed()) await post({ resourceSpans: [part] })
  await post(whole)
  const { json } = await get('/api/traces')
  const [trace] = json['traces'] as { root: unknown; spanCount: number; startTime: string; services: string[] }[]
  assert.deepEqual(trace!.root, { service: 'gateway', name: 'POST /api/checkout' })
  assert.equal(trace!.spanCount, spansOf(whole).length)
  assert.equal(trace!.services[0], 'gateway')
})

test('what was taken, deleted and turned away is there for Prometheus', async (t) => {
  const { post, get, store } = await fixture(t)
  await post(checkout())
  await get('/api/traces')
  const { status, text, headers } = await get('/metrics')
  assert.equal(status, 200)
  assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  assert.match(text, new RegExp(`^seaworthy_console_spans_received_total ${store.counts.spans}$`, 'm'))
  assert.match(text, /^seaworthy_console_traces\{class="ordinary"\} 1$/m)
  assert.match(text, /^seaworthy_console_traces_deleted_total\{why="size"\} 0$/m)
  for (const line of text.trimEnd().split('\n'))
    assert.match(line, /^(?:# (?:HELP|TYPE) .+|[a-z_0-9]+(?:\{[a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*\})? \d+(?:\.\d+)?(?:e-?\d+)?)$/)
})

test('who called whom is on the map, and the traces of a pair are found by it', async (t) => {
  const { post, get } = await fixture(t)
  const startMs = Date.now() - 1_000
  await post(otlpRequest(checkoutSpans(), { traceId: TRACE_ID, correlationId: 'c-1', startMs }))
  await post(
    otlpRequest([{ service: 'orders', name: 'GET /orders', kind: 'server', start: 0, end: 1 }], {
      traceId: '2af7651916cd43dd8448eb211c80319c',
      correlationId: 'c-2',
      startMs,
    }),
  )
  const { traces: all } = (await get('/api/traces')).json as { traces: unknown[] }
  assert.equal(all.length, 2)
  const { edges } = (await get('/api/map?minutes=5')).json as { edges: { caller: string; callee: string; count: number }[] }
  const payments = edges.find(({ callee }) => callee === 'service:payments')
  assert.deepEqual([payments?.caller, payments?.count], ['service:orders', 1])
  const { traces } = (await get('/api/traces?caller=service:orders&callee=service:payments')).json as { traces: { traceId: string }[] }
  assert.deepEqual(
    traces.map(({ traceId }) => traceId),
    [TRACE_ID],
  )
  assert.deepEqual(((await get('/api/traces?caller=service:payments&callee=service:orders')).json as { traces: unknown[] }).traces, [])
  assert.equal((await get('/api/traces?caller=service:orders')).status, 400)
  const edge = (await get('/api/map/edge?caller=service:orders&callee=service:payments')).json as {
    histogram: { exemplar: { traceId: string } }[]
  }
  assert.equal(edge.histogram[0]!.exemplar.traceId, TRACE_ID)
  assert.equal((await get('/api/map/edge?caller=service:orders')).status, 400)
  for (const minutes of ['0', '61', 'many']) assert.equal((await get(`/api/map?minutes=${minutes}`)).status, 400)
})

test('filters: service, outcome, duration, background, text, and pages', async (t) => {
  const { post, get } = await fixture(t)
  await post(checkout('11111111111111111111111111111111', 'alpha'))
  await post(
    otlpRequest(checkoutSpans('declined'), {
      traceId: '22222222222222222222222222222222',
      correlationId: 'beta',
      startMs: 1_795_438_260_000,
    }),
  )
  await post(
    otlpRequest([{ service: 'analytics', name: 'nightly report', kind: 'internal', start: 0, end: 2_000 }], {
      traceId: '33333333333333333333333333333333',
      correlationId: 'gamma',
      startMs: 1_795_438_270_000,
    }),
  )
  const found = async (query: string) =>
    ((await get(`/api/traces?${query}`)).json['traces'] as { traceId: string }[]).map(({ traceId }) => traceId[0])
  assert.deepEqual(await found(''), ['3', '2', '1'])
  assert.deepEqual(await found('service=gateway'), ['2', '1'])
  assert.deepEqual(await found('outcome=rejected'), ['2'])
  assert.deepEqual(await found('outcome=failed'), [])
  assert.deepEqual(await found('outcome=ok'), ['3', '1'])
  assert.deepEqual(await found('background=hide'), ['2', '1'])
  assert.deepEqual(await found('minDurationMs=1000'), ['3'])
  assert.deepEqual(await found('q=NIGHTLY'), ['3'])
  assert.deepEqual(await found('q=shipp'), ['1'])
  assert.deepEqual(await found('q=22222'), ['2'])
  assert.deepEqual(await found('q=alph'), ['1'])
  assert.deepEqual(await found('q=%25'), [])
  const first = await get('/api/traces?limit=2')
  assert.deepEqual(await found(`limit=2&before=${String(first.json['nextBefore'])}`), ['1'])
})

test('no trace is lost between two pages, not even one that began in the same microsecond', async (t) => {
  const { post, get } = await fixture(t)
  for (const digit of '123456') await post(checkout(digit.repeat(32)))
  const seen: string[] = []
  let before = ''
  do {
    const { json } = await get(`/api/traces?limit=2${before}`)
    seen.push(...(json['traces'] as { traceId: string }[]).map(({ traceId }) => traceId[0]!))
    const next = json['nextBefore'] as string | undefined
    before = next === undefined ? '' : `&before=${next}`
  } while (before !== '')
  assert.deepEqual(seen, ['6', '5', '4', '3', '2', '1'])
})

test('a query that does not hold is refused, and each parameter named', async (t) => {
  const { get } = await fixture(t)
  const { status, json, headers } = await get('/api/traces?limit=many&outcome=bad')
  assert.equal(status, 400)
  assert.match(String(headers['content-type']), /^application\/problem\+json/)
  assert.deepEqual(
    (json['errors'] as { field: string }[]).map(({ field }) => field),
    ['limit', 'outcome'],
  )
})

test('an unknown trace and an unknown path are 404 with Problem Details', async (t) => {
  const { get } = await fixture(t)
  for (const url of [
    '/api/traces/ffffffffffffffffffffffffffffffff',
    '/api/traces/nonsense',
    '/api/nothing',
    '/assets/..%2Fpackage.json',
    '/assets/nothing.js',
  ]) {
    const { status, json, headers } = await get(url)
    assert.equal(status, 404, url)
    assert.equal(json['status'], 404)
    assert.match(String(headers['content-type']), /^application\/problem\+json/)
  }
})

test('a browser at an unknown address gets the page with 404, a program Problem Details', async (t) => {
  const { app, folder } = await fixture(t)
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>console</title>')
  const accept = 'text/html,application/xhtml+xml,*/*;q=0.8'
  const ask = (url: string, headers: Record<string, string>) => app.inject({ url, headers: { host: HEADERS.host, ...headers } })
  const page = await ask('/nosuch?x=1', { accept })
  assert.deepEqual([page.statusCode, page.headers['content-type']], [404, 'text/html; charset=utf-8'])
  assert.equal((await ask('/system', { accept })).statusCode, 200)
  for (const [url, headers] of [
    ['/nosuch', {}],
    ['/nosuch', { accept: 'application/json' }],
    ['/api/nosuch', { accept }],
    ['/assets/nosuch.js', { accept }],
  ] as const) {
    const { statusCode, headers: answered } = await ask(url, headers)
    assert.deepEqual([statusCode, answered['content-type']], [404, 'application/problem+json; charset=utf-8'], url)
  }
})

test('another method of a path that is served is 405, with those that it takes', async (t) => {
  const { app } = await fixture(t)
  for (const [method, url, allow] of [
    ['POST', '/api/traces', 'GET, HEAD'],
    ['DELETE', `/api/traces/${TRACE_ID}`, 'GET, HEAD'],
    ['PUT', '/api/services', 'GET, HEAD'],
    ['POST', '/system', 'GET, HEAD'],
    ['GET', '/v1/traces', 'POST'],
  ] as const) {
    const answer = await app.inject({
      method,
      url,
      headers: { ...HEADERS, 'content-type': 'text/plain' },
      ...(method !== 'GET' && { payload: 'x' }),
    })
    assert.equal(answer.statusCode, 405, `${method} ${url}`)
    assert.equal(answer.headers.allow, allow)
    assert.match(answer.headers['content-type'] as string, /^application\/problem\+json/)
  }
})

test('a compressed request is unpacked, and one that unpacks to too much is refused', async (t) => {
  const { post, get } = await fixture(t)
  const gzip = { 'content-encoding': 'gzip' }
  assert.equal((await post(gzipSync(JSON.stringify(checkout())), gzip)).status, 200)
  assert.equal((await get(`/api/traces/${TRACE_ID}`)).status, 200)
  assert.equal((await post(gzipSync(Buffer.alloc(9 << 20)), gzip)).status, 413)
  assert.equal((await post('no gzip', gzip)).status, 400)
  assert.equal((await post('x', { 'content-encoding': 'br' })).status, 415)
})

test('a body over 8 MiB is 413, another type 415, garbage 400', async (t) => {
  const { post } = await fixture(t)
  assert.equal((await post('x'.repeat((8 << 20) + 1))).status, 413)
  assert.equal((await post('{}', { 'content-type': 'text/plain' })).status, 415)
  for (const body of ['', '{', 'null', '[]', '{"resourceSpans":7}', '{"resourceSpans":[{"scopeSpans":[{"spans":7}]}]}']) {
    assert.equal((await post(body)).status, body === '[]' ? 200 : 400, body)
  }
  assert.equal((await post(Buffer.from([0xff, 0xff, 0xff]), { 'content-type': 'application/x-protobuf' })).status, 400)
})

test('spans that break the specification are counted and the others kept', async (t) => {
  const { post, get } = await fixture(t)
  const good = {
    traceId: TRACE_ID,
    spanId: '00f067aa0ba902b7',
    name: 'good',
    kind: 'SPAN_KIND_SERVER',
    startTimeUnixNano: 1,
    endTimeUnixNano: '2',
  }
  const bad = [
    { ...good, traceId: 'short' },
    { ...good, spanId: '0000000000000000' },
    { ...good, startTimeUnixNano: 'yesterday' },
    { ...good, endTimeUnixNano: undefined },
    { ...good, parentSpanId: 'xyz' },
    null,
    7,
  ]
  const { json } = await post({ resourceSpans: [{ scopeSpans: [{ spans: [good, ...bad] }] }] })
  assert.equal((json['partialSuccess'] as { rejectedSpans: number }).rejectedSpans, bad.length)
  const trace = (await get(`/api/traces/${TRACE_ID}`)).json as unknown as OtlpTrace
  assert.equal(spansOf(trace).length, 1)
  assert.equal(spansOf(trace)[0]!['kind'], 2)
  assert.deepEqual(trace.resourceSpans[0]!.resource, { attributes: [] })
})

test('events and links that are none do not reach those who read the trace', async (t) => {
  const { post, get } = await fixture(t)
  const span = { traceId: TRACE_ID, spanId: '00f067aa0ba902b7', name: 'odd', startTimeUnixNano: '1', endTimeUnixNano: '2' }
  const { status } = await post({
    resourceSpans: [{ scopeSpans: [{ spans: [{ ...span, events: 'x', links: [7, { attributes: 'y' }] }] }] }],
  })
  assert.equal(status, 200)
  const [stored] = spansOf((await get(`/api/traces/${TRACE_ID}`)).json as unknown as OtlpTrace)
  assert.deepEqual([stored!['events'], stored!['links']], [[], [{ attributes: [] }]])
})

test('millions of spans in a few bytes are refused before they are looked at', async (t) => {
  const { post } = await fixture(t)
  const count = 1_000_000
  // An ExportTraceServiceRequest of empty spans, two bytes each: field 2 of field 2 of field 1.
  const spans = Buffer.alloc(2 * count)
  for (let at = 0; at < spans.length; at += 2) spans[at] = 0x12
  const nested = (tag: number, content: Buffer) => {
    const length: number[] = []
    for (let rest = content.length; ; rest = Math.floor(rest / 128)) {
      length.push(rest < 128 ? rest : (rest % 128) | 0x80)
      if (rest < 128) return Buffer.concat([Buffer.of(tag, ...length), content])
    }
  }
  const protobuf = nested(0x0a, nested(0x12, spans))
  const json = Buffer.from(`{"resourceSpans":[{"scopeSpans":[{"spans":[${'{},'.repeat(count - 1)}{}]}]}]}`)
  for (const [body, type] of [
    [protobuf, 'application/x-protobuf'],
    [json, 'application/json'],
  ] as const) {
    const startedMs = process.cpuUsage().user
    const { status, json: problem } = await post(gzipSync(body), { 'content-type': type, 'content-encoding': 'gzip' })
    assert.equal(status, 413)
    assert.match(String(problem['detail']), /20000 spans/)
    // It took minutes when each was decoded and refused by an error with a stack.
    assert.ok((process.cpuUsage().user - startedMs) / 1_000 < 5_000, type)
  }
})

test('a value nested beyond measure is refused and hurts nobody', async (t) => {
  const { post } = await fixture(t)
  const depth = 200_000
  const value = `${'{"arrayValue":{"values":['.repeat(depth)}{}${']}}'.repeat(depth)}`
  const span = `{"traceId":"${TRACE_ID}","spanId":"00f067aa0ba902b7","startTimeUnixNano":"1","endTimeUnixNano":"2","attributes":[{"key":"k","value":${value}}]}`
  const { status } = await post(`{"resourceSpans":[{"scopeSpans":[{"spans":[${span}]}]}]}`)
  assert.equal(status, 400)
})

test('while the queue is full a request is turned away whole, to be sent again', async (t) => {
  const { app, queue } = await fixture(t, { spansMax: 50 })
  const send = (traceId: string) =>
    app.inject({ method: 'POST', url: '/v1/traces', headers: HEADERS, payload: JSON.stringify(checkout(traceId)) })
  const answers = await Promise.all(['1', '2', '3', '4'].map((digit) => send(digit.repeat(32))))
  const refused = answers.filter(({ statusCode }) => statusCode === 503)
  assert.ok(refused.length > 0 && refused.length < 4)
  assert.equal(refused[0]!.headers['retry-after'], '1')
  assert.ok(queue.status.refused > 0)
  await queue.drain()
  assert.equal((await send('5'.repeat(32))).statusCode, 200)
})

test('a requeue is handed on as it was asked for, and its answer comes back', async (t) => {
  const asked: unknown[] = []
  const letters = [{ id: 'm-1', outcome: 'handled', attempt: 3, reason: null }] as const
  const requeue: Messages['requeue'] = async (...of) => {
    asked.push(of)
    return { letters, left: 0 }
  }
  const { app } = await fixture(t, { messages: { ...NOBODY, requeue } })
  const send = async (body: object) => {
    const { statusCode, body: text } = await app.inject({
      method: 'POST',
      url: '/api/dead-letters/requeue',
      headers: HEADERS,
      payload: JSON.stringify(body),
    })
    return { statusCode, json: JSON.parse(text) as { left?: number; errors?: { field: string }[] } }
  }
  const of = { source: 'consumer:orders', topic: 'payments', key: 'a' }
  assert.equal((await send({ service: 'orders', ...of, by: 'somebody else' })).json.left, 0)
  await send({ service: 'orders', source: 'queue:letters', ids: ['x'] })
  assert.deepEqual(asked, [
    ['orders', of],
    ['orders', { source: 'queue:letters', ids: ['x'] }],
  ])
  for (const [body, field] of [
    [{}, 'service'],
    [{ service: 'orders', source: 'consumer:orders', topic: 'payments' }, 'key'],
    [{ service: 'orders', source: 'queue:letters', ids: [] }, 'ids'],
    [{ service: 'orders', source: 'queue:letters', ids: [7] }, 'ids'],
  ] as const) {
    const { statusCode, json } = await send(body)
    assert.deepEqual([statusCode, json.errors?.[0]?.field], [400, field])
  }
  assert.equal(asked.length, 2)
})

test('no page of another site can requeue: neither by its script nor by a form', async (t) => {
  const requeue = () => assert.fail('it was asked')
  const { app } = await fixture(t, { messages: { ...NOBODY, requeue } })
  const payload = JSON.stringify({ service: 'orders', source: 'consumer:orders', topic: 'payments', key: 'a' })
  for (const [headers, status] of [
    [{ origin: 'http://evil.example' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ host: 'evil.example' }, 421],
    [{ 'content-type': 'text/plain' }, 400],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ] as const) {
    const answer = await app.inject({ method: 'POST', url: '/api/dead-letters/requeue', headers: { ...HEADERS, ...headers }, payload })
    assert.equal(answer.statusCode, status, JSON.stringify(headers))
  }
  assert.equal((await app.inject({ url: '/api/dead-letters/requeue', headers: HEADERS })).statusCode, 405)
})

test('what a process cannot answer is said with a status that fits', async (t) => {
  const { app, get } = await fixture(t)
  assert.deepEqual((await get('/api/messages')).json, { services: [] })
  assert.equal((await get('/api/dead-letter?service=orders&id=m-1')).status, 404)
  assert.equal((await get('/api/dead-letter?service=orders')).status, 400)
  const payload = JSON.stringify({ service: 'orders', source: 'consumer:orders', topic: 'payments', key: 'a' })
  const down = await app.inject({ method: 'POST', url: '/api/dead-letters/requeue', headers: HEADERS, payload })
  assert.equal(down.statusCode, 503)
  assert.match(down.body, /backing-off/)
})

test('a foreign name, a foreign origin and a foreign page’s request are refused', async (t) => {
  const { get, post } = await fixture(t, { hostNames: ['console.internal'] })
  assert.equal((await get('/api/traces', { host: 'evil.example:4000' })).status, 421)
  assert.equal((await get('/api/traces', { host: '127.0.0.1.evil.example' })).status, 421)
  assert.equal((await get('/api/traces', { origin: 'http://evil.example' })).status, 403)
  assert.equal((await get('/api/traces', { 'sec-fetch-site': 'cross-site' })).status, 403)
  assert.equal((await post(checkout(), { origin: 'null' })).status, 403)
  for (const host of ['localhost:4000', '127.0.0.1:4000', '[::1]:4000', 'CONSOLE.internal']) {
    assert.equal((await get('/api/traces', { host })).status, 200, host)
  }
  assert.equal((await get('/api/traces', { origin: 'http://127.0.0.1:4000', 'sec-fetch-site': 'same-origin' })).status, 200)
})

test('every answer forbids foreign content, framing and sniffing, and none allows another origin', async (t) => {
  const { get } = await fixture(t)
  for (const url of ['/', '/api/services', '/api/traces/none', '/healthz']) {
    const { headers } = await get(url)
    assert.match(String(headers['content-security-policy']), /default-src 'none'/)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['access-control-allow-origin'], undefined)
  }
})

test('without a built page the console says how to build it', async (t) => {
  const { get } = await fixture(t)
  for (const url of ['/', '/traces/0af7651916cd43dd8448eb211c80319c']) {
    const { status, text } = await get(url, { accept: 'text/html' })
    assert.equal(status, 503)
    assert.match(text, /npm run build:console/)
  }
})

test('policies are shown as the services say them, and a fault goes to whom it is meant for', async (t) => {
  const { resilience, ordered } = fakeResilience(strainedServices())
  const { app, get } = await fixture(t, { resilience })
  const { json } = await get('/api/resilience')
  assert.deepEqual(
    (json['services'] as { service: string }[]).map(({ service }) => service),
    ['orders', 'payments', 'storefront'],
  )
  const order = async (payload: object, headers: Record<string, string> = {}) =>
    (await app.inject({ method: 'POST', url: '/api/faults', payload, headers: { host: '127.0.0.1', ...headers } })).statusCode
  assert.equal(await order({ service: 'payments', fault: { kind: 'latency', ms: 2_000 } }), 200)
  assert.deepEqual(ordered, ['payments {"kind":"latency","ms":2000}'])
  assert.equal(await order({ service: 'nobody', fault: { kind: 'kill' } }), 404)
  assert.equal(await order({ fault: { kind: 'kill' } }), 400)
  assert.equal(await order({ service: 'payments' }), 400)
  assert.equal(await order({ service: 'payments', fault: { kind: 'kill' } }, { origin: 'https://elsewhere.example' }), 403)
  assert.equal(ordered.length, 1)
})

test('a file of Zipkin, of Jaeger, and one that was exported here are imported; others are refused', async (t) => {
  const { app, get, queue } = await fixture(t)
  const post = async (path: string, body: unknown) => {
    const payload = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await app.inject({ method: 'POST', url: path, headers: HEADERS, payload })
    await queue.drain()
    return { status: response.statusCode, json: JSON.parse(response.body) as Record<string, unknown> }
  }
  const zipkin = [
    { traceId: 'abc', id: '1', name: 'get', timestamp: 1_700_000_000_000_000, duration: 5, localEndpoint: { serviceName: 'old' } },
  ]
  const sent = await post('/api/v2/spans', zipkin)
  const traceId = 'abc'.padStart(32, '0')
  assert.deepEqual([sent.status, sent.json], [202, { format: 'zipkin', spans: 1, rejected: 0, traceIds: [traceId] }])
  const exported = (await get(`/api/traces/${traceId}`)).json
  const again = await post('/api/import', exported)
  assert.deepEqual(again.json, { format: 'otlp', spans: 1, rejected: 0, traceIds: [traceId] })
  assert.deepEqual((await get(`/api/traces/${traceId}`)).json, exported)
  assert.equal((await post('/api/v2/spans', exported)).status, 400)
  for (const body of ['no json', '{}', '[]']) assert.equal((await post('/api/import', body)).status, 400, body)
  // As many as a request may have, although each is a resource of its own in OTLP's form.
  const many = Array.from({ length: 8_000 }, (_, index) => ({ ...zipkin[0], id: String(index + 1) }))
  assert.equal((await post('/api/import', many)).status, 202)
  // Counted before anybody looks at what is in it.
  const tooMany = await post('/api/import', `[[${'{},'.repeat(20_000)}{}]]`)
  assert.equal(tooMany.status, 413)
  assert.match(String(tooMany.json['detail']), /20000 spans/)
})
