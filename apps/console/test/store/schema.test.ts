import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { migrate, openSqliteDatabase } from 'seaworthy/sqlite'
import { checkRequest } from '../../src/otlp/check.ts'
import { OUTLINE_ATTRIBUTES } from '../../src/otlp/outline-attributes.ts'
import { OutlineWriter, type OutlinePart } from '../../src/otlp/outline.ts'
import { OutlineReader } from '../../src/otlp/read-outline.ts'
import { type OtlpTrace, type Trace, readTrace } from '../../src/otlp/read-trace.ts'
import { spanRows } from '../../src/otlp/rows.ts'
import { consoleSchema } from '../../src/store/schema.ts'
import { TraceStore } from '../../src/store/trace-store.ts'
import { checkoutSpans, otlpRequest } from '../checkout-trace.ts'
import { lockedCheckout } from '../slow-traces.ts'
import { withSortedAttributes } from '../sorted-attributes.ts'
import { UPDATED_MS, writeVersion5 } from './version-5.ts'

const START_MS = 1_795_438_250_000
const traceId = (number: number) => (0xabc000 + number).toString(16).padStart(32, 'f')
const call = { caller: 'service:gateway', callee: 'service:orders' }

function file(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'console-schema-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'traces.sqlite')
}

async function open(t: TestContext, path: string): Promise<TraceStore> {
  const store = await TraceStore.open({ path, ageMaxMs: Number.MAX_SAFE_INTEGER, keptAgeMaxMs: Number.MAX_SAFE_INTEGER })
  t.after(() => store.close())
  return store
}

/** Three traces, with what JSON has to escape, fields that nobody here knows, and times to the nanosecond. */
function request() {
  const specs = [checkoutSpans(), checkoutSpans('declined'), lockedCheckout()]
  const requests = specs.map((spans, number) =>
    otlpRequest(spans, { traceId: traceId(number), correlationId: `c-${number}`, startMs: START_MS + number }),
  )
  const json = JSON.stringify({ resourceSpans: requests.flatMap(({ resourceSpans }) => resourceSpans) })
  const odd = json
    .replaceAll('"name":"GET monolith"', String.raw`"traceState":"a=b","name":"GET \"m\u0000nolith\"\n…","flags":257`)
    .replaceAll(/(TimeUnixNano":"\d{13})000(\d{3})/g, '$1123$2')
  return checkRequest(JSON.parse(odd))
}

type SpanOfTrace = { readonly traceId: string; readonly spanId: string; readonly attributes?: readonly { readonly key: string }[] }

/** Each span with where it came from. */
function spansOf(otlp: { readonly resourceSpans: readonly unknown[] }, of: string) {
  type Given = { resource: object; scopeSpans: { scope: object; spans: SpanOfTrace[] }[] }
  return (otlp.resourceSpans as readonly Given[])
    .flatMap(({ resource, scopeSpans }) => scopeSpans.flatMap(({ scope, spans }) => spans.map((span) => ({ resource, scope, span }))))
    .filter(({ span }) => span.traceId === of)
    .map(({ span, ...from }) => ({ ...from, span: withSortedAttributes(span) }))
    .toSorted((one, other) => one.span.spanId.localeCompare(other.span.spanId))
}

/** A trace without what no outline has, in the order of the spans' ids. */
function outlineOf({ startMs, durationUs, spans }: Trace) {
  const seen = spans.map(({ spanId, parentSpanId, name, kind, service, startUs, endUs, outcome, error, attributes }) => ({
    span: { spanId, parentSpanId, name, kind, service, startUs, endUs, outcome, error },
    attributes: withSortedAttributes({ attributes: attributes.filter(({ key }) => OUTLINE_ATTRIBUTES.has(key)) }).attributes,
  }))
  return { startMs, durationUs, spans: seen.toSorted((one, other) => one.span.spanId.localeCompare(other.span.spanId)) }
}

async function readOutline(store: TraceStore, of: string): Promise<Trace> {
  const [writer, reader] = [new OutlineWriter(), new OutlineReader()]
  for await (const columns of store.outline(of)) reader.add(JSON.parse(writer.part(columns)) as OutlinePart)
  return reader.trace()!
}

/** As it came, whole and as an outline. */
async function assertWhole(store: TraceStore, given: ReturnType<typeof request>, of: string): Promise<void> {
  const json = (await store.trace(of))!
  const trace = JSON.parse(json) as OtlpTrace & { resourceSpans: unknown[] }
  assert.deepEqual(spansOf(trace, of), spansOf(JSON.parse(JSON.stringify(given)) as typeof trace, of))
  assert.deepEqual(outlineOf(await readOutline(store, of)), outlineOf(readTrace(trace)!))
}

test('what comes is stored whole, and its outline has what the whole trace has', async (t) => {
  const store = await open(t, file(t))
  const given = request()
  await store.write(spanRows(given))
  for (const number of [0, 1, 2]) await assertWhole(store, given, traceId(number))
})

for (const withIds of [true, false]) {
  test(`a file of version 5 is taken over to the last nanosecond, with spans that were stored ${withIds ? 'with' : 'without'} their ids`, async (t) => {
    const path = file(t)
    const given = request()
    await writeVersion5({ path, request: given, withIds, call })
    const store = await open(t, path)
    const all = spanRows(given).length
    assert.deepEqual(store.counts, { traces: 3, spans: all, kept: 0 })
    for (const number of [0, 1, 2]) {
      const id = traceId(number)
      await assertWhole(store, given, id)
      const [listed] = await store.list({ limit: 10, correlationId: `c-${number}` })
      assert.deepEqual([listed!.traceId, listed!.root.name], [id, 'GET /by/{route}'])
    }
    const listed = await store.list({ limit: 10 })
    assert.deepEqual(
      listed.map((trace) => trace.services[0]),
      ['orders', 'gateway', 'gateway'],
    )
    assert.equal((await store.list({ limit: 10, call })).length, 3)
    assert.equal((await store.list({ limit: 10, service: 'inventory' })).length, 3)
    assert.ok((await store.callSpansSince(UPDATED_MS - 1, 1_000)).length > 10)
    // Senders repeat themselves, and old traces grow.
    assert.deepEqual(await store.write(spanRows(given)), { stored: 0, dropped: 0 })
    const late = otlpRequest([{ service: 'mail', name: 'send', kind: 'consumer', start: 300, end: 310 }], {
      traceId: traceId(9),
      correlationId: 'c-0',
      startMs: START_MS,
    })
    await store.write(spanRows(checkRequest(JSON.parse(JSON.stringify(late).replaceAll(traceId(9), traceId(0))))))
    assert.deepEqual(store.counts, { traces: 3, spans: all + 1, kept: 0 })
    assert.ok((await store.list({ limit: 10, service: 'mail' }))[0]!.services.includes('orders'))
  })
}

test('a file of the first version is taken over: traces with errors count as failed', async (t) => {
  const path = file(t)
  const database = await openSqliteDatabase({ path })
  await migrate(database, [{ ...consoleSchema, versions: consoleSchema.versions.slice(0, 1) }])
  await database.atomically([
    {
      sql: `INSERT INTO trace VALUES ('${traceId(1)}', 1, 2, 1, 1, 'gateway', 'old', 0, 1, NULL, 5), ('${traceId(2)}', 1, 2, 1, 0, 'gateway', 'fine', 0, 1, NULL, 5)`,
    },
  ])
  await database.close()
  const store = await open(t, path)
  assert.deepEqual(
    (await store.list({ limit: 10 })).map(({ root, outcome }) => [root.name, outcome]),
    [
      ['fine', 'ok'],
      ['old', 'failed'],
    ],
  )
})

const OUTLINED_SINCE_VERSION_6 = `
  cpu_ms db.system db.system.name db.type error.type http.host http.method http.request.method http.response.status_code
  http.route http.status_code http.target messaging.destination.name messaging.message.id ms net.peer.name
  opentracing.ref_type own peer.service rpc.grpc.status_code rpc.response.status_code seaworthy.correlation_id
  seaworthy.database.wait_ms seaworthy.event.type seaworthy.idempotency_key seaworthy.lock.blocker.idle_ms
  seaworthy.lock.blocker.pid seaworthy.lock.blocker.service seaworthy.lock.blocker.span_id seaworthy.lock.blocker.state
  seaworthy.lock.blocker.statement seaworthy.lock.blocker.trace_id seaworthy.lock.chain_length seaworthy.log.wait_ms
  seaworthy.outbox.wait_ms seaworthy.saga.id seaworthy.saga.phase seaworthy.saga.step seaworthy.time.admission_wait_ms
  seaworthy.time.cpu_ms seaworthy.time.execute_ms seaworthy.time.lock_wait_ms seaworthy.time.loop_active_ms
  seaworthy.time.loop_blocked_ms seaworthy.time.pool_wait_ms seaworthy.time.processor_wait_ms seaworthy.time.queue_wait_ms
  server.address service.peer.name url.full url.path
`

test('whoever changes the attributes of an outline has those of spans from before read from their bodies, by a version of the schema', () => {
  assert.equal(consoleSchema.versions.length, 6)
  assert.deepEqual([...OUTLINE_ATTRIBUTES].toSorted(), OUTLINED_SINCE_VERSION_6.trim().split(/\s+/))
})
