import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { InvalidInputError } from 'seaworthy/core'
import { type CriticalPath, criticalPath, sentence, spanTree, traceVerdict } from 'seaworthy/trace-analysis'
import { readTraceFile } from '../../src/import/formats.ts'
import { checkRequest } from '../../src/otlp/check.ts'
import { type OtlpTrace, readTrace } from '../../src/otlp/read-trace.ts'
import { type SpanRow, spanRows } from '../../src/otlp/rows.ts'
import { folder, OTHERS, skip } from './public-traces.ts'

const read = (path: string): unknown => JSON.parse(readFileSync(join(folder, path), 'utf8'))
const filesIn = (part: string) =>
  skip === false ? readdirSync(join(folder, part)).filter((name) => name.endsWith('.json') && !name.startsWith('_')) : []

interface Imported {
  readonly rejected: number
  readonly rows: readonly SpanRow[]
}

function imported(value: unknown): Imported {
  const checked = checkRequest(readTraceFile(value).request)
  return { rejected: checked.rejected, rows: spanRows(checked) }
}

type Row = Omit<SpanRow, 'parentSpanId'> & { readonly parentSpanId: string | undefined }

const pathOf = (rows: readonly SpanRow[]): CriticalPath<Row> => {
  const spans = rows.map((row) => ({ ...row, parentSpanId: row.parentSpanId ?? undefined }))
  return criticalPath(spanTree(spans).toSorted((one, other) => other.children.length - one.children.length)[0]!)
}

function assertSums({ segments }: CriticalPath<Row>, root: { startUs: number; endUs: number }): void {
  assert.equal(
    segments.reduce((sum, { startUs, endUs }) => sum + endUs - startUs, 0),
    root.endUs - root.startUs,
  )
}

suite('traces that CRISP is tested with', { skip }, () => {
  const truth =
    skip === false
      ? (read('crisp/_critical_path_truth.json') as Record<string, [id: string, name: string, start: number, end: number][]>)
      : {}
  for (const name of filesIn('crisp')) {
    test(`${name} has the critical path that CRISP finds`, () => {
      const { rows, rejected } = imported(read(`crisp/${name}`))
      assert.equal(rejected, 0)
      const path = pathOf(rows)
      // Ids that are no numbers have got others; the names of a trace tell its spans apart, but for those of equal operations, which differ in their starts.
      const ours = path.spans.map(({ name: operation, startUs }) => `${operation} ${startUs}`).toSorted()
      assert.deepEqual(ours, truth[name]!.map(([, operation, start]) => `${operation} ${start}`).toSorted())
      assertSums(path, path.spans[0]!)
    })
  }
})

suite('traces of DeathStarBench', { skip }, () => {
  const truth = skip === false ? (read('deathstarbench/_critical_path_truth.json') as Record<string, [id: string, name: string][]>) : {}
  test('each has the critical path that CRISP finds', () => {
    const { rows, rejected } = imported(read('deathstarbench/traces-1695947455229.json'))
    assert.equal(rejected, 0)
    const differing: string[] = []
    const traces = Map.groupBy(rows, ({ traceId }) => traceId)
    for (const [traceId, spans] of traces) {
      const path = pathOf(spans)
      assertSums(path, path.spans[0]!)
      const ours = path.spans.map(({ spanId }) => spanId).toSorted()
      const theirs = truth[traceId.replace(/^0{16}/, '')]!.map(([id]) => id.padStart(16, '0')).toSorted()
      if (ours.join() !== theirs.join())
        differing.push(
          `${traceId}: ours alone ${ours.filter((id) => !theirs.includes(id)).join(' ')}; theirs alone ${theirs.filter((id) => !ours.includes(id)).join(' ')}`,
        )
    }
    assert.equal(traces.size, 20)
    assert.deepEqual(differing, [])
  })
})

suite('traces of Zipkin', { skip }, () => {
  for (const name of filesIn('zipkin')) {
    test(`${name} loses no span`, () => {
      const given = (read(`zipkin/${name}`) as { id: string; localEndpoint?: { serviceName?: string } }[]).flat()
      const { rows, rejected } = imported(given)
      assert.equal(rejected, 0)
      const reported = new Set(given.map(({ id, localEndpoint }) => `${id} ${JSON.stringify(localEndpoint)}`))
      assert.ok(rows.length >= reported.size, `${rows.length} of ${reported.size}`)
      assert.equal(new Set(rows.map(({ spanId }) => spanId)).size, rows.length, 'two spans have one id')
      const path = pathOf(rows)
      assertSums(path, path.spans[0]!)
    })
  }
})

suite('files of Jaeger and OTLP', { skip }, () => {
  test('are read, or refused by name', () => {
    const refused: string[] = []
    for (const part of ['jaeger', 'otlp']) {
      for (const name of filesIn(part)) {
        try {
          const { rows, rejected } = imported(read(`${part}/${name}`))
          assert.equal(rejected, 0, name)
          assert.ok(rows.length > 0, name)
        } catch (error) {
          assert.ok(error instanceof InvalidInputError || error instanceof SyntaxError, `${name}: ${String(error)}`)
          refused.push(name)
        }
      }
    }
    assert.deepEqual(
      refused,
      OTHERS.map((name) => `${name}.json`),
    )
  })
})

suite('verdicts on traces that state no facts', { skip }, () => {
  /** One of a file's traces after the other, as the console reads them. */
  const tracesOf = (path: string): readonly OtlpTrace[] => {
    const { resourceSpans } = checkRequest(readTraceFile(read(path)).request)
    const ids = new Set(resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map(({ traceId }) => traceId))))
    return [...ids].map((id) => ({
      resourceSpans: resourceSpans.map((of) => ({
        ...of,
        scopeSpans: of.scopeSpans.map((scope) => ({ ...scope, spans: scope.spans.filter(({ traceId }) => traceId === id) })),
      })) as NonNullable<OtlpTrace['resourceSpans']>,
    }))
  }
  const FROM_KINDS_ALONE = new Set(['query', 'network', 'queue', 'downstream', 'unexplained'])

  test('take them apart as far as their kinds go, sum to them, and call the rest unexplained', () => {
    let judged = 0
    for (const part of ['crisp', 'deathstarbench', 'zipkin']) {
      for (const name of filesIn(part)) {
        for (const trace of tracesOf(`${part}/${name}`)) {
          const { spans } = readTrace(trace)!
          const verdict = traceVerdict(spans)!
          for (const { parts, durationUs } of [verdict.answer, verdict.whole ?? verdict.answer]) {
            assert.equal(
              parts.reduce((sum, { us }) => sum + us, 0),
              durationUs,
              name,
            )
            assert.deepEqual(
              parts.filter(({ cause }) => !FROM_KINDS_ALONE.has(cause)),
              [],
              name,
            )
          }
          for (const { spanId, startUs, endUs } of spans) {
            const us = verdict.partsOf(spanId)!.reduce((sum, part) => sum + part.us, 0)
            assert.equal(us, Math.max(0, Math.round(endUs) - Math.round(startUs)), `${name}: ${spanId}`)
          }
          assert.match(sentence(verdict.answer), /\.$/)
          judged++
        }
      }
    }
    assert.ok(judged > 60, `${judged} traces`)
  })
})
