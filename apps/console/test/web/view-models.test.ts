import assert from 'node:assert/strict'
import { test } from 'node:test'
import { barOf } from '../../web/src/pages/traces/bar-scale.ts'
import { readTrace } from '../../src/otlp/read-trace.ts'
import { parseRoute, routeUrl } from '../../web/src/pages/registry.ts'
import { indentPx, placeLabel, tickCount } from '../../web/src/view-model/row-layout.ts'
import { BLOCK_ROWS, blockWindow, scrollToRow, scrollWithRows } from '../../web/src/view-model/row-window.ts'
import { SERVICE_COLOURS, serviceColour } from '../../web/src/view-model/service-colour.ts'
import { traceFacts } from '../../web/src/view-model/trace-facts.ts'
import { buildTree } from '../../web/src/view-model/trace-tree.ts'
import { type SpanSpec, checkoutSpans, otlpRequest } from '../checkout-trace.ts'
import { span } from './span-fixture.ts'

const options = { traceId: '0af7651916cd43dd8448eb211c80319c', correlationId: 'c-1', startMs: 1_795_438_250_000 }
const checkout = (outcome: 'completed' | 'declined') => readTrace(otlpRequest(checkoutSpans(outcome), options) as never)!

test('a checkout reads as one tree, answered before all of it was done', () => {
  const trace = checkout('completed')
  const roots = buildTree(trace.spans)
  assert.equal(roots.length, 1)
  const facts = traceFacts(trace, roots)
  assert.equal(facts.title, 'POST /api/checkout')
  assert.equal(facts.answeredUs, 137_000)
  assert.equal(trace.durationUs, 251_000)
  assert.equal(trace.startMs, options.startMs)
  assert.equal(facts.correlationId, 'c-1')
  assert.deepEqual(
    facts.services.map(({ name }) => name),
    ['gateway', 'orders', 'monolith', 'inventory', 'payments', 'shipping', 'analytics', 'order-history', 'notifications'],
  )
})

test('a declined checkout counts its errors by service', () => {
  const trace = checkout('declined')
  const facts = traceFacts(trace, buildTree(trace.spans))
  assert.deepEqual([facts.outcome, facts.httpStatus, facts.errorCount, facts.retriedCount], ['rejected', 201, 4, 0])
  assert.deepEqual(
    facts.services.filter(({ errors }) => errors > 0).map(({ name, errors }) => [name, errors]),
    [
      ['orders', 2],
      ['payments', 2],
    ],
  )
})

test('an attempt that was repeated with success is no error of its trace, nor what failed below it', () => {
  const attempt = (start: number, error?: string): SpanSpec => ({
    service: 'orders',
    name: 'checkout charge',
    kind: 'internal',
    start,
    end: start + 2,
    ...(error !== undefined && { error }),
    children: [{ service: 'payments', name: 'Charge', kind: 'server', start, end: start + 2, ...(error !== undefined && { error }) }],
  })
  const root: SpanSpec = {
    service: 'orders',
    name: 'POST /x',
    kind: 'server',
    start: 0,
    end: 9,
    children: [attempt(1, 'timeout'), attempt(5)],
  }
  const trace = readTrace(otlpRequest([root], options) as never)!
  const roots = buildTree(trace.spans)
  const facts = traceFacts(trace, roots)
  assert.deepEqual([facts.outcome, facts.errorCount, facts.retriedCount], ['ok', 0, 1])
  assert.deepEqual(
    roots[0]!.children.map(({ retried, children }) => [retried, children[0]!.retried]),
    [
      ['attempt', 'part'],
      [undefined, undefined],
    ],
  )
  assert.equal(roots[0]!.errorsBelow, 0)
})

test('a trace is titled by the deepest route that answered its request', () => {
  const served = (service: string, route: string | undefined, children: SpanSpec[] = []): SpanSpec => ({
    service,
    name: `GET ${route ?? ''}`,
    kind: 'server',
    start: children.length === 0 ? 1 : 0,
    end: 9,
    attributes: { 'http.request.method': 'GET', 'url.path': '/api/reviews', ...(route !== undefined && { 'http.route': route }) },
    children,
  })
  const title = (root: SpanSpec) => {
    const trace = readTrace(otlpRequest([root], options) as never)!
    return traceFacts(trace, buildTree(trace.spans)).title
  }
  assert.equal(title(served('gateway', '/api/*', [served('monolith', '/api/reviews')])), 'GET /api/reviews')
  assert.equal(title(served('gateway', '/api/:kind', [served('monolith', '/api/reviews')])), 'GET /api/:kind')
  assert.equal(title(served('gateway', '/api/*')), 'GET /api/reviews')
})

test('attributes of every OTLP type become text, and times keep their nanoseconds', () => {
  const value = {
    arrayValue: {
      values: [
        { intValue: '9007199254740993' },
        { boolValue: false },
        { doubleValue: 0.5 },
        { kvlistValue: { values: [{ key: 'k', value: { stringValue: 'v' } }] } },
      ],
    },
  }
  const trace = readTrace({
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [
              {
                traceId: 't',
                spanId: 'a',
                name: '',
                startTimeUnixNano: '1795438250000000001',
                endTimeUnixNano: '1795438250000000501',
                attributes: [{ key: 'x', value }, { key: 'none' }],
              },
            ],
          },
        ],
      },
    ],
  })!
  const [only] = trace.spans
  assert.deepEqual(only!.attributes, [
    { key: 'x', value: '[9007199254740993, false, 0.5, {k: v}]' },
    { key: 'none', value: '' },
  ])
  assert.equal(only!.endUs, 0.5)
  assert.equal(only!.service, 'unknown')
  assert.equal(only!.name, '(no name)')
  assert.equal(readTrace({}), undefined)
})

test('every address leads to its page and back', () => {
  const id = options.traceId
  for (const url of [
    '/system',
    '/messages',
    '/messages?service=orders&letter=things%2F0%2F0',
    '/traces',
    '/traces?q=a+b%26c&service=orders&outcome=failed&min=100&background=show',
    `/traces/${id}`,
    `/traces/${id}?span=00f067aa0ba902b7`,
  ]) {
    const [pathname, search = ''] = url.split('?')
    const route = parseRoute({ pathname: pathname!, search })
    assert.notEqual(route.page, 'unknown')
    assert.equal(routeUrl(route as Exclude<typeof route, { page: 'unknown' }>), url)
  }
  assert.deepEqual(parseRoute({ pathname: '/', search: '' }), { page: 'system' })
  assert.deepEqual(parseRoute({ pathname: '/traces/nonsense', search: '' }), { page: 'unknown', path: '/traces/nonsense' })
  assert.deepEqual(parseRoute({ pathname: '/traces', search: '?min=-5&outcome=odd' }), parseRoute({ pathname: '/traces', search: '' }))
})

test('only rows in sight are in the window, and some around them; it moves by whole blocks and keeps its size', () => {
  const blockPx = BLOCK_ROWS * 24
  const at = (scrollTop: number, count = 5_000) => blockWindow({ scrollTop, height: 240, rowHeight: 24, count })
  assert.deepEqual(at(0), { first: 0, end: 6 })
  assert.deepEqual(at(blockPx * 100), { first: 99, end: 105 })
  assert.deepEqual(at(blockPx * 101 - 1), at(blockPx * 100))
  assert.deepEqual(at(blockPx * 101), { first: 100, end: 106 })
  assert.deepEqual(at(5_000 * 24), { first: 5_000 / BLOCK_ROWS - 6, end: 5_000 / BLOCK_ROWS })
  assert.deepEqual(at(99_999, 10), { first: 0, end: 3 })
  assert.deepEqual(at(0, 0), { first: 0, end: 0 })
  for (let scrollTop = 0; scrollTop < 3_000; scrollTop += 7) {
    const { first, end } = at(scrollTop)
    assert.ok(first * blockPx <= Math.max(0, scrollTop - blockPx) && end * blockPx >= scrollTop + 240 + blockPx, `${scrollTop}`)
  }
})

test('what is looked at stays where it is when more of a trace comes above it', () => {
  const rows = (...ids: string[]) => buildTree(ids.map((id, index) => span(id, undefined, index, index + 1)))
  const scrolled = (scrollTop: number, after: readonly string[]) =>
    scrollWithRows({ before: rows('a', 'b', 'c', 'd'), after: rows(...after), scrollTop, rowHeight: 24 })
  // Its second row begins above, by five pixels.
  assert.equal(scrolled(29, ['a', 'new', 'newer', 'b', 'c']), 77)
  assert.equal(scrolled(53, ['c', 'd']), 5)
  assert.equal(scrolled(29, ['a', 'b', 'new', 'c']), undefined)
  assert.equal(scrolled(0, ['new', 'a', 'b']), undefined, 'the beginning stays in sight')
  assert.equal(scrolled(29, ['a', 'c']), undefined, 'it is gone')
  assert.equal(scrolled(500, ['a']), undefined, 'there was no row')
})

test('a row is scrolled to only when it is out of sight, and as little as need be', () => {
  const box = { scrollTop: 240, height: 240, rowHeight: 24 }
  assert.equal(scrollToRow({ ...box, index: 12 }), undefined)
  assert.equal(scrollToRow({ ...box, index: 9 }), 216)
  assert.equal(scrollToRow({ ...box, index: 20 }), 264)
})

test('a label stands behind its bar, else before it, else within; where it fits nowhere a shorter one or none', () => {
  const at = (left: number, bar: number, right: number, timePx = 400) =>
    placeLabel({ left, bar, right, texts: ['137 ms after 23.0 ms on its way', '137 ms'], timePx })
  const long = '137 ms after 23.0 ms on its way'
  assert.deepEqual(at(0.1, 0.1, 0.4), { place: 'behind', text: long })
  assert.deepEqual(at(0.6, 0.7, 0.95), { place: 'before', text: long })
  assert.deepEqual(at(0, 0, 1), { place: 'within', text: long })
  assert.deepEqual(at(0.1, 0.4, 0.8), { place: 'behind', text: '137 ms' })
  assert.deepEqual(at(0.2, 0.6, 0.95), { place: 'before', text: '137 ms' })
  assert.deepEqual(at(0, 0, 1, 150), { place: 'within', text: '137 ms' })
  assert.equal(at(0, 0, 1, 40), undefined)
  // The way to a bar is no room for a label: it would stand beyond the axis.
  assert.equal(at(0, 0.9, 1, 150), undefined)
})

test('a duration that is longer than the scale has a full bar, and is marked', () => {
  assert.deepEqual(barOf(5, 10), { width: 0.5, isCut: false })
  assert.deepEqual(barOf(10, 10), { width: 1, isCut: false })
  assert.deepEqual(barOf(11, 10), { width: 1, isCut: true })
})

test('a deep tree is indented less, and a narrow axis has fewer ticks', () => {
  assert.equal(indentPx(5, 400), 14)
  assert.ok(indentPx(30, 400) * 30 <= 200)
  assert.equal(indentPx(10_000, 400), 2)
  assert.deepEqual([tickCount(50), tickCount(450), tickCount(5_000)], [2, 4, 8])
})

test('a service keeps its colour whatever else is known; the first twelve of a system differ', () => {
  const declared = Array.from({ length: SERVICE_COLOURS }, (_, index) => `service-${index}`)
  assert.equal(new Set(declared.map((name) => serviceColour(declared, name))).size, SERVICE_COLOURS)
  assert.equal(serviceColour([], 'batch'), serviceColour(declared, 'batch'))
})
