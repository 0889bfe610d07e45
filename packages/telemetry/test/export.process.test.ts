import assert from 'node:assert/strict'
import { test } from 'node:test'
import { observed } from 'seaworthy/core'
import { startTelemetry } from '../src/index.ts'
import { otlpHttp } from '../src/otlp/http.ts'
import { textField } from '../src/otlp/protobuf.ts'
import { FakeCollector, until } from './fake-collector.ts'

const work = observed('test.export')
const quiet = { service: 'orders', instance: 'orders-1', logLevel: 'silent' } as const
const run = (name: string) =>
  work.run(
    () => ({ name, kind: 'internal', attributes: { count: 1, ratio: 0.5, ok: true, text: 'x' } }),
    async () => undefined,
  )

test('spans arrive as OTLP JSON within moments, without any flush', async (t) => {
  const collector = await new FakeCollector().start()
  t.after(() => collector.stop())
  const telemetry = startTelemetry({ ...quiet, otlpUrl: `${collector.url}/` })
  t.after(() => telemetry.shutdown())
  await run('POST /api/checkout')
  await until(() => collector.spans.length === 1, 'the span arrives', 2_000)
  const [resourceSpans] = (
    collector.bodies[0] as { resourceSpans: { resource: { attributes: object[] }; scopeSpans: { spans: object[] }[] }[] }
  ).resourceSpans
  assert.deepEqual(resourceSpans!.resource.attributes, [
    { key: 'service.name', value: { stringValue: 'orders' } },
    { key: 'service.instance.id', value: { stringValue: 'orders-1' } },
    { key: 'process.pid', value: { intValue: process.pid } },
  ])
  const span = resourceSpans!.scopeSpans[0]!.spans[0] as Record<string, unknown>
  assert.match(String(span['traceId']), /^[0-9a-f]{32}$/)
  assert.match(String(span['startTimeUnixNano']), /^\d{19}$/)
  await until(() => telemetry.exportStatus().exported === 1, 'the answer arrives')
  assert.deepEqual(telemetry.exportStatus(), { queued: 0, exported: 1, dropped: 0 })
})

test('a collector that is down at first loses nothing', async (t) => {
  const collector = await new FakeCollector().start()
  await collector.stop()
  const telemetry = startTelemetry({ ...quiet, otlpUrl: collector.url })
  t.after(() => telemetry.shutdown())
  for (let index = 0; index < 20; index++) await run(`span ${index}`)
  // Only once a request has failed is it sure that the collector was missed.
  await until(() => telemetry.exportStatus().queued === 20, 'the spans wait')
  await collector.start()
  t.after(() => collector.stop())
  await until(() => collector.spans.length === 20, 'the spans arrive', 10_000)
  assert.deepEqual(
    collector.spans.map(({ name }) => name),
    Array.from({ length: 20 }, (_, index) => `span ${index}`),
  )
})

test('an overloaded collector is asked again, one that refuses is not', async (t) => {
  const collector = await new FakeCollector().start()
  t.after(() => collector.stop())
  collector.answers.push(503, 429, 400)
  const telemetry = startTelemetry({ ...quiet, otlpUrl: collector.url })
  t.after(() => telemetry.shutdown())
  await run('a')
  await until(() => telemetry.exportStatus().dropped === 1, 'the third answer refuses the span')
  assert.equal(collector.requests, 3)
  await run('b')
  await until(() => collector.spans.length === 1, 'the next span arrives')
})

test('what a collector says of when to ask again, in seconds or by a date of its own clock, and what it does not say', async (t) => {
  const collector = await new FakeCollector().start()
  t.after(() => collector.stop())
  const transport = otlpHttp({ signal: 'traces', url: collector.url, timeoutMs: 50 })
  t.after(() => transport.close())
  const answered = (headers: Record<string, string>) => {
    collector.answers.push({ status: 503, headers })
    return transport.send([], new AbortController().signal)
  }
  const after = async (headers: Record<string, string>) => {
    const result = await answered(headers)
    return result.kind === 'unreachable' ? result.retryAfterMs : result.kind
  }
  assert.equal(await after({ 'retry-after': '120' }), 120_000)
  const date = 'Fri, 27 Nov 2026 12:00:00 GMT'
  assert.equal(await after({ date, 'retry-after': 'Fri, 27 Nov 2026 12:02:00 GMT' }), 120_000)
  for (const nothing of [{}, { 'retry-after': '0' }, { 'retry-after': 'soon' }, { date, 'retry-after': date }])
    assert.equal(await after(nothing), undefined, JSON.stringify(nothing))
  collector.answers.push('hang')
  assert.deepEqual(await transport.send([], new AbortController().signal), {
    kind: 'unreachable',
    why: `${collector.url}: no answer within 50 ms`,
  })
})

test('what is compressed says so, and a refusal in protobuf is told in words', async (t) => {
  const collector = await new FakeCollector().start()
  t.after(() => collector.stop())
  const lines: Record<string, unknown>[] = []
  const telemetry = startTelemetry({
    ...quiet,
    logLevel: 'info',
    logDestination: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
    destinations: [{ kind: 'otlp-traces', url: collector.url, compression: 'gzip' }],
  })
  t.after(() => telemetry.shutdown())
  await run('squeezed')
  await until(() => collector.spans.length === 1, 'it arrives')
  assert.equal(collector.heard[0]!.headers['content-encoding'], 'gzip')
  collector.answers.push({ status: 400, headers: { 'content-type': 'application/x-protobuf' }, body: textField(2, 'no such tenant') })
  await run('refused')
  await until(() => telemetry.exportStatus().dropped === 1, 'it is refused')
  assert.equal(lines[0]!['why'], 'the collector answered 400: no such tenant')
})

test('shutdown flushes what was just finished', async (t) => {
  const collector = await new FakeCollector().start()
  t.after(() => collector.stop())
  const telemetry = startTelemetry({ ...quiet, otlpUrl: collector.url })
  await run('last words')
  await telemetry.shutdown()
  assert.deepEqual(
    collector.spans.map(({ name }) => name),
    ['last words'],
  )
})

test('shutdown gives up on a collector that hangs, soon enough for Ctrl-C', async (t) => {
  const collector = await new FakeCollector().start()
  t.after(() => collector.stop())
  collector.answers.push('hang')
  const telemetry = startTelemetry({ ...quiet, otlpUrl: collector.url })
  await run('lost')
  await telemetry.shutdown()
  assert.deepEqual(telemetry.exportStatus(), { queued: 0, exported: 0, dropped: 1 })
})

test('a URL that is none is refused before anything starts', () => {
  assert.throws(() => startTelemetry({ ...quiet, otlpUrl: 'nowhere' }), { code: 'configuration', message: /"nowhere" is no URL/ })
  assert.throws(() => startTelemetry({ ...quiet, sampleRatio: 2 }), { code: 'configuration' })
})
