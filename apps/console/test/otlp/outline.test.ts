import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { traceVerdict } from 'seaworthy/trace-analysis'
import { nanosSinceSecond, secondsOf } from '../../src/otlp/moment.ts'
import { type OutlineColumns, type OutlinePart, OutlineWriter } from '../../src/otlp/outline.ts'
import { OUTLINE_ATTRIBUTES } from '../../src/otlp/outline-attributes.ts'
import { OutlineReader } from '../../src/otlp/read-outline.ts'
import {
  type OtlpSpan,
  type OtlpTrace,
  type Span,
  type Trace,
  attributes,
  failureOf,
  processOf,
  readTrace,
} from '../../src/otlp/read-trace.ts'
import { verdictAnswer } from '../../src/verdict/trace-verdict.ts'
import { pathView } from '../../web/src/view-model/path-view.ts'
import { traceFacts } from '../../web/src/view-model/trace-facts.ts'
import { buildTree } from '../../web/src/view-model/trace-tree.ts'
import { visibleRows } from '../../web/src/view-model/tree-rows.ts'
import { checkoutSpans, otlpRequest } from '../checkout-trace.ts'
import { lockedCheckout } from '../slow-traces.ts'

const TRACE_ID = 'a'.repeat(32)

interface Given {
  readonly span: OtlpSpan
  readonly process: Pick<Span, 'service' | 'instance'>
}

/** As the store has them. */
function columnsOf(some: readonly Given[], baseSeconds: number): OutlineColumns {
  const column = (of: (span: OtlpSpan) => unknown) => JSON.stringify(some.map(({ span }) => of(span)))
  const startNs = ({ startTimeUnixNano }: OtlpSpan) => nanosSinceSecond(baseSeconds, startTimeUnixNano)
  const outlined = ({ attributes }: OtlpSpan) => (attributes ?? []).filter(({ key }) => OUTLINE_ATTRIBUTES.has(key))
  return {
    baseSeconds,
    ids: column(({ spanId }) => spanId),
    kinds: column(({ kind }) => kind ?? 0),
    startNs: column(startNs),
    lengthNs: column((span) => nanosSinceSecond(baseSeconds, span.endTimeUnixNano) - startNs(span)),
    parents: some.map(({ span }) => span.parentSpanId ?? null),
    names: some.map(({ span }) => span.name),
    processes: some.map(({ process }) => process),
    attributes: some.map(({ span }) => JSON.stringify(outlined(span)).slice(1, -1)),
    whole: some.flatMap(({ span }, place) => (failureOf(span) === undefined && span.events === undefined ? [] : [[place, span] as const])),
  }
}

const partOf = (writer: OutlineWriter, columns: OutlineColumns) => JSON.parse(writer.part(columns)) as OutlinePart

/** Through the outline in parts of `size` spans, and through JSON as over the network. `meanwhile` is told what has come so far, each time more has. */
function outlined(otlp: OtlpTrace, size: number, meanwhile?: (trace: Trace) => void): Trace | undefined {
  const all = (otlp.resourceSpans ?? []).flatMap(({ resource, scopeSpans }) => {
    const process = processOf(attributes(resource?.attributes))
    return (scopeSpans ?? []).flatMap(({ spans }) => (spans ?? []).map((span): Given => ({ span, process })))
  })
  const writer = new OutlineWriter()
  const reader = new OutlineReader()
  const baseSeconds = secondsOf(all[0]?.span.startTimeUnixNano ?? '')
  for (let from = 0; from < all.length; from += size) {
    reader.add(partOf(writer, columnsOf(all.slice(from, from + size), baseSeconds)))
    if (meanwhile !== undefined) meanwhile(reader.trace()!)
  }
  return reader.trace()
}

/** All that the page shows of a trace before a span is opened. */
function shown(trace: Trace) {
  const roots = buildTree(trace.spans)
  return {
    startMs: trace.startMs,
    durationUs: trace.durationUs,
    facts: traceFacts(trace, roots),
    rows: visibleRows(roots, new Set()).map(({ span, parent, children: _children, ...row }) => {
      const { attributes: _attributes, events: _events, ...own } = span
      const { scope: _scope, resource: _resource, links: _links, ...seen } = { scope: 0, resource: 0, links: 0, ...own }
      return { ...row, parentId: parent?.span.spanId, ...seen }
    }),
    path: pathView(roots),
    verdict: verdictAnswer(TRACE_ID, traceVerdict(trace.spans)!),
    parts: trace.spans.map(({ spanId }) => traceVerdict(trace.spans)!.partsOf(spanId)),
  }
}

const requests = {
  'a checkout with messages': checkoutSpans(),
  'one that was declined': checkoutSpans('declined'),
  'one that waited for a lock': lockedCheckout(),
}

suite('an outline', () => {
  for (const [name, spans] of Object.entries(requests)) {
    test(`shows and judges ${name} as the whole trace does`, () => {
      const otlp = otlpRequest(spans, { traceId: TRACE_ID, correlationId: 'c', startMs: 1_795_438_250_000 }) as OtlpTrace
      const whole = shown(readTrace(otlp)!)
      assert.deepEqual(shown(outlined(otlp, 1_000)!), whole)
      assert.deepEqual(shown(outlined(otlp, 3)!), whole)
    })
  }

  test('leaves out what nobody looks at, and says once what spans have in common', () => {
    const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } })
    const spans = Array.from({ length: 1_000 }, (_, index): OtlpSpan => ({
      traceId: TRACE_ID,
      spanId: index.toString(16).padStart(16, '0'),
      name: 'SELECT stock',
      startTimeUnixNano: `17954382500000${index.toString().padStart(5, '0')}`,
      endTimeUnixNano: `17954382500000${index.toString().padStart(5, '0')}`,
      attributes: [attribute('db.query.text', 'SELECT 1'.repeat(100)), attribute('db.system.name', 'postgresql')],
      events: [{ name: 'exception', attributes: [attribute('exception.stacktrace', 'at main'.repeat(100))] }],
    }))
    const process = { service: 'inventory', instance: undefined }
    const given = spans.map((span) => ({ span, process }))
    const part = partOf(new OutlineWriter(), columnsOf(given, 1_795_438_250))
    assert.deepEqual(part.strings, ['SELECT stock', 'db.system.name', 'postgresql', 'inventory'])
    assert.deepEqual(part.stretches, [])
    assert.ok(JSON.stringify(part).length < 60 * spans.length, `${JSON.stringify(part).length} bytes`)
  })

  test('keeps nanoseconds, ends before beginnings, failures without a message, and the order in which spans came', () => {
    const times = fc.tuple(fc.bigInt(0n, 9_000_000_000_000_000n), fc.bigInt(-5_000_000_000n, 5_000_000_000n))
    const spans = fc.array(fc.tuple(times, fc.option(fc.string()), fc.boolean()), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(spans, fc.integer({ min: 1, max: 5 }), (specs, size) => {
        const otlp: OtlpTrace = {
          resourceSpans: [
            {
              scopeSpans: [
                {
                  spans: specs.map(([[start, length], message, isError], index) => ({
                    traceId: TRACE_ID,
                    spanId: `${index}`,
                    name: `${index % 3}`,
                    ...(index > 0 && { parentSpanId: `${index >> 1}` }),
                    startTimeUnixNano: `${1_795_438_250_000_000_000n + start}`,
                    endTimeUnixNano: `${1_795_438_250_000_000_000n + start + length}`,
                    ...(isError && { status: { code: 2, ...(message !== null && { message }) } }),
                  })),
                },
              ],
            },
          ],
        }
        const read = readTrace(otlp)!
        const spans = read.spans.map(({ scope: _scope, resource: _resource, links: _links, ...span }) => span)
        assert.deepEqual(outlined(otlp, size), { ...read, spans })
        const begun: { readonly trace: Trace; readonly text: string }[] = []
        assert.deepEqual(
          outlined(otlp, size, (trace) => begun.push({ trace, text: JSON.stringify(trace) })),
          { ...read, spans },
        )
        // What was shown of it is not changed by what came later.
        for (const { trace, text } of begun) assert.equal(JSON.stringify(trace), text)
      }),
    )
  })

  test('of no spans is no trace', () => {
    assert.equal(outlined({}, 10), undefined)
  })
})
