import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { type CriticalPath, type SpanTreeNode, type TraceSpan, criticalPath, pathTo, spanTree } from 'seaworthy/trace-analysis'

interface Spec {
  readonly parent?: string
  readonly from: number
  readonly to: number
  readonly isAsynchronous?: boolean
}

const spansOf = (specs: Readonly<Record<string, Spec>>): TraceSpan[] =>
  Object.entries(specs).map(([spanId, { parent, from, to, isAsynchronous }]) => ({
    spanId,
    parentSpanId: parent,
    startUs: from,
    endUs: to,
    isAsynchronous,
  }))

const rootOf = (specs: Readonly<Record<string, Spec>>) => spanTree(spansOf(specs))[0]!
const shown = ({ segments }: CriticalPath<TraceSpan>) =>
  segments.map(({ span, startUs, endUs, kind }) => `${span.spanId}${kind === 'hop' ? ' hop' : ''} ${startUs}-${endUs}`)
const idsOf = ({ spans }: CriticalPath<TraceSpan>) => spans.map(({ spanId }) => spanId)

suite('the critical path of a span', () => {
  test('goes backwards through the child that ended last, and leaves out what ran beside it', () => {
    const path = criticalPath(
      rootOf({
        a: { from: 0, to: 100 },
        quick: { parent: 'a', from: 10, to: 40 },
        slow: { parent: 'a', from: 12, to: 80 },
        before: { parent: 'a', from: 2, to: 8 },
        query: { parent: 'slow', from: 20, to: 70 },
      }),
    )
    assert.deepEqual(shown(path), ['a 0-2', 'before 2-8', 'a 8-12', 'slow 12-20', 'query 20-70', 'slow 70-80', 'a 80-100'])
    assert.deepEqual(idsOf(path), ['a', 'slow', 'query', 'before'])
  })

  test('children back to back follow on each other, to the microsecond', () => {
    const path = criticalPath(
      rootOf({
        a: { from: 0, to: 100 },
        one: { parent: 'a', from: 0, to: 30 },
        two: { parent: 'a', from: 30, to: 60 },
        three: { parent: 'a', from: 60, to: 100 },
      }),
    )
    assert.deepEqual(shown(path), ['one 0-30', 'two 30-60', 'three 60-100'])
  })

  test('what of a child lies outside of its parent does not count, nor does a child outside of it', () => {
    const path = criticalPath(
      rootOf({
        a: { from: 0, to: 100 },
        early: { parent: 'a', from: -20, to: 30 },
        late: { parent: 'a', from: 60, to: 130 },
        after: { parent: 'a', from: 110, to: 120 },
        inLate: { parent: 'late', from: 90, to: 125 },
      }),
    )
    assert.deepEqual(shown(path), ['early 0-30', 'a 30-60', 'late 60-90', 'inLate 90-100'])
  })

  test('siblings that overlap by less than a hundredth of their parent follow on each other, if nothing else is at work there', () => {
    const overlapping = {
      a: { from: 0, to: 1_000 },
      first: { parent: 'a', from: 100, to: 505 },
      second: { parent: 'a', from: 500, to: 900 },
    }
    assert.deepEqual(shown(criticalPath(rootOf(overlapping))), ['a 0-100', 'first 100-500', 'second 500-900', 'a 900-1000'])
    const beside = { ...overlapping, third: { parent: 'a', from: 503, to: 700 } }
    assert.deepEqual(idsOf(criticalPath(rootOf(beside))), ['a', 'second'])
    const more = { ...overlapping, first: { parent: 'a', from: 100, to: 510 } }
    assert.deepEqual(idsOf(criticalPath(rootOf(more))), ['a', 'second'])
  })

  test('a handler of a message is not waited for, although it ended last', () => {
    const path = criticalPath(
      rootOf({
        a: { from: 0, to: 100 },
        call: { parent: 'a', from: 10, to: 50 },
        handler: { parent: 'a', from: 40, to: 90, isAsynchronous: true },
      }),
    )
    assert.deepEqual(idsOf(path), ['a', 'call'])
  })
})

suite('the path to a span', () => {
  test('goes through the message that caused it, with the time that it was on the way', () => {
    const tree = rootOf({
      request: { from: 0, to: 50 },
      transaction: { parent: 'request', from: 10, to: 30 },
      publish: { parent: 'transaction', from: 80, to: 90, isAsynchronous: true },
      handler: { parent: 'publish', from: 120, to: 200, isAsynchronous: true },
      mail: { parent: 'handler', from: 130, to: 190 },
    })
    const transaction = tree.children[0]!
    const handler = transaction.children[0]!.children[0]!
    assert.deepEqual(shown(pathTo(handler)), [
      'request 0-10',
      'transaction 10-30',
      'publish hop 30-80',
      'publish 80-90',
      'handler hop 90-120',
      'handler 120-130',
      'mail 130-190',
      'handler 190-200',
    ])
  })

  test('of the root is its critical path', () => {
    const root = rootOf({ a: { from: 0, to: 9 }, b: { parent: 'a', from: 3, to: 6 } })
    assert.deepEqual(pathTo(root), criticalPath(root))
  })
})

/** The definition, word by word: recursive, and quadratic. */
function byDefinition(node: SpanTreeNode<TraceSpan>, from: number, to: number): string[] {
  const path: string[] = []
  let reached = to
  let left = node.children.filter(({ span }) => span.startUs < to && span.endUs > from && span.isAsynchronous !== true)
  while (left.length > 0) {
    const ended = left.filter(({ span }) => Math.min(to, span.endUs) <= reached)
    const last = ended.toSorted(
      (one, other) => Math.min(to, other.span.endUs) - Math.min(to, one.span.endUs) || one.span.startUs - other.span.startUs,
    )[0]
    if (last === undefined) break
    const [startUs, endUs] = [Math.max(from, last.span.startUs), Math.min(to, last.span.endUs)]
    if (reached > endUs) path.unshift(`${node.span.spanId} ${endUs}-${reached}`)
    path.unshift(...byDefinition(last, startUs, endUs))
    reached = startUs
    left = left.filter((each) => each !== last)
  }
  if (reached > from) path.unshift(`${node.span.spanId} ${from}-${reached}`)
  return path
}

const traces = fc
  .array(
    fc.record({
      parent: fc.nat({ max: 1_000 }),
      // Whole tens, so that the allowance for clocks, which is less than a hundredth of these traces, plays no part.
      from: fc.nat({ max: 60 }).map((ten) => ten * 10),
      lasts: fc.nat({ max: 40 }).map((ten) => ten * 10),
      isAsynchronous: fc.boolean(),
    }),
    { maxLength: 14 },
  )
  .map((specs): TraceSpan[] => [
    { spanId: 's0', startUs: 0, endUs: 700 },
    ...specs.map(({ parent, from, lasts, isAsynchronous }, index) => ({
      spanId: `s${index + 1}`,
      parentSpanId: `s${parent % (index + 1)}`,
      startUs: from,
      endUs: from + lasts,
      isAsynchronous: isAsynchronous && lasts > 200,
    })),
  ])

suite('of any trace', () => {
  test('the path is that of the definition, and lasts as long as the root', () => {
    fc.assert(
      fc.property(traces, (spans) => {
        const root = spanTree(spans).find(({ span }) => span.spanId === 's0')!
        const { segments } = criticalPath(root)
        assert.deepEqual(shown({ segments, spans: [] }), byDefinition(root, 0, 700))
        assert.equal(
          segments.reduce((sum, { startUs, endUs }) => sum + endUs - startUs, 0),
          700,
        )
      }),
    )
  })

  test('the path to each span has no gap from the beginning of its root to its own end', () => {
    fc.assert(
      fc.property(traces, (spans) => {
        const pending = [...spanTree(spans)]
        for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
          pending.push(...node.children)
          const { segments } = pathTo(node)
          let root = node
          while (root.parent !== undefined) root = root.parent
          for (const [index, { startUs, endUs }] of segments.entries()) {
            assert.ok(startUs < endUs)
            assert.equal(startUs, segments[index - 1]?.endUs ?? root.span.startUs)
          }
          assert.ok((segments.at(-1)?.endUs ?? root.span.startUs) >= node.span.endUs || segments.length === 0)
        }
      }),
    )
  })

  test('every span is in the tree once, whatever the parents', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 12 }), { maxLength: 12 }), (parents) => {
        const spans = parents.map((parent, index) => ({
          spanId: `s${index}`,
          parentSpanId: `s${parent}`,
          startUs: index,
          endUs: index + 1,
        }))
        const seen: string[] = []
        const pending = [...spanTree(spans)]
        for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
          seen.push(node.span.spanId)
          pending.push(...node.children)
        }
        assert.deepEqual(seen.toSorted(), spans.map(({ spanId }) => spanId).toSorted())
      }),
    )
  })
})

suite('a large trace', () => {
  const timed = (spans: readonly TraceSpan[]) => {
    // Of the processor: what else the machine does is not the analysis.
    const before = process.cpuUsage()
    const { segments } = criticalPath(spanTree(spans)[0]!)
    const { user, system } = process.cpuUsage(before)
    return { segments, tookMs: (user + system) / 1_000 }
  }
  const root = { spanId: 'root', startUs: 0, endUs: 1_000_000 }

  test('of 10,000 levels is analysed', () => {
    const chain = Array.from({ length: 10_000 }, (_, level): TraceSpan => ({
      spanId: `s${level}`,
      parentSpanId: level === 0 ? 'root' : `s${level - 1}`,
      startUs: level + 1,
      endUs: 999_999 - level,
    }))
    assert.equal(timed([root, ...chain]).segments.length, 20_001)
  })

  test('of 50,000 siblings, in a row, overlapping a little or side by side, is analysed in a second of the processor', () => {
    const siblings = (lasts: number) =>
      Array.from({ length: 50_000 }, (_, index): TraceSpan => ({
        spanId: `s${index}`,
        parentSpanId: 'root',
        startUs: index * 20,
        endUs: index * 20 + lasts,
      }))
    for (const lasts of [20, 21, 500_000]) {
      const { tookMs, segments } = timed([root, ...siblings(lasts)])
      assert.ok(tookMs < 1_000, `${lasts}: ${tookMs} ms`)
      assert.ok(segments.length > 0)
    }
  })
})
