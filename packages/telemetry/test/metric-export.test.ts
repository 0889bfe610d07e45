import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { instruments, type MetricFamily } from '@seaworthy/telemetry/prometheus'
import { VirtualClock } from '@seaworthy/testing'
import { observed } from 'seaworthy/core'
import type { ExportTrouble, SendResult, Transport } from '../src/export-queue.ts'
import { type TelemetryOptions, startTelemetry } from '../src/index.ts'
import { MetricExport } from '../src/metric-export.ts'
import type { MetricsMoment } from '../src/otlp/metrics.ts'
import { FakeCollector } from './fake-collector.ts'

const STORED: SendResult = { kind: 'stored', rejected: 0, why: '' }
const AWAY: SendResult = { kind: 'unreachable', why: 'ECONNREFUSED' }

function exporting(answer: () => SendResult | Promise<SendResult>, collect?: () => Promise<readonly MetricFamily[]>) {
  const clock = new VirtualClock()
  const sent: MetricsMoment[] = []
  const troubles: ExportTrouble[] = []
  const asked: (boolean | undefined)[] = []
  let count = 0
  const transport: Transport<MetricsMoment> = {
    async send(items) {
      sent.push(...items)
      return answer()
    },
    close: () => undefined,
  }
  const exported = new MetricExport({
    way: { to: 'http://c', transport, metricsEveryMs: 60_000 },
    metrics: {
      collect:
        collect ??
        (async ({ isLast }) => {
          asked.push(isLast)
          return [{ name: 'asked_total', type: 'counter', help: 'Asked.', samples: [[{}, ++count]] }]
        }),
    },
    resource: resourceFromAttributes({}),
    clock,
    startMs: 0,
    onTrouble: (_to, trouble) => troubles.push(trouble),
  })
  const values = () => sent.map(({ resourceMetrics: [{ scopeMetrics }] }) => scopeMetrics[0].metrics[0]?.sum?.dataPoints[0]?.asDouble)
  return { clock, exported, sent, troubles, asked, values }
}

test('all metrics are sent at each interval, and once more at the end', async () => {
  const { clock, exported, asked, values } = exporting(() => STORED)
  await clock.advance(59_999)
  assert.deepEqual(values(), [])
  await clock.advance(1)
  await clock.advance(60_000)
  assert.deepEqual(values(), [1, 2])
  await exported.shutdown()
  assert.deepEqual(values(), [1, 2, 3])
  assert.deepEqual(asked, [false, false, true])
  assert.deepEqual(exported.status, { queued: 0, exported: 3, dropped: 0 })
  assert.equal(clock.pending.length, 0)
})

test('nothing is kept for a collector that is away: what arrives next counts all of it, and both ends of the outage are told once', async () => {
  let isAway = true
  const { clock, exported, troubles } = exporting(() => (isAway ? AWAY : STORED))
  await clock.advance(180_000)
  isAway = false
  await clock.advance(120_000)
  assert.deepEqual(exported.status, { queued: 0, exported: 2, dropped: 3 })
  assert.deepEqual(troubles, [
    { kind: 'unreachable', why: 'ECONNREFUSED' },
    { kind: 'back', dropped: 3 },
  ])
  await exported.shutdown()
})

test('a collector that wants to be left in peace is, and its warnings are told when they are new', async () => {
  let answer: SendResult = { ...AWAY, retryAfterMs: 150_000 }
  const { clock, exported, sent, troubles } = exporting(() => answer)
  await clock.advance(60_000)
  answer = { ...STORED, why: 'too many labels' }
  await clock.advance(149_999)
  assert.equal(sent.length, 1)
  await clock.advance(1)
  await clock.advance(120_000)
  assert.equal(sent.length, 4)
  assert.deepEqual(troubles.slice(1), [
    { kind: 'back', dropped: 1 },
    { kind: 'warned', why: 'too many labels' },
  ])
  await exported.shutdown()
})

test('a receiver without metrics, such as the console, is told of once', async () => {
  const { clock, exported, troubles } = exporting(() => ({ kind: 'refused', why: 'the collector answered 501' }))
  await clock.advance(600_000)
  assert.deepEqual(troubles, [{ kind: 'refused', why: 'the collector answered 501', count: 1 }])
  assert.equal(exported.status.dropped, 10)
  await exported.shutdown()
})

test('a collector that hangs holds up neither the next interval for ever nor the end', async () => {
  const never = Promise.withResolvers<SendResult>()
  const { clock, exported, sent } = exporting(() => never.promise)
  await clock.advance(300_000)
  assert.equal(sent.length, 1, 'one request at a time')
  never.resolve(AWAY)
  await clock.advance(60_000)
  assert.equal(sent.length, 2)
  await exported.shutdown()
})

test('metrics that cannot be collected are a trouble to be told, and the next time is another try', async () => {
  let fails = true
  const { clock, exported, troubles } = exporting(
    () => STORED,
    async () => {
      if (fails) throw new Error('no such table')
      return [{ name: 'well_total', type: 'counter', help: 'Well.', samples: [[{}, 1]] }]
    },
  )
  await clock.advance(60_000)
  fails = false
  await clock.advance(60_000)
  assert.partialDeepStrictEqual(troubles, [{ kind: 'refused', why: 'They could not be collected: Error: no such table' }, { kind: 'back' }])
  await exported.shutdown()
})

async function started(t: TestContext, options: Partial<TelemetryOptions> = {}) {
  const collector = await new FakeCollector().start()
  t.after(() => collector.stop())
  const telemetry = startTelemetry({
    service: 'orders',
    instance: 'orders-1',
    logLevel: 'silent',
    destinations: [{ kind: 'otlp', url: collector.url, signals: ['metrics'] }],
    ...options,
  })
  t.after(() => telemetry.shutdown())
  return { collector, telemetry }
}

test('one call: requests are measured and sent under the names of the conventions, beside the process and what one counts oneself', async (t) => {
  const { collector, telemetry } = await started(t)
  const mine = instruments()
  const placed = mine.counter({ name: 'orders_placed_total', help: 'Orders that were placed.' }).bind({ country: 'DE' })
  telemetry.metrics.add({ sources: [mine] })
  const attributes = { 'http.request.method': 'GET', 'http.route': '/stock', 'http.response.status_code': 200, 'url.path': '/stock' }
  await observed('http.server').run(
    () => ({ name: 'GET /stock', kind: 'server', attributes }),
    async () => placed.add(2),
  )
  await telemetry.shutdown()
  assert.deepEqual(
    collector.heard.map(({ path }) => path),
    ['/v1/metrics'],
  )
  const [metrics] = collector.metrics
  const named = new Map(metrics!.map((metric) => [metric.name, metric]))
  const requests = named.get('http.server.request.duration')!
  assert.equal(requests.unit, 's')
  assert.equal(requests.histogram!.aggregationTemporality, 2, 'cumulative')
  assert.equal(requests.histogram!.dataPoints[0]!['count'], 1)
  assert.deepEqual(requests.histogram!.dataPoints[0]!.attributes, [
    { key: 'http.request.method', value: { stringValue: 'GET' } },
    { key: 'http.response.status_code', value: { stringValue: '200' } },
    { key: 'http.route', value: { stringValue: '/stock' } },
  ])
  const counted = named.get('orders_placed_total')!
  assert.deepEqual([counted.sum!.isMonotonic, counted.sum!.dataPoints[0]!['asDouble']], [true, 2])
  assert.ok(Number(named.get('process_resident_memory_bytes')!.gauge!.dataPoints[0]!['asDouble']) > 1e6)
  const start = BigInt(String(counted.sum!.dataPoints[0]!['startTimeUnixNano']))
  assert.ok(Math.abs(Number(start / 1_000_000n) - (Date.now() - process.uptime() * 1_000)) < 5_000, 'since the process began')
  assert.equal(
    telemetry.exportStatus('metrics').exported,
    metrics!.reduce((sum, { sum: s, gauge, histogram }) => sum + (s ?? gauge ?? histogram)!.dataPoints.length, 0),
  )
})

test("each series of the scrape is sent, under the name that OpenTelemetry's translation to Prometheus makes of it again", async (t) => {
  const { collector, telemetry } = await started(t)
  await observed('grpc.client').run(
    () => ({ name: 'x', kind: 'client', attributes: { 'rpc.method': 'Payments/Charge', 'seaworthy.policy': 'payments' } }),
    async () => undefined,
  )
  const scraped = new Set(
    [...(await telemetry.metrics.scrape()).matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`),
  )
  await telemetry.shutdown()
  // opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics: characters, then the unit, then _total.
  const translated = collector.metrics[0]!.map(({ name, unit, sum, histogram }) => {
    const escaped = name.replaceAll(/[^a-zA-Z0-9_:]/g, '_')
    const withUnit = unit === 's' ? `${escaped.replace(/_seconds$/, '')}_seconds` : escaped
    const type = sum !== undefined ? 'counter' : histogram !== undefined ? 'histogram' : 'gauge'
    return `${sum === undefined ? withUnit : `${withUnit.replace(/_total$/, '')}_total`} ${type}`
  })
  // At the end nobody tells which source failed.
  scraped.delete('seaworthy_metrics_source_failed gauge')
  assert.deepEqual(new Set(translated), scraped)
  assert.ok(scraped.has('rpc_client_call_duration_seconds histogram'))
})

test('a source that hangs hides nobody else, at the end of a process neither', async (t) => {
  const { collector, telemetry } = await started(t, {
    metrics: { process: false, sources: [{ name: 'database', families: () => new Promise(() => undefined) }] },
  })
  telemetry.metrics.add({
    sources: [{ name: 'mine', families: async () => [{ name: 'mine_total', type: 'counter', help: 'Mine.', samples: [[{}, 1]] }] }],
  })
  const beganMs = performance.now()
  await telemetry.shutdown()
  assert.ok(performance.now() - beganMs < 2_000)
  assert.ok(collector.metrics[0]!.some(({ name }) => name === 'mine_total'))
  assert.ok(!collector.metrics[0]!.some(({ name }) => name === 'seaworthy_metrics_source_failed'))
})

test('what became of spans, data points and log records is a metric too', async (t) => {
  const { collector, telemetry } = await started(t, { logDestination: { write: () => undefined }, logLevel: 'info' })
  assert.match(await telemetry.metrics.scrape(), /^seaworthy_telemetry_exported_total\{signal="metrics"\} 0$/m)
  const scraped = await telemetry.metrics.scrape()
  assert.doesNotMatch(scraped, /signal="traces"/, 'they go nowhere')
  assert.equal(collector.requests, 0)
})
