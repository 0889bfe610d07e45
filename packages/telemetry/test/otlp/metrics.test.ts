import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { VirtualClock } from '@seaworthy/testing'
import { rootContext, withContext } from 'seaworthy/core'
import { Histogram } from '../../src/histogram.ts'
import type { MetricFamily } from '../../src/metric-family.ts'
import { metricsProtobuf } from '../../src/otlp/metrics-protobuf.ts'
import { type KeyValue, metricsMoment, pointsIn } from '../../src/otlp/metrics.ts'
import { fieldsOf } from '../../src/otlp/protobuf.ts'

const resource = resourceFromAttributes({ 'service.name': 'orders', 'process.pid': 4_711, shares: [0.5, -1], ok: true })
const moment = { resource, startMs: 1_795_787_722_224.5, nowMs: 1_795_787_730_000 }
const times = { startTimeUnixNano: '1795787722224500000', timeUnixNano: '1795787730000000000' }
const metricsOf = (...families: MetricFamily[]) => metricsMoment(families, moment).resourceMetrics[0].scopeMetrics[0].metrics
const texts = (labels: Record<string, string>): KeyValue[] =>
  Object.entries(labels).map(([key, stringValue]) => ({ key, value: { stringValue } }))

const COUNTER: MetricFamily = { name: 'calls_total', type: 'counter', help: 'Calls.', samples: [[{ policy: 'stock' }, 7]] }
const GAUGE: MetricFamily = { name: 'queued', type: 'gauge', help: 'Waiting.', samples: [[{}, 0.5]] }

/** One of `/a`, of which the second was observed in a recorded span. */
function observedHistogram(): Histogram {
  const clock = new VirtualClock({ nowMs: 1_795_787_725_000 })
  const histogram = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'How long.',
    convention: { name: 'http.server.request.duration', unit: 's', attributes: { http_route: 'http.route' } },
    bounds: [0.1, 1, 10],
    seriesMax: 10,
    clock,
  })
  const traceparent = `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-01`
  for (const seconds of [0.0625, 0.1, 20]) histogram.observe({ http_route: '/a', upstream: 'u' }, seconds)
  withContext(rootContext({ traceparent }), () => histogram.observe({ http_route: '/a', upstream: 'u' }, 0.5))
  return histogram
}

test('a counter is a sum that only grows, since the process started; a gauge is what it is now', () => {
  assert.deepEqual(metricsOf(COUNTER, GAUGE), [
    {
      name: 'calls_total',
      description: 'Calls.',
      unit: '',
      sum: {
        aggregationTemporality: 2,
        isMonotonic: true,
        dataPoints: [{ attributes: texts({ policy: 'stock' }), ...times, asDouble: 7 }],
      },
    },
    { name: 'queued', description: 'Waiting.', unit: '', gauge: { dataPoints: [{ attributes: [], ...times, asDouble: 0.5 }] } },
  ])
})

test('a histogram has its buckets apart, the names and the unit of the conventions, and the trace of one in each bucket', () => {
  const histogram = observedHistogram()
  histogram.bind({}).observe(5)
  const [metric] = metricsOf(histogram.family())
  assert.deepEqual([metric!.name, metric!.description, metric!.unit], ['http.server.request.duration', 'How long.', 's'])
  const explicitBounds = [0.1, 1, 10]
  const exemplar = { timeUnixNano: '1795787725000000000', asDouble: 0.5, traceId: 'a1'.repeat(16), spanId: 'b2'.repeat(8) }
  assert.deepEqual(metric!.histogram, {
    aggregationTemporality: 2,
    dataPoints: [
      {
        attributes: texts({ 'http.route': '/a', upstream: 'u' }),
        ...times,
        count: 4,
        sum: 20.6625,
        bucketCounts: [2, 1, 0, 1],
        explicitBounds,
        exemplars: [exemplar],
      },
      { attributes: [], ...times, count: 1, sum: 5, bucketCounts: [0, 0, 1, 0], explicitBounds },
    ],
  })
})

test('what is no number is left out, and so is a metric of nothing', () => {
  const gauge = (value: number): MetricFamily => ({ name: 'g', type: 'gauge', help: 'G.', samples: [[{}, value]] })
  assert.deepEqual(metricsOf(gauge(Number.NaN), gauge(Number.POSITIVE_INFINITY), { ...gauge(1), samples: [] }), [])
  assert.equal(pointsIn(metricsMoment([gauge(1), gauge(2), gauge(Number.NaN)], moment)), 2)
})

/** What stands at a path of field numbers. */
function at(bytes: Uint8Array, [field, ...path]: readonly number[]): readonly Uint8Array[] {
  const here = [...fieldsOf(bytes)].flatMap((each) => (each.field === field && typeof each.value !== 'number' ? [each.value] : []))
  return path.length === 0 ? here : here.flatMap((each) => at(each, path))
}

test('in protobuf it is to the byte what the serializer of OpenTelemetry writes', () => {
  const hrTimes = { startTime: [1_795_787_722, 224_500_000], endTime: [1_795_787_730, 0] }
  const point = (attributes: object, value: unknown) => [{ ...hrTimes, attributes, value }]
  const described = (name: string, description: string, unit = '') => ({
    descriptor: { name, description, unit, valueType: 1 },
    aggregationTemporality: 1,
  })
  const stock = ProtobufMetricsSerializer.serializeRequest({
    resource,
    scopeMetrics: [
      {
        scope: { name: 'seaworthy' },
        metrics: [
          { ...described('calls_total', 'Calls.'), dataPointType: 3, isMonotonic: true, dataPoints: point({ policy: 'stock' }, 7) },
          { ...described('queued', 'Waiting.'), dataPointType: 2, dataPoints: point({}, 0.5) },
          {
            ...described('http.server.request.duration', 'How long.', 's'),
            dataPointType: 0,
            dataPoints: point(
              { 'http.route': '/a', upstream: 'u' },
              { sum: 0.0625, count: 1, buckets: { boundaries: [0.1, 1, 10], counts: [1, 0, 0, 0] } },
            ),
          },
        ],
      },
    ],
  } as never)!
  const histogram = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'How long.',
    convention: { name: 'http.server.request.duration', unit: 's', attributes: { http_route: 'http.route' } },
    bounds: [0.1, 1, 10],
    seriesMax: 10,
  })
  histogram.observe({ http_route: '/a', upstream: 'u' }, 0.0625)
  const ours = metricsProtobuf(metricsMoment([COUNTER, GAUGE, histogram.family()], moment))
  const hex = (bytes: Uint8Array, ...path: number[]) => at(bytes, path).map((each) => Buffer.from(each).toString('hex'))
  assert.deepEqual(hex(ours, 1, 2), hex(stock, 1, 2))
  assert.equal(hex(ours, 1, 2, 2).length, 3)
  // Theirs says besides that no attribute was dropped.
  assert.deepEqual(
    hex(ours, 1, 1).map((each) => `${each}1000`),
    hex(stock, 1, 1),
  )
})

test('in protobuf an exemplar has its time, its value and the ids of its span', () => {
  const bytes = metricsProtobuf(metricsMoment([observedHistogram().family()], moment))
  const [exemplar, ...others] = at(bytes, [1, 2, 2, 9, 1, 8])
  assert.deepEqual(others, [])
  const [time, value] = [Buffer.alloc(8), Buffer.alloc(8)]
  time.writeBigUInt64LE(1_795_787_725_000_000_000n)
  value.writeDoubleLE(0.5)
  // Fields 2 and 3 of 64 bits, then 4 and 5 with lengths (metrics/v1/metrics.proto, Exemplar).
  const expected = `11${time.toString('hex')}19${value.toString('hex')}2208${'b2'.repeat(8)}2a10${'a1'.repeat(16)}`
  assert.equal(Buffer.from(exemplar!).toString('hex'), expected)
})
