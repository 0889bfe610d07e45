import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildTree } from '../../web/src/view-model/trace-tree.ts'
import { reveal, treeKey, visibleRows } from '../../web/src/view-model/tree-rows.ts'
import { span } from './span-fixture.ts'

const roots = buildTree([span('a', undefined, 0, 9), span('b', 'a', 1, 4), span('c', 'b', 2, 3), span('d', 'a', 5, 6)])

/** Presses keys one after another, from nothing active. */
function press(...keys: string[]): { activeId: string | undefined; collapsed: string[]; visible: string[] } {
  let activeId: string | undefined
  let collapsed: ReadonlySet<string> = new Set<string>()
  for (const key of keys) {
    const next = treeKey(key, { rows: visibleRows(roots, collapsed), activeId, collapsed })
    assert.notEqual(next, undefined, key)
    ;({ activeId, collapsed } = next!)
  }
  return { activeId, collapsed: [...collapsed], visible: visibleRows(roots, collapsed).map((node) => node.span.spanId) }
}

test('down and up go row by row and stop at the ends', () => {
  assert.equal(press('ArrowDown').activeId, 'a')
  assert.equal(press('ArrowDown', 'ArrowDown', 'ArrowDown').activeId, 'c')
  assert.equal(press('End', 'ArrowDown').activeId, 'd')
  assert.equal(press('Home', 'ArrowUp').activeId, 'a')
  assert.equal(press('Home', 'PageDown').activeId, 'd')
})

test('left closes a span, then goes to its parent; right opens it, then goes to its child', () => {
  const closed = press('Home', 'ArrowRight', 'ArrowLeft')
  assert.deepEqual(closed, { activeId: 'b', collapsed: ['b'], visible: ['a', 'b', 'd'] })
  assert.equal(press('Home', 'ArrowRight', 'ArrowLeft', 'ArrowLeft').activeId, 'a')
  assert.deepEqual(press('Home', 'ArrowRight', 'ArrowLeft', 'ArrowRight').visible, ['a', 'b', 'c', 'd'])
  assert.equal(press('Home', 'ArrowRight', 'ArrowRight').activeId, 'c')
  assert.equal(press('Home', 'ArrowRight', 'ArrowRight', 'ArrowRight').activeId, 'c')
})

test('other keys are not the tree’s', () => {
  assert.equal(treeKey('x', { rows: visibleRows(roots, new Set()), activeId: 'a', collapsed: new Set() }), undefined)
  assert.equal(treeKey('ArrowDown', { rows: [], activeId: undefined, collapsed: new Set() }), undefined)
})

test('a link to a span opens everything above it and nothing else', () => {
  const c = visibleRows(roots, new Set()).find((node) => node.span.spanId === 'c')!
  assert.deepEqual([...reveal(c, new Set(['a', 'b', 'c', 'd']))], ['c', 'd'])
})
