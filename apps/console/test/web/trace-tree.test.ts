import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Span } from '../../src/otlp/read-trace.ts'
import { type SpanNode, buildTree } from '../../web/src/view-model/trace-tree.ts'
import { visibleRows } from '../../web/src/view-model/tree-rows.ts'
import { span } from './span-fixture.ts'

/** The tree as indented ids. */
const outline = (roots: readonly SpanNode[]) => visibleRows(roots, new Set()).map(({ depth, span }) => '.'.repeat(depth) + span.spanId)
const find = (roots: readonly SpanNode[], id: string) => visibleRows(roots, new Set()).find(({ span }) => span.spanId === id)!
const wait = (key: string, ms: number) => ({ attributes: [{ key, value: String(ms) }] })

test('spans stand under their parents, in the order of time, whatever order they came in', () => {
  const roots = buildTree([span('d', 'b', 3, 4), span('c', 'a', 5, 6), span('b', 'a', 1, 4), span('a', undefined, 0, 9)])
  assert.deepEqual(outline(roots), ['a', '.b', '..d', '.c'])
})

test('spans that begin together are ordered by length, the longer first', () => {
  const roots = buildTree([span('a', undefined, 0, 9), span('short', 'a', 1, 2), span('long', 'a', 1, 5)])
  assert.deepEqual(outline(roots), ['a', '.long', '.short'])
})

test('a span whose parent is missing is a root of its own and says so', () => {
  const roots = buildTree([span('a', undefined, 0, 9), span('lost', 'nobody', 2, 3), span('below', 'lost', 2, 3)])
  assert.deepEqual(outline(roots), ['a', 'lost', '.below'])
  assert.equal(find(roots, 'lost').relation, 'missing')
  assert.equal(find(roots, 'a').relation, 'root')
})

test('several roots stand in the order of time', () => {
  assert.deepEqual(outline(buildTree([span('late', undefined, 5, 6), span('early', undefined, 0, 1)])), ['early', 'late'])
})

test('a circle of parents is opened at its earliest span', () => {
  const roots = buildTree([span('x', 'z', 3, 4), span('y', 'x', 1, 2), span('z', 'y', 2, 3), span('self', 'self', 9, 9)])
  assert.deepEqual(outline(roots), ['y', '.z', '..x', 'self'])
})

test('a child that began before its parent is shown as it is, with the difference; less than a millisecond is measuring', () => {
  const roots = buildTree([span('a', undefined, 10, 20), span('skewed', 'a', 4, 8), span('near', 'a', 9.2, 12)])
  assert.equal(find(roots, 'skewed').skewUs, 6_000)
  assert.equal(find(roots, 'near').skewUs, 0)
})

test('a consumer’s message was on its way from the end of its producer’s span', () => {
  const roots = buildTree([span('send', undefined, 0, 5, { kind: 'producer' }), span('handle', 'send', 30, 40, { kind: 'consumer' })])
  const node = find(roots, 'handle')
  assert.equal(node.relation, 'async')
  assert.equal(node.sentUs, 5_000)
})

test('without a producer’s span the consumer’s own wait tells when its message was sent', () => {
  const fields = { kind: 'consumer', ...wait('seaworthy.log.wait_ms', 12) } as const
  assert.equal(find(buildTree([span('work', undefined, 0, 50), span('handle', 'work', 30, 40, fields)]), 'handle').sentUs, 18_000)
  assert.equal(
    find(buildTree([span('work', undefined, 0, 50), span('handle', 'work', 30, 40, { kind: 'consumer' })]), 'handle').sentUs,
    undefined,
  )
})

test('a wait within a span is never longer than the span', () => {
  const roots = buildTree([
    span('a', undefined, 0, 5, wait('seaworthy.time.pool_wait_ms', 3)),
    span('b', undefined, 0, 5, wait('seaworthy.outbox.wait_ms', 99)),
  ])
  assert.equal(find(roots, 'a').waitUs, 3_000)
  assert.equal(find(roots, 'b').waitUs, 5_000)
  assert.equal(
    find(buildTree([span('c', undefined, 0, 5, { attributes: [{ key: 'seaworthy.time.pool_wait_ms', value: 'soon' }] })]), 'c').waitUs,
    0,
  )
})

test('the time of its own is what no child covers, overlaps counted once and parts outside not at all', () => {
  const roots = buildTree([span('a', undefined, 0, 10), span('b', 'a', 1, 4), span('c', 'a', 3, 6), span('d', 'a', 9, 30)])
  assert.equal(find(roots, 'a').selfUs, 4_000)
})

test('errors below are counted, so that a closed branch can show them', () => {
  const roots = buildTree([
    span('a', undefined, 0, 9),
    span('b', 'a', 1, 2),
    span('c', 'b', 1, 2, { error: 'no' }),
    span('d', 'a', 3, 4, { error: 'no' }),
  ])
  assert.equal(find(roots, 'a').errorsBelow, 2)
  assert.equal(find(roots, 'b').errorsBelow, 1)
  assert.equal(find(roots, 'a').descendants, 3)
})

test('a chain of 20,000 spans is a tree', () => {
  const chain = Array.from({ length: 20_000 }, (_, index) => span(`s${index}`, index === 0 ? undefined : `s${index - 1}`, index, 30_000))
  const roots = buildTree(chain)
  assert.equal(roots.length, 1)
  assert.equal(visibleRows(roots, new Set()).at(-1)!.depth, 19_999)
})

test('whatever the parents are, every span is in the tree exactly once', () => {
  const spans = fc.array(fc.tuple(fc.nat(30), fc.nat(100), fc.nat(100)), { maxLength: 30 })
  fc.assert(
    fc.property(spans, (specs) => {
      const all: Span[] = specs.map(([parent, start, length], index) =>
        span(`s${index}`, parent === 0 ? undefined : `s${parent - 1}`, start, start + length),
      )
      const ids = visibleRows(buildTree(all), new Set()).map((node) => node.span.spanId)
      assert.deepEqual(ids.toSorted(), all.map(({ spanId }) => spanId).toSorted())
    }),
  )
})
