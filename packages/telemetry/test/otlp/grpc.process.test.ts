import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { issueCertificate } from '@seaworthy/testing/certificates'
import { observed } from 'seaworthy/core'
import { type Destination, startTelemetry } from '../../src/index.ts'
import { bytesField, textField, varintField } from '../../src/otlp/protobuf.ts'
import { FakeCollector, until } from '../fake-collector.ts'
import { FakeGrpcCollector } from './fake-grpc-collector.ts'

const work = observed('test.grpc')
const run = (name: string) =>
  work.run(
    () => ({ name, kind: 'internal', attributes: {} }),
    async () => undefined,
  )

async function started(t: TestContext, options: Partial<Extract<Destination, { kind: 'otlp' }>> = {}, collector = new FakeGrpcCollector()) {
  if (collector.url.endsWith(':0')) await collector.start()
  t.after(() => collector.stop())
  const lines: Record<string, unknown>[] = []
  const telemetry = startTelemetry({
    service: 'orders',
    instance: 'orders-1',
    logDestination: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
    processFacts: false,
    destinations: [{ kind: 'otlp', url: collector.url, protocol: 'grpc', signals: ['traces'], ...options }],
  })
  t.after(() => telemetry.shutdown())
  return { collector, telemetry, lines }
}

/** A `google.rpc.Status` with a `google.rpc.RetryInfo` of so many milliseconds. */
function retryInfo(ms: number): Buffer {
  const delay = bytesField(1, varintField(2, ms * 1_000_000))
  return bytesField(3, textField(1, 'type.googleapis.com/google.rpc.RetryInfo'), bytesField(2, delay))
}

test('spans, metrics and log records arrive over gRPC, each by its method, with the metadata of the destination', async (t) => {
  const { collector, telemetry } = await started(t, { signals: ['traces', 'metrics', 'logs'], headers: { 'X-Key': 'k' } })
  await run('in the trace')
  telemetry.logger.info('in the log')
  await telemetry.shutdown()
  const byPath = new Map(collector.heard.map((each) => [each.path, each]))
  assert.deepEqual([...byPath.keys()].toSorted(), [
    '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
    '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
    '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  ])
  for (const { headers, isGzipped } of collector.heard) {
    const { 'content-type': type, te, 'grpc-timeout': timeout, 'x-key': key } = headers
    assert.deepEqual([type, te, timeout, key, isGzipped], ['application/grpc', 'trailers', '5000m', 'k', false])
  }
  const contains = (signal: string, text: string) =>
    collector.heard.some(({ path, message }) => path.includes(signal) && message.toString('latin1').includes(text))
  assert.ok(contains('Trace', 'in the trace'))
  assert.ok(contains('Logs', 'in the log'))
  assert.ok(contains('Metrics', 'process_cpu_seconds_total'))
  assert.deepEqual(telemetry.exportStatus('traces'), { queued: 0, exported: 1, dropped: 0 })
  assert.deepEqual(telemetry.exportStatus('logs'), { queued: 0, exported: 1, dropped: 0 })
  assert.equal(telemetry.exportStatus('metrics').dropped, 0)
})

test('one connection carries batch after batch; after a GOAWAY the next gets another', async (t) => {
  const { collector, telemetry } = await started(t)
  for (const name of ['a', 'b']) {
    await run(name)
    await until(() => collector.heard.at(-1)?.message.includes(name) === true, `${name} arrives`)
  }
  assert.equal(collector.connections, 1)
  collector.goAway()
  await run('c')
  await until(() => telemetry.exportStatus().exported === 3, 'c arrives')
  assert.equal(collector.connections, 2)
})

test('compressed as the destination says', async (t) => {
  const { collector, telemetry } = await started(t, { compression: 'gzip' })
  await run('squeezed')
  await until(() => telemetry.exportStatus().exported === 1, 'it arrives')
  const [{ headers, isGzipped, message }] = collector.heard as [(typeof collector.heard)[number]]
  assert.deepEqual([headers['grpc-encoding'], isGzipped], ['gzip', true])
  assert.ok(message.includes('squeezed'))
})

test('a collector that has no time is asked again when it says, and loses nothing', async (t) => {
  const { collector, telemetry } = await started(t)
  collector.replies.push({ code: 8, words: 'full', details: retryInfo(150) }, { code: 14, details: retryInfo(1) }, 'reset', {
    httpStatus: 503,
  })
  const beganMs = performance.now()
  await run('a')
  await until(() => telemetry.exportStatus().exported === 1, 'the fifth request is taken', 20_000)
  assert.equal(collector.heard.length, 5)
  assert.ok(performance.now() - beganMs >= 150, 'it waited')
  assert.deepEqual(telemetry.exportStatus(), { queued: 0, exported: 1, dropped: 0 })
})

test('what a collector refuses is lost, counted, and told once with its words', async (t) => {
  const { collector, telemetry, lines } = await started(t)
  // RESOURCE_EXHAUSTED that does not say when is for ever.
  const replies = [{ code: 3, words: 'größer als 4 MiB' }, { code: 8, words: 'quota' }, { code: 16 }, { httpStatus: 404 }] as const
  for (const [index, reply] of replies.entries()) {
    collector.replies.push(reply)
    await run('lost')
    await until(() => telemetry.exportStatus().dropped === index + 1, JSON.stringify(reply))
  }
  assert.equal(collector.heard.length, replies.length, 'none was sent again')
  assert.deepEqual(
    lines.map(({ msg, why }) => [msg, why]),
    [['the trace collector refused spans', "the collector answered with gRPC's status 3: größer als 4 MiB"]],
  )
})

test('what a collector took but a part of is counted, and a warning with all of it is told', async (t) => {
  const { collector, telemetry, lines } = await started(t)
  const partial = (...fields: Buffer[]) => ({ code: 0, message: bytesField(1, ...fields) })
  collector.replies.push(partial(varintField(1, 1), textField(2, 'too old')), partial(textField(2, 'use a newer version')))
  await run('a')
  await until(() => telemetry.exportStatus().dropped === 1, 'one is lost')
  await run('b')
  await until(() => telemetry.exportStatus().exported === 1, 'one is taken')
  assert.deepEqual(
    lines.map(({ msg, why }) => [msg, why]),
    [
      ['the trace collector refused spans', 'too old'],
      ['the trace collector took all spans, and warns', 'use a newer version'],
    ],
  )
})

test('a collector that is down at first, and one that hangs, lose nothing; nobody waits for them', async (t) => {
  const collector = await new FakeGrpcCollector().start()
  await collector.stop()
  const { telemetry } = await started(t, { timeoutMs: 200 }, collector)
  const beganMs = performance.now()
  for (let index = 0; index < 20; index++) await run(`span ${index}`)
  assert.ok(performance.now() - beganMs < 200)
  await until(() => telemetry.exportStatus().queued === 20, 'a request has failed, and they wait')
  collector.replies.push('hang')
  await collector.start()
  await until(() => telemetry.exportStatus().exported === 20, 'they arrive', 20_000)
  assert.ok(collector.connections >= 2, 'the connection that did not answer is not trusted again')
})

test('shutdown gives up on a collector that hangs', async (t) => {
  const { collector, telemetry } = await started(t)
  collector.replies.push('hang')
  await run('lost')
  const beganMs = performance.now()
  await telemetry.shutdown()
  assert.ok(performance.now() - beganMs < 2_000)
  assert.deepEqual(telemetry.exportStatus(), { queued: 0, exported: 0, dropped: 1 })
})

test('with certificates: the collector is known by its authority, and knows the service by its own', async (t) => {
  const authority = issueCertificate({ names: ['ca.test'] })
  const issuer = { ...authority, name: 'ca.test' }
  const server = issueCertificate({ names: ['collector.test', '127.0.0.1'], issuer })
  const client = issueCertificate({ names: ['orders.test'], issuer })
  const collector = await new FakeGrpcCollector().start({ ...server, ca: authority.cert, requestCert: true, rejectUnauthorized: true })
  const { telemetry } = await started(t, { certificates: { ca: authority.cert, ...client } }, collector)
  await run('sealed')
  await until(() => telemetry.exportStatus().exported === 1, 'it arrives')
  assert.ok(collector.heard[0]!.message.includes('sealed'))
})

test('who is not trusted gets nothing, and what cannot be used is refused before anything starts', async (t) => {
  const collector = await new FakeGrpcCollector().start(issueCertificate({ names: ['127.0.0.1'] }))
  const { telemetry } = await started(t, {}, collector)
  await run('kept')
  await until(() => telemetry.exportStatus().queued === 1, 'it waits')
  assert.equal(collector.heard.length, 0)
  await telemetry.shutdown()
  const refused = (destination: Partial<Extract<Destination, { kind: 'otlp' }>>) => () =>
    startTelemetry({
      service: 'a',
      instance: 'a-1',
      logLevel: 'silent',
      destinations: [{ kind: 'otlp', protocol: 'grpc', url: 'https://c:4317', ...destination }],
    })
  assert.throws(refused({ url: 'c:4317' }), { code: 'configuration', message: /"c:4317" is no URL/ })
  assert.throws(refused({ certificates: { ca: 'no PEM' } }), { code: 'configuration', message: /PEM/ })
  assert.throws(
    refused({ headers: { 'x-key': 'canary\n' } }),
    (error: Error) => /"x-key"/.test(error.message) && !error.message.includes('canary'),
  )
})

test('an address that does not speak HTTP/2 is away, and not asked at every moment', async (t) => {
  const http = await new FakeCollector().start()
  t.after(() => http.stop())
  const { telemetry } = await started(t, { url: http.url })
  await run('kept')
  await until(() => telemetry.exportStatus().queued === 1, 'it waits')
  assert.deepEqual(telemetry.exportStatus(), { queued: 1, exported: 0, dropped: 0 })
})
