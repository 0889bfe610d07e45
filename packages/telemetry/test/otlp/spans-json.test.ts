import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Context, ROOT_CONTEXT, type SpanOptions, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api'
import { TraceState } from '@opentelemetry/core'
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import * as fc from 'fast-check'
import { spansJson } from '../../src/otlp/spans-json.ts'

function recorder() {
  const exporter = new InMemorySpanExporter()
  const resource = resourceFromAttributes({ 'service.name': 'orders "1"', 'process.pid': 4_711 })
  const provider = new TracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  return {
    start: (name: string, options: SpanOptions = {}, { parent = ROOT_CONTEXT, scope = 'seaworthy' }: Started = {}) =>
      provider.getTracer(scope, '1.0.0').startSpan(name, options, parent),
    spans: () => exporter.getFinishedSpans(),
  }
}

interface Started {
  readonly parent?: Context
  readonly scope?: string
}

interface Written {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly { readonly attributes: object[] }[] }[] }[]
}

/** The same without what has its default, which a sender may leave out. */
function withoutDefaults(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDefaults)
  if (typeof value !== 'object' || value === null) return value
  const isDefault = (name: string, inner: unknown) =>
    (name.startsWith('dropped') && inner === 0) ||
    ((name === 'events' || name === 'links') && Array.isArray(inner) && inner.length === 0) ||
    (name === 'status' && JSON.stringify(inner) === '{"code":0}')
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, inner]) => !isDefault(name, inner))
      .map(([name, inner]) => [name, withoutDefaults(inner)]),
  )
}

function assertAsOpenTelemetry(spans: Parameters<typeof spansJson>[0]): void {
  const theirs: unknown = JSON.parse(new TextDecoder().decode(JsonTraceSerializer.serializeRequest([...spans])))
  assert.deepEqual(JSON.parse(spansJson(spans)), withoutDefaults(theirs))
}

const REMOTE = trace.setSpanContext(ROOT_CONTEXT, {
  traceId: '1'.repeat(32),
  spanId: '2'.repeat(16),
  traceFlags: TraceFlags.SAMPLED,
  isRemote: true,
  traceState: new TraceState('rojo=1'),
})

test('a span is written as OpenTelemetry’s serializer writes it, but for what has its default', () => {
  const { start, spans } = recorder()
  const server = start('GET /orders/{id}', { kind: SpanKind.SERVER, startTime: [1_795_438_250, 7] }, { parent: REMOTE })
  const inner = start('query', { kind: SpanKind.CLIENT, links: [{ context: server.spanContext(), attributes: { why: 'lock' } }] })
  inner.addEvent('exception', { 'exception.message': 'no "such" table\n' }, [1_795_438_250, 1_000])
  inner.setStatus({ code: SpanStatusCode.ERROR, message: 'no' })
  inner.end()
  server.setStatus({ code: SpanStatusCode.OK })
  server.end([1_795_438_250, 999_999_999])
  start('of another library', {}, { scope: 'pg' }).end()
  assertAsOpenTelemetry(spans())
  assert.equal((JSON.parse(spansJson(spans())) as Written).resourceSpans[0]!.scopeSpans.length, 2)
})

test('names and values of any kind are written as OpenTelemetry’s serializer writes them', () => {
  const scalar = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.boolean(),
    fc.double({ noNaN: true, min: -1e15, max: 1e15 }),
    fc.constant(null),
    fc.uint8Array({ maxLength: 4 }),
  )
  const value = fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }), fc.dictionary(fc.constantFrom('a', '"b"'), scalar))
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.dictionary(fc.string({ minLength: 1 }), value), (name, attributes) => {
      const { start, spans } = recorder()
      start(name, { attributes }).end()
      assertAsOpenTelemetry(spans())
    }),
    { numRuns: 50 },
  )
})

test('numbers that JSON or 64 bits cannot hold are written as protobuf’s JSON has them', () => {
  const { start, spans } = recorder()
  start('figures', { attributes: { none: Number.NaN, all: Number.POSITIVE_INFINITY, huge: 2 ** 70 } }).end()
  assert.deepEqual((JSON.parse(spansJson(spans())) as Written).resourceSpans[0]!.scopeSpans[0]!.spans[0]!.attributes, [
    { key: 'none', value: { doubleValue: 'NaN' } },
    { key: 'all', value: { doubleValue: 'Infinity' } },
    { key: 'huge', value: { doubleValue: 2 ** 70 } },
  ])
})

test('what was dropped for a limit is counted', () => {
  const { start, spans } = recorder()
  const span = start('many')
  for (let index = 0; index < 130; index++) span.setAttribute(`key.${index}`, index).addEvent(`event ${index}`)
  span.end()
  assertAsOpenTelemetry(spans())
  assert.match(spansJson(spans()), /"droppedAttributesCount":2,.*"droppedEventsCount":2/)
})
