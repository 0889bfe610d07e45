import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { observed, rootContext, withContext } from 'seaworthy/core'
import { type TelemetryOptions, startTelemetry } from '../src/index.ts'
import { type CollectedLog, FakeCollector, until } from './fake-collector.ts'

const work = observed('test.log-export')

async function started(t: TestContext, options: Partial<TelemetryOptions> = {}) {
  const collector = await new FakeCollector().start()
  t.after(() => collector.stop())
  const printed: Record<string, unknown>[] = []
  const telemetry = startTelemetry({
    service: 'orders',
    instance: 'orders-1',
    logLevel: 'debug',
    logDestination: { write: (line) => void printed.push(JSON.parse(line) as Record<string, unknown>) },
    destinations: [{ kind: 'otlp', url: collector.url, signals: ['logs'] }],
    ...options,
  })
  t.after(() => telemetry.shutdown())
  return { collector, printed, telemetry, logger: telemetry.logger }
}

const attributesOf = ({ attributes }: CollectedLog) => Object.fromEntries(attributes.map(({ key, value }) => [key, value]))

test('what is logged is printed, and arrives within moments with the trace, the span and the service that it belongs to', async (t) => {
  const { collector, printed, logger } = await started(t)
  await withContext(rootContext({ correlationId: 'c-1' }), () =>
    work.run(
      () => ({ name: 'work', kind: 'server', attributes: {} }),
      async () => logger.info({ orderId: 'o-1', totalCents: 1_499 }, 'order placed'),
    ),
  )
  await until(() => collector.logs.length === 1, 'the record arrives', 2_000)
  assert.equal(collector.heard[0]!.path, '/v1/logs')
  const [line] = printed
  const [record] = collector.logs
  assert.deepEqual([record!.traceId, record!.spanId, record!.flags], [line!['traceId'], line!['spanId'], 1])
  assert.match(record!.traceId!, /^[0-9a-f]{32}$/)
  assert.equal(record!.timeUnixNano, `${Date.parse(String(line!['time']))}000000`)
  assert.deepEqual([record!.severityNumber, record!.severityText, record!.body], [9, 'INFO', { stringValue: 'order placed' }])
  assert.deepEqual(attributesOf(record!), {
    'seaworthy.correlation_id': { stringValue: 'c-1' },
    orderId: { stringValue: 'o-1' },
    totalCents: { intValue: 1_499 },
  })
  const [{ resource }] = (collector.bodies[0] as { resourceLogs: [{ resource: { attributes: object[] } }] }).resourceLogs
  assert.deepEqual(resource.attributes.slice(0, 2), [
    { key: 'service.name', value: { stringValue: 'orders' } },
    { key: 'service.instance.id', value: { stringValue: 'orders-1' } },
  ])
})

test('no secret leaves: neither by the name of a field nor by its form', async (t) => {
  const { collector, telemetry, logger } = await started(t)
  logger.child({ apiKey: 'canary-1' }).info({ card: 'canary-2', url: 'https://ada:canary-3@shop.test/' }, 'Bearer canary-4-long')
  await telemetry.shutdown()
  assert.equal(collector.logs.length, 1)
  assert.doesNotMatch(JSON.stringify(collector.bodies), /canary/)
})

test('without a destination for log records nothing is sent, and lines are printed as ever', async (t) => {
  const { collector, printed, telemetry, logger } = await started(t, { destinations: [] })
  logger.info('alone')
  await telemetry.shutdown()
  assert.equal(collector.requests, 0)
  assert.equal(printed.length, 1)
  assert.deepEqual(telemetry.exportStatus('logs'), { queued: 0, exported: 0, dropped: 0 })
})

test('a collector that is down at first loses nothing, and nobody who logs waits for it', async (t) => {
  const { collector, logger, telemetry } = await started(t)
  await collector.stop()
  for (let index = 0; index < 50; index++) logger.info({ index }, 'kept')
  await until(() => telemetry.exportStatus('logs').queued === 50, 'a request has failed, and the records wait')
  await collector.start()
  await until(() => collector.logs.length === 50, 'the records arrive', 10_000)
  assert.deepEqual(
    collector.logs.map((record) => attributesOf(record)['index']),
    Array.from({ length: 50 }, (_, index) => ({ intValue: index })),
  )
})

test('a collector that refuses log records is told of where lines are printed, and not to itself', async (t) => {
  const { collector, printed, logger, telemetry } = await started(t)
  collector.answers.push(404)
  logger.info('lost')
  await until(() => telemetry.exportStatus('logs').dropped === 1, 'it is counted')
  assert.deepEqual(
    printed.map(({ level, msg }) => [level, msg]),
    [
      ['info', 'lost'],
      ['warn', 'the log collector refused log records'],
    ],
  )
  assert.match(String(printed[1]!['why']), /404/)
  // The next request has what is logged next, and nothing of the trouble.
  logger.info('found')
  await until(() => collector.logs.length === 1, 'the next one arrives')
  assert.deepEqual(collector.logs[0]!.body, { stringValue: 'found' })
})

test('what a collector did not take of a batch is counted, with its reason', async (t) => {
  const { collector, printed, logger, telemetry } = await started(t)
  collector.answers.push('{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"too old"}}')
  for (let index = 0; index < 5; index++) logger.info('x')
  await telemetry.shutdown()
  assert.deepEqual(telemetry.exportStatus('logs'), { queued: 0, exported: 3, dropped: 2 })
  assert.equal(printed.at(-1)!['why'], 'too old')
})

test('shutdown flushes, and gives up on a collector that hangs', async (t) => {
  const { collector, logger, telemetry } = await started(t)
  collector.answers.push('hang')
  logger.info('last words')
  const beganMs = performance.now()
  await telemetry.shutdown()
  assert.ok(performance.now() - beganMs < 2_000)
  assert.deepEqual(telemetry.exportStatus('logs'), { queued: 0, exported: 0, dropped: 1 })
})

test('protobuf, headers of its own: as the destination says', async (t) => {
  const collector = await new FakeCollector().start()
  t.after(() => collector.stop())
  const destinations = [{ kind: 'otlp-logs', url: `${collector.url}/in`, protocol: 'http/protobuf', headers: { 'x-key': 'k' } }] as const
  const { logger, telemetry } = await started(t, { destinations })
  logger.info('in bytes')
  await telemetry.shutdown()
  assert.partialDeepStrictEqual(collector.heard, [{ path: '/in', headers: { 'content-type': 'application/x-protobuf', 'x-key': 'k' } }])
  assert.match(collector.bytes[0]!.toString('latin1'), /in bytes/)
  assert.deepEqual(telemetry.exportStatus('logs'), { queued: 0, exported: 1, dropped: 0 })
})
