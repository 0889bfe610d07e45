import type { SpanNode } from './trace-tree.ts'

/** The rows that can be seen when the spans in `collapsed` are shut, from top to bottom. */
export function visibleRows(roots: readonly SpanNode[], collapsed: ReadonlySet<string>): readonly SpanNode[] {
  const rows: SpanNode[] = []
  const pending = [...roots].toReversed()
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    rows.push(node)
    if (collapsed.has(node.span.spanId)) continue
    for (let index = node.children.length - 1; index >= 0; index--) pending.push(node.children[index]!)
  }
  return rows
}

export interface TreeState {
  readonly rows: readonly SpanNode[]
  /** The row that the keyboard acts on. */
  readonly activeId: string | undefined
  readonly collapsed: ReadonlySet<string>
}

/** What a key does to the tree; undefined when it is not one of the tree's. The keys are those of the ARIA tree pattern (w3.org/WAI/ARIA/apg/patterns/treeview). */
export function treeKey(key: string, state: TreeState): Pick<TreeState, 'activeId' | 'collapsed'> | undefined {
  const { rows, collapsed } = state
  const index = Math.max(
    0,
    rows.findIndex(({ span }) => span.spanId === state.activeId),
  )
  const node = rows[index]
  if (node === undefined) return undefined
  const go = (to: number) => ({ activeId: rows[Math.max(0, Math.min(rows.length - 1, to))]!.span.spanId, collapsed })
  const id = node.span.spanId
  switch (key) {
    case 'ArrowDown':
      return go(state.activeId === undefined ? 0 : index + 1)
    case 'ArrowUp':
      return go(index - 1)
    case 'PageDown':
      return go(index + 15)
    case 'PageUp':
      return go(index - 15)
    case 'Home':
      return go(0)
    case 'End':
      return go(rows.length - 1)
    case 'ArrowRight':
      if (node.children.length === 0) return go(index)
      return collapsed.has(id) ? { activeId: id, collapsed: without(collapsed, id) } : go(index + 1)
    case 'ArrowLeft':
      if (node.children.length > 0 && !collapsed.has(id)) return { activeId: id, collapsed: new Set([...collapsed, id]) }
      return { activeId: node.parent?.span.spanId ?? id, collapsed }
    default:
      return undefined
  }
}

/** Opens everything above a span, so that a link to it shows it. */
export function reveal(node: SpanNode, collapsed: ReadonlySet<string>): ReadonlySet<string> {
  const open = new Set(collapsed)
  for (let above = node.parent; above !== undefined; above = above.parent) open.delete(above.span.spanId)
  return open.size === collapsed.size ? collapsed : open
}

export function without(set: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const rest = new Set(set)
  rest.delete(id)
  return rest
}
