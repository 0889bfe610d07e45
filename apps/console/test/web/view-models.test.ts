import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTrace } from '../../web/src/view-model/otlp-trace.ts'
import { parseRoute, routeUrl } from '../../web/src/view-model/route.ts'
import { indentPx, labelPlace, tickCount } from '../../web/src/view-model/row-layout.ts'
import { rowWindow, scrollToRow } from '../../web/src/view-model/row-window.ts'
import { SERVICE_COLOURS, serviceColour } from '../../web/src/view-model/service-colour.ts'
import { traceFacts } from '../../web/src/view-model/trace-facts.ts'
import { buildTree } from '../../web/src/view-model/trace-tree.ts'
import { checkoutSpans, otlpRequest } from '../checkout-trace.ts'

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
  assert.equal(facts.errorCount, 4)
  assert.deepEqual(
    facts.services.filter(({ errors }) => errors > 0).map(({ name, errors }) => [name, errors]),
    [
      ['orders', 2],
      ['payments', 2],
    ],
  )
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
    '/traces',
    '/traces?q=a+b%26c&service=orders&status=error&min=100',
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
  assert.deepEqual(parseRoute({ pathname: '/traces', search: '?min=-5&status=odd' }), parseRoute({ pathname: '/traces', search: '' }))
})

test('only rows in sight are drawn, and some around them', () => {
  assert.deepEqual(rowWindow({ scrollTop: 0, height: 240, rowHeight: 24, count: 5_000, overscan: 5 }), { first: 0, end: 15 })
  assert.deepEqual(rowWindow({ scrollTop: 24_000, height: 240, rowHeight: 24, count: 5_000, overscan: 5 }), { first: 995, end: 1_015 })
  assert.deepEqual(rowWindow({ scrollTop: 99_999, height: 240, rowHeight: 24, count: 10, overscan: 5 }), { first: 5, end: 10 })
  assert.deepEqual(rowWindow({ scrollTop: 0, height: 240, rowHeight: 24, count: 0 }), { first: 0, end: 0 })
})

test('a row is scrolled to only when it is out of sight, and as little as need be', () => {
  const box = { scrollTop: 240, height: 240, rowHeight: 24 }
  assert.equal(scrollToRow({ ...box, index: 12 }), undefined)
  assert.equal(scrollToRow({ ...box, index: 9 }), 216)
  assert.equal(scrollToRow({ ...box, index: 20 }), 264)
})

test('a label stands behind its bar, else before it, else within', () => {
  const at = (left: number, right: number) => labelPlace({ left, right, text: '137 ms', timePx: 400 })
  assert.equal(at(0.1, 0.5), 'behind')
  assert.equal(at(0.6, 0.95), 'before')
  assert.equal(at(0, 1), 'within')
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
