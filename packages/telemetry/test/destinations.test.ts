import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { observed } from 'seaworthy/core'
import { type Destination, destinationsFrom, isTaken, startTelemetry } from '../src/index.ts'
import type { ZipkinSpan } from '../src/zipkin-span.ts'
import { FakeCollector, until } from './fake-collector.ts'

const quiet = { service: 'orders', instance: 'orders-1', logLevel: 'silent' } as const
const work = observed('test.destinations')
const finish = (name: string) =>
  work.run(
    () => ({ name, kind: 'server', attributes: {} }),
    async () => undefined,
  )

test('each destination gets every span, and one that is away holds up none of the others', async (t) => {
  const [near, away] = [await new FakeCollector().start(), await new FakeCollector().start()]
  t.after(() => near.stop())
  await away.stop()
  const telemetry = startTelemetry({ ...quiet, otlpUrl: near.url, destinations: [{ kind: 'otlp-traces', url: `${away.url}/v1/traces` }] })
  t.after(() => telemetry.shutdown())
  for (const name of ['a', 'b']) {
    await finish(name)
    await until(() => near.spans.at(-1)?.name === name, `${name} arrives`)
  }
  await until(
    () => telemetry.exportStatus().queued === 2 && telemetry.exportStatus().exported === 2,
    'two that arrived, and the same two that wait',
  )
})

test('Zipkin gets its own format', async (t) => {
  const zipkin = await new FakeCollector().start()
  t.after(() => zipkin.stop())
  const telemetry = startTelemetry({ ...quiet, processFacts: false, destinations: [{ kind: 'zipkin', url: `${zipkin.url}/api/v2/spans` }] })
  await work.run(
    () => ({ name: 'reserve', kind: 'client', attributes: { 'server.address': '::1', 'server.port': 80, tries: 2 } }),
    (operation) => {
      operation!.failure = 'no stock'
      return finish('served')
    },
  )
  await telemetry.shutdown()
  const [served, reserve] = zipkin.bodies[0] as readonly ZipkinSpan[]
  assert.equal(served!.parentId, reserve!.id)
  assert.equal(served!.kind, 'SERVER')
  assert.equal(served!.remoteEndpoint, undefined, 'who called is known by the caller')
  const { traceId, id, timestamp, duration, tags, ...rest } = reserve!
  assert.match(`${traceId} ${id}`, /^[0-9a-f]{32} [0-9a-f]{16}$/)
  assert.ok(Number.isInteger(timestamp) && Number.isInteger(duration) && duration >= 1)
  assert.deepEqual(rest, {
    name: 'reserve',
    kind: 'CLIENT',
    localEndpoint: { serviceName: 'orders' },
    remoteEndpoint: { serviceName: '::1', ipv6: '::1', port: 80 },
  })
  const { 'process.pid': pid, ...others } = tags
  assert.equal(pid, String(process.pid))
  assert.deepEqual(others, {
    'service.instance.id': 'orders-1',
    'server.address': '::1',
    'server.port': '80',
    tries: '2',
    'error.type': 'failure',
    'otel.scope.name': 'seaworthy',
    'otel.status_code': 'ERROR',
    error: 'no stock',
  })
})

const collector = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318/base/' }

test("OpenTelemetry's variables name places for spans, metrics and log records", () => {
  assert.deepEqual(destinationsFrom({}), [])
  assert.deepEqual(destinationsFrom({ OTEL_EXPORTER_OTLP_ENDPOINT: '' }), [])
  const headers = { 'x-key': 'a b', y: '1' }
  assert.deepEqual(
    destinationsFrom({
      ...collector,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%20b, y = 1',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_TIMEOUT: '3000',
      OTEL_METRIC_EXPORT_INTERVAL: '15000',
      OTEL_EXPORTER_ZIPKIN_ENDPOINT: 'http://z:9411/api/v2/spans',
    }),
    [
      { kind: 'otlp-traces', url: 'http://c:4318/base/v1/traces', headers, timeoutMs: 3_000, protocol: 'http/protobuf' },
      {
        kind: 'otlp-metrics',
        url: 'http://c:4318/base/v1/metrics',
        headers,
        timeoutMs: 3_000,
        protocol: 'http/protobuf',
        metricsEveryMs: 15_000,
      },
      { kind: 'otlp-logs', url: 'http://c:4318/base/v1/logs', headers, timeoutMs: 3_000, protocol: 'http/protobuf' },
      { kind: 'zipkin', url: 'http://z:9411/api/v2/spans' },
    ],
  )
})

test("a signal's own variables come before those of all, and its address is taken as it is", () => {
  assert.deepEqual(
    destinationsFrom({
      ...collector,
      OTEL_EXPORTER_OTLP_HEADERS: 'of=all',
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'https://logs.example/in?x=1',
      OTEL_EXPORTER_OTLP_LOGS_HEADERS: 'of=logs',
      OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'http/json',
      OTEL_METRICS_EXPORTER: 'none',
    }),
    [
      { kind: 'otlp-traces', url: 'http://c:4318/base/v1/traces', headers: { of: 'all' } },
      { kind: 'otlp-logs', url: 'https://logs.example/in?x=1', headers: { of: 'logs' }, protocol: 'http/json' },
    ],
  )
  assert.deepEqual(destinationsFrom({ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://m:4318/v1/metrics' }), [
    { kind: 'otlp-metrics', url: 'http://m:4318/v1/metrics' },
  ])
  assert.deepEqual(
    destinationsFrom({
      ...collector,
      OTEL_TRACES_EXPORTER: 'zipkin',
      OTEL_EXPORTER_ZIPKIN_ENDPOINT: 'http://z/',
      OTEL_LOGS_EXPORTER: 'console',
    }),
    [
      { kind: 'otlp-metrics', url: 'http://c:4318/base/v1/metrics' },
      { kind: 'zipkin', url: 'http://z/' },
    ],
  )
})

test('over gRPC an address has no path, and no scheme either if it does not want one', () => {
  const traces = (env: Record<string, string>) => {
    const [first] = destinationsFrom({
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      ...env,
    })
    assert.equal(first?.kind === 'otlp-traces' && first.protocol, 'grpc')
    return first!.url
  }
  assert.equal(traces({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4317' }), 'http://c:4317')
  assert.equal(traces({ OTEL_EXPORTER_OTLP_ENDPOINT: 'c:4317' }), 'https://c:4317')
  assert.equal(traces({ OTEL_EXPORTER_OTLP_ENDPOINT: 'c:4317', OTEL_EXPORTER_OTLP_INSECURE: 'TRUE' }), 'http://c:4317')
  assert.equal(
    traces({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 't:4317',
      OTEL_EXPORTER_OTLP_TRACES_INSECURE: 'true',
      OTEL_EXPORTER_OTLP_INSECURE: 'false',
    }),
    'http://t:4317',
  )
})

test('compression and certificates, for all or for one signal', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'seaworthy-destinations-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = (name: string) => {
    writeFileSync(join(folder, name), `text of ${name}`)
    return join(folder, name)
  }
  const [traces, , logs] = destinationsFrom({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c:4318',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    OTEL_EXPORTER_OTLP_CERTIFICATE: file('ca'),
    OTEL_EXPORTER_OTLP_LOGS_COMPRESSION: 'none',
    OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE: file('cert'),
    OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY: file('key'),
  })
  assert.partialDeepStrictEqual(traces, { kind: 'otlp-traces', compression: 'gzip', certificates: { ca: 'text of ca' } })
  assert.partialDeepStrictEqual(logs, {
    kind: 'otlp-logs',
    compression: 'none',
    certificates: { ca: 'text of ca', cert: 'text of cert', key: 'text of key' },
  })
})

test('what cannot be done is refused, without the secret that it may hold', () => {
  assert.throws(() => destinationsFrom({ ...collector, OTEL_EXPORTER_OTLP_PROTOCOL: 'thrift' }), { code: 'configuration', message: /grpc/ })
  assert.throws(() => destinationsFrom({ ...collector, OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd' }), {
    code: 'configuration',
    message: /gzip/,
  })
  assert.throws(() => destinationsFrom({ ...collector, OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE: '/nowhere/ca.pem' }), {
    code: 'configuration',
    message: /OTLP_LOGS_CERTIFICATE names the file \/nowhere\/ca.pem/,
  })
  assert.throws(() => destinationsFrom({ ...collector, OTEL_EXPORTER_OTLP_TIMEOUT: '10s' }), {
    code: 'configuration',
    message: /OTLP_TIMEOUT/,
  })
  for (const OTEL_EXPORTER_OTLP_HEADERS of ['secret', 'a=%', '=b']) {
    assert.throws(
      () => destinationsFrom({ ...collector, OTEL_EXPORTER_OTLP_HEADERS }),
      (error: Error) => !error.message.includes('secret') && /no list of headers/.test(error.message),
    )
  }
  assert.throws(() => startTelemetry({ ...quiet, destinations: [{ kind: 'zipkin', url: 'zipkin:9411' }] }), {
    code: 'configuration',
    message: /api\/v2\/spans/,
  })
  for (const kind of ['otlp', 'otlp-logs', 'otlp-metrics'] as const)
    assert.throws(() => startTelemetry({ ...quiet, destinations: [{ kind, url: 'nowhere' }] }), {
      code: 'configuration',
      message: /nowhere/,
    })
})

test('who takes what is said by the kind, or by the signals that are named', () => {
  const takers = (destination: Destination) => (['traces', 'metrics', 'logs'] as const).filter((signal) => isTaken(signal, [destination]))
  assert.deepEqual(takers({ kind: 'otlp', url: 'http://c' }), ['traces', 'metrics', 'logs'])
  assert.deepEqual(takers({ kind: 'otlp', url: 'http://c', signals: ['logs'] }), ['logs'])
  assert.deepEqual(takers({ kind: 'otlp-metrics', url: 'http://c' }), ['metrics'])
  assert.deepEqual(takers({ kind: 'zipkin', url: 'http://z' }), ['traces'])
})
