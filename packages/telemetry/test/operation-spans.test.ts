import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace'
import {
  type Operation,
  SeaworthyError,
  type TraceHeaders,
  observed,
  propagated,
  rootContext,
  traceHeaders,
  withContext,
} from 'seaworthy/core'
import { openSqliteDatabase } from 'seaworthy/sqlite'
import { startTelemetry } from '../src/index.ts'

const work = observed('test.telemetry')

function started(t: TestContext, options: { sampleRatio?: number } = {}): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter()
  const telemetry = startTelemetry({
    service: 'orders',
    instance: 'orders-1',
    logLevel: 'silent',
    // What they add depends on the machine; they have tests of their own.
    processFacts: false,
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
    ...options,
  })
  // An exporter that is shut down forgets its spans.
  exporter.shutdown = () => Promise.resolve()
  t.after(() => telemetry.shutdown())
  return exporter
}

const operation = (fields: Partial<Operation> = {}): Operation => ({ name: 'work', kind: 'internal', attributes: {}, ...fields })

test('an operation becomes one span with its name, kind, attributes and resource', async (t) => {
  const exporter = started(t)
  await work.run(
    () => operation({ name: 'POST /api/checkout', kind: 'server', attributes: { 'http.route': '/api/checkout' } }),
    async (running) => {
      running!.attributes['http.response.status_code'] = 201
    },
  )
  const [span, ...others] = exporter.getFinishedSpans()
  assert.equal(others.length, 0)
  assert.equal(span!.name, 'POST /api/checkout')
  assert.equal(span!.kind, SpanKind.SERVER)
  assert.deepEqual(span!.attributes, { 'http.route': '/api/checkout', 'http.response.status_code': 201 })
  assert.equal(span!.resource.attributes['service.name'], 'orders')
  assert.equal(span!.resource.attributes['service.instance.id'], 'orders-1')
  assert.equal(span!.resource.attributes['process.pid'], process.pid)
  assert.equal(span!.status.code, SpanStatusCode.UNSET)
})

test('an operation within another is its child, also after a wait, and siblings are not each other’s parents', async (t) => {
  const exporter = started(t)
  await work.run(
    () => operation({ name: 'outer' }),
    async () => {
      await new Promise((resolve) => setImmediate(resolve))
      const inner = (name: string) =>
        work.run(
          () => operation({ name }),
          () => new Promise<void>((resolve) => setImmediate(resolve)),
        )
      await Promise.all([inner('left'), inner('right')])
    },
  )
  await work.run(
    () => operation({ name: 'later' }),
    async () => undefined,
  )
  const byName = new Map(exporter.getFinishedSpans().map((span) => [span.name, span]))
  const outer = byName.get('outer')!.spanContext()
  assert.equal(byName.get('left')!.parentSpanContext?.spanId, outer.spanId)
  assert.equal(byName.get('right')!.parentSpanContext?.spanId, outer.spanId)
  assert.equal(byName.get('left')!.spanContext().traceId, outer.traceId)
  assert.equal(byName.get('later')!.parentSpanContext, undefined)
  assert.notEqual(byName.get('later')!.spanContext().traceId, outer.traceId)
})

test('headers sent by one process make its span the remote parent in another', async (t) => {
  const exporter = started(t)
  let sent: TraceHeaders = {}
  await work.run(
    () => operation({ name: 'call', kind: 'client' }),
    async () => {
      sent = traceHeaders(rootContext({ traceparent: '00-11111111111111111111111111111111-2222222222222222-01' }))
    },
  )
  // Nothing but the headers connects the two.
  await work.run(
    () => operation({ name: 'serve', kind: 'server', parent: sent }),
    async () => undefined,
  )
  const [call, serve] = exporter.getFinishedSpans()
  assert.equal(sent.traceparent, `00-${call!.spanContext().traceId}-${call!.spanContext().spanId}-01`)
  assert.equal(serve!.parentSpanContext?.spanId, call!.spanContext().spanId)
  assert.equal(serve!.parentSpanContext?.isRemote, true)
  assert.equal(serve!.spanContext().traceId, call!.spanContext().traceId)
})

test('what is stored with a message carries the span that stored it', async (t) => {
  const exporter = started(t)
  let stored: string | undefined
  await work.run(
    () => operation(),
    async () => {
      stored = propagated(rootContext()).traceparent
    },
  )
  assert.match(stored!, new RegExp(exporter.getFinishedSpans()[0]!.spanContext().spanId))
})

test('a vendor’s tracestate is handed on to the next process', async (t) => {
  started(t)
  const parent = {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    tracestate: 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE',
  }
  let sent: TraceHeaders = {}
  await work.run(
    () => operation({ kind: 'server', parent }),
    async () => {
      sent = traceHeaders(rootContext())
    },
  )
  assert.equal(sent.tracestate, parent.tracestate)
})

for (const traceparent of [
  undefined,
  'nonsense',
  '00-00000000000000000000000000000000-b7ad6b7169203331-01',
  'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
]) {
  test(`a request with traceparent ${traceparent} begins a new trace, even while another span is in progress`, async (t) => {
    const exporter = started(t)
    await work.run(
      () => operation({ name: 'background loop' }),
      () =>
        work.run(
          () => operation({ name: 'request', kind: 'server', parent: { traceparent } }),
          async () => undefined,
        ),
    )
    const [request, loop] = exporter.getFinishedSpans()
    assert.equal(request!.parentSpanContext, undefined)
    assert.notEqual(request!.spanContext().traceId, loop!.spanContext().traceId)
  })
}

test('work that throws ends as an error with its code, what is known of its effect, and no secret', async (t) => {
  const exporter = started(t)
  const failure = new SeaworthyError('unknown-outcome', 'No answer from https://admin:hunter2@payments.local/', { executed: 'maybe' })
  await assert.rejects(
    work.run(
      () => operation(),
      () => Promise.reject(failure),
    ),
    failure,
  )
  const [span] = exporter.getFinishedSpans()
  assert.equal(span!.status.code, SpanStatusCode.ERROR)
  assert.equal(span!.status.message, 'No answer from https://admin:[redacted]@payments.local/')
  assert.equal(span!.attributes['error.type'], 'unknown-outcome')
  assert.equal(span!.attributes['seaworthy.executed'], 'maybe')
  assert.equal(span!.events[0]!.name, 'exception')
  assert.doesNotMatch(JSON.stringify(span!.events), /hunter2/)
})

test('work that throws before it returns a promise ends its span too', async (t) => {
  const exporter = started(t)
  assert.throws(
    () =>
      void work.run(
        () => operation(),
        () => {
          throw new TypeError('not a function')
        },
      ),
  )
  const [span] = exporter.getFinishedSpans()
  assert.equal(span!.attributes['error.type'], 'TypeError')
  assert.equal(trace.getActiveSpan(), undefined)
})

test('a failure that was not thrown is an error all the same', async (t) => {
  const exporter = started(t)
  await work.run(
    () => operation({ kind: 'server' }),
    async (running) => {
      running!.failure = 'HTTP 500'
    },
  )
  assert.deepEqual(exporter.getFinishedSpans()[0]!.status, { code: SpanStatusCode.ERROR, message: 'HTTP 500' })
})

test('a message’s span begins when the message began to wait', async (t) => {
  const exporter = started(t)
  const startedAtMs = Date.now() - 1_500
  await work.run(
    () => operation({ kind: 'producer', startedAtMs }),
    async () => undefined,
  )
  const [span] = exporter.getFinishedSpans()
  const [seconds, nanoseconds] = span!.duration
  assert.equal(span!.startTime[0] * 1_000 + span!.startTime[1] / 1e6, startedAtMs)
  assert.ok(seconds + nanoseconds / 1e9 >= 1.499)
})

test('the correlation id stands on spans at the edge of a process, given or taken from the context', async (t) => {
  const exporter = started(t)
  await withContext(rootContext({ correlationId: 'from-context' }), async () => {
    for (const kind of ['server', 'client', 'producer', 'consumer', 'internal'] as const) {
      await work.run(
        () => operation({ name: kind, kind, attributes: kind === 'consumer' ? { 'seaworthy.correlation_id': 'given' } : {} }),
        async () => undefined,
      )
    }
  })
  const found = Object.fromEntries(exporter.getFinishedSpans().map((span) => [span.name, span.attributes['seaworthy.correlation_id']]))
  assert.deepEqual(found, {
    server: 'from-context',
    client: 'from-context',
    producer: 'from-context',
    consumer: 'given',
    internal: undefined,
  })
})

test('attributes of secret names and secrets in their text do not leave the process', async (t) => {
  const exporter = started(t)
  await work.run(
    () =>
      operation({
        attributes: {
          'http.request.header.authorization': 'Basic c2VjcmV0',
          'url.full': 'http://h/?token=s3cret&page=2',
          'http.route': '/a',
        },
      }),
    async () => undefined,
  )
  assert.deepEqual(exporter.getFinishedSpans()[0]!.attributes, {
    'http.request.header.authorization': '[redacted]',
    'url.full': 'http://h/?token=[redacted]&page=2',
    'http.route': '/a',
  })
})

test('a span of somebody else’s instrumentation and one of the library are parent and child, both ways', async (t) => {
  const exporter = started(t)
  const foreign = trace.getTracer('somebody-else')
  await foreign.startActiveSpan('foreign outer', async (outer) => {
    await work.run(
      () => operation({ name: 'ours' }),
      async () => foreign.startActiveSpan('foreign inner', (inner) => inner.end()),
    )
    outer.end()
  })
  const byName = new Map(exporter.getFinishedSpans().map((span) => [span.name, span]))
  assert.equal(byName.get('ours')!.parentSpanContext?.spanId, byName.get('foreign outer')!.spanContext().spanId)
  assert.equal(byName.get('foreign inner')!.parentSpanContext?.spanId, byName.get('ours')!.spanContext().spanId)
})

test('a sample ratio of zero records nothing, and still hands a trace on', async (t) => {
  const exporter = started(t, { sampleRatio: 0 })
  let sent: TraceHeaders = {}
  await work.run(
    () => operation(),
    async () => {
      sent = traceHeaders(rootContext())
    },
  )
  assert.equal(exporter.getFinishedSpans().length, 0)
  assert.match(sent.traceparent!, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
})

test('a message of a trace that its beginner does not record is handled without a span, and hands the decision on', async (t) => {
  const exporter = started(t)
  const parent = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00' }
  let sent: TraceHeaders = {}
  await work.run(
    () => operation({ name: 'orders process', kind: 'consumer', parent }),
    async () => {
      sent = traceHeaders(rootContext())
    },
  )
  assert.deepEqual(exporter.getFinishedSpans(), [])
  assert.match(sent.traceparent!, /^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/)
})

test('after shutdown the library is silent again, and telemetry can be started anew', async (t) => {
  const first = startTelemetry({ service: 'a', instance: 'a-1', logLevel: 'silent' })
  await first.shutdown()
  let described = 0
  await work.run(
    () => {
      described++
      return operation()
    },
    async () => undefined,
  )
  assert.equal(described, 0)
  assert.equal(traceHeaders(rootContext({ traceparent: 'untouched' })).traceparent, 'untouched')
  started(t)
})

test('a second SDK in the process is refused with advice', async (t) => {
  started(t)
  assert.throws(() => startTelemetry({ service: 'b', instance: 'b-1' }), { code: 'configuration', message: /one SDK per process/ })
})

test('a use of the database that belongs to no request makes no trace, and one that does is its child', async (t) => {
  const exporter = started(t)
  const transaction = () => operation({ name: 'transaction', kind: 'client', attributes: { 'db.system.name': 'sqlite' } })
  await work.run(transaction, async () => undefined)
  assert.deepEqual(exporter.getFinishedSpans(), [])
  await work.run(
    () => operation({ name: 'POST /api/checkout', kind: 'server' }),
    () => work.run(transaction, async () => undefined),
  )
  const [inner, outer] = exporter.getFinishedSpans()
  assert.equal(inner!.parentSpanContext?.spanId, outer!.spanContext().spanId)
})

test('what is caused in a transaction hangs on the work around it: the transaction is over before a saga or an event is on its way', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'seaworthy-spans-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const database = await openSqliteDatabase({ path: join(folder, 'orders.db') })
  t.after(() => database.close())
  const exporter = started(t)
  const caused: (string | undefined)[] = []
  const note = () => void caused.push(propagated(rootContext()).traceparent)
  await work.run(
    () => operation({ name: 'POST /api/checkout', kind: 'server' }),
    () =>
      database.transaction(async (tx) => {
        note()
        await tx.query({ sql: 'SELECT 1' })
        note()
        tx.afterCommit(note)
      }),
  )
  const [transaction, outer] = exporter.getFinishedSpans()
  const { traceId, spanId } = outer!.spanContext()
  assert.equal(transaction!.parentSpanContext?.spanId, spanId)
  assert.deepEqual(
    caused,
    Array.from({ length: 3 }, () => `00-${traceId}-${spanId}-01`),
  )
})

test('a link of an operation becomes one of its span', async (t) => {
  const exporter = started(t)
  const link = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), attributes: { 'seaworthy.link': 'lock-blocker' } }
  await work.run(
    () => operation(),
    async (running) => {
      running!.links = [link]
    },
  )
  const { context, attributes } = exporter.getFinishedSpans()[0]!.links[0]!
  assert.deepEqual([context.traceId, context.spanId, attributes], [link.traceId, link.spanId, link.attributes])
})

test('waits are counted on the span in progress, and those at the same time once', async (t) => {
  const exporter = started(t)
  const wait = (sinceMs: number, untilMs: number) =>
    channel('seaworthy:wait').publish({ attribute: 'seaworthy.time.admission_wait_ms', sinceMs, untilMs })
  wait(0, 1_000)
  await work.run(
    () => operation({ name: 'outer' }),
    async () => {
      wait(0, 10)
      wait(5, 12)
      wait(100, 101)
      await work.run(
        () => operation({ name: 'inner' }),
        async () => wait(7, 9),
      )
    },
  )
  const [inner, outer] = exporter.getFinishedSpans()
  assert.equal(outer!.attributes['seaworthy.time.admission_wait_ms'], 13)
  assert.equal(inner!.attributes['seaworthy.time.admission_wait_ms'], 2)
})

test('without tracing there are no spans, nobody listens to operations, and trace headers go on as they came', async (t) => {
  const telemetry = startTelemetry({ service: 'orders', instance: 'orders-1', logLevel: 'silent', tracing: false })
  t.after(() => telemetry.shutdown())
  const came = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
  await work.run(
    () => assert.fail('an operation was described'),
    async (running) => {
      assert.equal(running, undefined)
      assert.equal(traceHeaders({ ...rootContext(), ...came }).traceparent, came.traceparent)
    },
  )
})
