import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { InvalidInputError } from 'seaworthy/core'
import { readTraceFile } from '../../src/import/formats.ts'
import { checkRequest } from '../../src/otlp/check.ts'
import { scalarAttribute, textAttribute } from '../../src/otlp/model.ts'

/** The spans of a file as they are kept, with their services. */
function spansOf(value: unknown) {
  const { format, request } = readTraceFile(value)
  const { resourceSpans, rejected } = checkRequest(request)
  assert.equal(rejected, 0)
  const spans = resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap((scope) => scope.spans.map((span) => ({ ...span, service: textAttribute(resource?.attributes, 'service.name') }))),
  )
  return { format, spans }
}

suite('a file of Jaeger', () => {
  const span = {
    traceID: 'abc',
    spanID: '1',
    operationName: 'checkout',
    startTime: 1_700_000_000_000_000,
    duration: 1_500,
    processID: 'p1',
    tags: [
      { key: 'span.kind', type: 'string', value: 'server' },
      { key: 'error', type: 'bool', value: true },
      { key: 'http.status_code', type: 'int64', value: 500 },
    ],
    logs: [{ timestamp: 1_700_000_000_000_100, fields: [{ key: 'event', type: 'string', value: 'retry' }] }],
  }
  const processes = { p1: { serviceName: 'orders', tags: [{ key: 'host', type: 'string', value: 'a' }] } }

  test('keeps service, kind, error, attributes, events and times', () => {
    const { format, spans } = spansOf({ data: [{ traceID: 'abc', spans: [span], processes }] })
    assert.equal(format, 'jaeger')
    const [found] = spans
    assert.equal(found!.service, 'orders')
    assert.deepEqual([found!.traceId, found!.spanId], ['abc'.padStart(32, '0'), '1'.padStart(16, '0')])
    assert.deepEqual([found!.kind, found!.status?.code], [2, 2])
    assert.equal(scalarAttribute(found!.attributes, 'http.status_code'), '500')
    assert.deepEqual([found!.startTimeUnixNano, found!.endTimeUnixNano], ['1700000000000000000', '1700000000001500000'])
    assert.match(JSON.stringify(found!.events), /"name":"retry"/)
  })

  test('takes the parent that is waited for, and keeps other references as links', () => {
    const references = [
      { refType: 'FOLLOWS_FROM', traceID: 'abc', spanID: '7' },
      { refType: 'CHILD_OF', traceID: 'abc', spanID: '8' },
      { refType: 'CHILD_OF', traceID: 'other', spanID: '9' },
    ]
    const [found] = spansOf({ traceID: 'abc', spans: [{ ...span, references }], processes }).spans
    assert.equal(found!.parentSpanId, '8'.padStart(16, '0'))
    assert.equal(found!.links?.length, 2)
    const [following] = spansOf({ traceID: 'abc', spans: [{ ...span, references: references.slice(0, 1) }], processes }).spans
    assert.equal(following!.parentSpanId, '7'.padStart(16, '0'))
    assert.equal(textAttribute(following!.attributes, 'opentracing.ref_type'), 'follows_from')
  })

  test('gives ids that are no numbers others, the same for the same', () => {
    const child = { ...span, spanID: 'child', references: [{ refType: 'CHILD_OF', traceID: 'a trace', spanID: 'parent' }] }
    const spans = [{ ...span, spanID: 'parent' }, child].map((each) => ({ ...each, traceID: 'a trace' }))
    const [parent, other] = spansOf({ data: [{ spans, processes }] }).spans
    assert.match(parent!.spanId, /^[0-9a-f]{16}$/)
    assert.equal(other!.parentSpanId, parent!.spanId)
  })
})

suite('a file of Zipkin', () => {
  const client = {
    traceId: 'abc',
    id: '2',
    parentId: '1',
    kind: 'CLIENT',
    name: 'get /stock',
    timestamp: 1_000,
    duration: 90,
    localEndpoint: { serviceName: 'orders' },
  }
  const server = { ...client, kind: 'SERVER', timestamp: 1_010, duration: 60, shared: true, localEndpoint: { serviceName: 'inventory' } }
  const query = {
    traceId: 'abc',
    id: '3',
    parentId: '2',
    name: 'select',
    timestamp: 1_020,
    duration: 40,
    localEndpoint: { serviceName: 'inventory' },
  }

  test('sets the two halves of a shared span below each other, and what the server did below its half', () => {
    const { format, spans } = spansOf([server, query, client])
    assert.equal(format, 'zipkin')
    const of = (service: string, kind: number) => spans.find((span) => span.service === service && span.kind === kind)!
    assert.equal(of('inventory', 2).parentSpanId, of('orders', 3).spanId)
    assert.equal(of('inventory', 0).parentSpanId, of('inventory', 2).spanId)
    assert.equal(of('orders', 3).parentSpanId, '1'.padStart(16, '0'))
  })

  test('puts reports of one span together, those without kind and time too', () => {
    const named = { traceId: 'abc', id: '2', localEndpoint: { serviceName: 'orders' }, tags: { late: 'yes' } }
    const { spans } = spansOf([named, { ...client, tags: { 'http.path': '/stock' } }])
    assert.equal(spans.length, 1)
    assert.deepEqual(spans[0]!.attributes?.map(({ key }) => key).toSorted(), ['http.path', 'late'])
  })

  test('a span without time gets that of its parent, and says so; one that never ended is a point', () => {
    const { spans } = spansOf([client, { ...query, timestamp: undefined, duration: undefined }, { ...query, id: '4', duration: undefined }])
    const timeless = spans.find(({ attributes }) => textAttribute(attributes, 'zipkin.time') !== undefined)
    const endless = spans.find(({ spanId }) => spanId.endsWith('4'))
    assert.equal(timeless!.startTimeUnixNano, '1000000')
    assert.match(textAttribute(timeless!.attributes, 'zipkin.time') ?? '', /missing/)
    assert.equal(endless!.startTimeUnixNano, endless!.endTimeUnixNano)
  })

  test('a chain without times is walked once, not from each of its spans', () => {
    let looks = 0
    const chain = Array.from({ length: 2_000 }, (_, index) => ({
      traceId: 'abc',
      id: `${index + 1}`,
      ...(index === 0 && { timestamp: 1_000 }),
      get parentId() {
        looks++
        return `${index}`
      },
    }))
    const { spans } = spansOf(chain.toReversed())
    assert.deepEqual(new Set(spans.map(({ startTimeUnixNano }) => startTimeUnixNano)), new Set(['1000000']))
    assert.ok(looks < 10 * chain.length, `${looks} looks`)
  })

  test('many reports under one id are each compared with their own kind alone', () => {
    let looks = 0
    const reports = Array.from({ length: 2_000 }, (_, index) => ({
      ...client,
      get kind() {
        looks++
        return `KIND ${index}`
      },
    }))
    assert.equal(spansOf(reports).spans.length, reports.length)
    assert.ok(looks < 20 * reports.length, `${looks} looks`)
  })

  test('a circle of parents without time ends', () => {
    const { spans } = spansOf([
      { traceId: 'abc', id: '5', parentId: '6' },
      { traceId: 'abc', id: '6', parentId: '5' },
    ])
    assert.equal(spans.length, 2)
  })
})

test('another file is refused, and the known formats are named', () => {
  for (const value of [null, 3, 'text', [], {}, { data: [] }, { resourceLogs: [] }, [{ id: 1 }]]) {
    assert.throws(
      () => readTraceFile(value),
      (error) => error instanceof InvalidInputError && /OTLP.*Jaeger.*Zipkin/.test(error.message),
      JSON.stringify(value),
    )
  }
})
