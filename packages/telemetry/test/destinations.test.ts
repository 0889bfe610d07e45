import assert from 'node:assert/strict'
import { test } from 'node:test'
import { observed } from 'seaworthy/core'
import { destinationsFrom, startTelemetry } from '../src/index.ts'
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
  const telemetry = startTelemetry({ ...quiet, otlpUrl: near.url, destinations: [{ kind: 'otlp', url: away.url }] })
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
  const telemetry = startTelemetry({ ...quiet, destinations: [{ kind: 'zipkin', url: `${zipkin.url}/api/v2/spans` }] })
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
  const facts = Object.keys(others).filter((name) => name.startsWith('seaworthy.time.'))
  for (const fact of facts) delete (others as Record<string, string>)[fact]
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

test("OpenTelemetry's variables name places, and what cannot be done is refused", () => {
  assert.deepEqual(destinationsFrom({}), [])
  assert.deepEqual(destinationsFrom({ OTEL_EXPORTER_OTLP_ENDPOINT: '' }), [])
  assert.deepEqual(
    destinationsFrom({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%20b, y = 1',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_ZIPKIN_ENDPOINT: 'http://z:9411/api/v2/spans',
    }),
    [
      { kind: 'otlp', url: 'http://c:4318', headers: { 'x-key': 'a b', y: '1' } },
      { kind: 'zipkin', url: 'http://z:9411/api/v2/spans' },
    ],
  )
  const otlp = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4317' }
  assert.throws(() => destinationsFrom({ ...otlp, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }), { code: 'configuration', message: /4318/ })
  for (const OTEL_EXPORTER_OTLP_HEADERS of ['secret', 'a=%', '=b']) {
    assert.throws(
      () => destinationsFrom({ ...otlp, OTEL_EXPORTER_OTLP_HEADERS }),
      (error: Error) => !error.message.includes('secret') && /no list of headers/.test(error.message),
    )
  }
  assert.throws(() => startTelemetry({ ...quiet, destinations: [{ kind: 'zipkin', url: 'zipkin:9411' }] }), {
    code: 'configuration',
    message: /api\/v2\/spans/,
  })
})
