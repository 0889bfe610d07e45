import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { TraceView } from '../../state/trace-view.ts'
import type { RowGeometry } from '../../view-model/row-layout.ts'
import { BLOCK_ROWS } from '../../view-model/row-window.ts'
import { RowCanvas } from './row-canvas.tsx'
import { SpanRow } from './span-row.tsx'

interface RowBlockProps {
  readonly view: TraceView
  /** The number of its first row. */
  readonly first: number
  readonly geometry: RowGeometry
  /** Undefined where the active row is in another block. */
  readonly activeId: string | undefined
}

/** Some rows of the waterfall, one below the other, and the canvas over them. */
export function RowBlock({ view, first, geometry, activeId }: RowBlockProps): JSX.Element {
  const all = view.rows.value
  const rows = useMemo(() => all.slice(first, first + BLOCK_ROWS), [all, first])
  return (
    <div class="row-block" role="presentation" style={{ top: `${first * geometry.rowHeight}px` }}>
      {/* Without keys: each row's elements are used again for the span that comes to its place. */}
      {rows.map((node) => (
        <SpanRow
          node={node}
          view={view}
          isActive={node.span.spanId === activeId}
          isOpen={node.span.spanId === view.openId.value}
          isCollapsed={view.collapsed.value.has(node.span.spanId)}
        />
      ))}
      <RowCanvas view={view} rows={rows} geometry={geometry} />
    </div>
  )
}
