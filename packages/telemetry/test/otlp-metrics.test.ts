import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { Histogram } from '../src/histogram.ts'
import type { MetricFamily } from '../src/metric-family.ts'
import { pointsIn, resourceMetrics } from '../src/otlp-metrics.ts'

const moment = { resource: resourceFromAttributes({ 'service.name': 'orders' }), startMs: 1_795_787_722_224.5, nowMs: 1_795_787_730_000 }
const times = { startTime: [1_795_787_722, 224_500_000], endTime: [1_795_787_730, 0] }
const metricsOf = (...families: MetricFamily[]) => resourceMetrics(families, moment).scopeMetrics.flatMap(({ metrics }) => metrics)

test('a counter is a sum that only grows, since the process started; a gauge is what it is now', () => {
  const counter: MetricFamily = { name: 'calls_total', type: 'counter', help: 'Calls.', samples: [[{ policy: 'stock' }, 7]] }
  const gauge: MetricFamily = { name: 'queued', type: 'gauge', help: 'Waiting.', samples: [[{}, 0.5]] }
  assert.deepEqual(metricsOf(counter, gauge), [
    {
      descriptor: { name: 'calls_total', description: 'Calls.', unit: '', valueType: 1 },
      aggregationTemporality: 1,
      dataPointType: 3,
      isMonotonic: true,
      dataPoints: [{ ...times, attributes: { policy: 'stock' }, value: 7 }],
    },
    {
      descriptor: { name: 'queued', description: 'Waiting.', unit: '', valueType: 1 },
      aggregationTemporality: 1,
      dataPointType: 2,
      dataPoints: [{ ...times, attributes: {}, value: 0.5 }],
    },
  ])
})

test('a histogram has its buckets apart, and the names and the unit of the conventions', () => {
  const histogram = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'How long.',
    convention: { name: 'http.server.request.duration', unit: 's', attributes: { http_route: 'http.route' } },
    bounds: [0.1, 1, 10],
    seriesMax: 10,
  })
  for (const seconds of [0.0625, 0.1, 0.5, 20]) histogram.observe({ http_route: '/a', upstream: 'u' }, seconds)
  histogram.bind({}).observe(5)
  const [metric] = metricsOf(histogram.family())
  assert.deepEqual(metric!.descriptor, { name: 'http.server.request.duration', description: 'How long.', unit: 's', valueType: 1 })
  assert.equal(metric!.dataPointType, 0)
  assert.deepEqual(metric!.dataPoints, [
    {
      ...times,
      attributes: { 'http.route': '/a', upstream: 'u' },
      value: { sum: 20.6625, count: 4, buckets: { boundaries: [0.1, 1, 10], counts: [2, 1, 0, 1] } },
    },
    { ...times, attributes: {}, value: { sum: 5, count: 1, buckets: { boundaries: [0.1, 1, 10], counts: [0, 0, 1, 0] } } },
  ])
})

test('what is no number is left out, and so is a metric of nothing', () => {
  const gauge = (value: number): MetricFamily => ({ name: 'g', type: 'gauge', help: 'G.', samples: [[{}, value]] })
  assert.deepEqual(metricsOf(gauge(Number.NaN), gauge(Number.POSITIVE_INFINITY), { ...gauge(1), samples: [] }), [])
  assert.equal(pointsIn(resourceMetrics([gauge(1), gauge(2), gauge(Number.NaN)], moment)), 2)
})
