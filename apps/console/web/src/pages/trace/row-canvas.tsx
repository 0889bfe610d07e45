import type { JSX } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import type { SpanKind } from '../../../../src/otlp/read-trace.ts'
import { PATHS } from '../../components/icon.tsx'
import { followPalette, palette } from '../../state/palette.ts'
import { pixelRatio } from '../../state/pixel-ratio.ts'
import { colourNumber } from '../../state/system.ts'
import type { TraceView } from '../../state/trace-view.ts'
import { type RowGeometry, timeX } from '../../view-model/row-layout.ts'
import type { SpanNode } from '../../view-model/trace-tree.ts'
import { type DrawnRow, drawRows } from './draw-rows.ts'

interface RowCanvasProps {
  readonly view: TraceView
  /** One below the other, from the top of the canvas. */
  readonly rows: readonly SpanNode[]
  readonly geometry: RowGeometry
}

/** What of some rows is no text, on a canvas that lies over them: signs, bars, the critical path. What it shows is said by the rows, to whoever cannot see it. */
export function RowCanvas({ view, rows, geometry }: RowCanvasProps): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(followPalette, [])
  const colours = palette.value
  const ratio = pixelRatio.value
  const size = view.size.value
  const ticks = view.ticks.value
  const drawn = rows.map((node) => drawnRow(node, view))
  useLayoutEffect(() => {
    const pen = canvas.current?.getContext('2d')
    if (pen == null || colours === undefined) return
    const gridX = ticks.map(({ at }) => at * size.timePx)
    drawRows(pen, drawn, { geometry, size, gridX, font: colours.font, ratio, kindSigns: KIND_SIGNS }, colours)
  })
  const width = timeX(geometry, size) + size.timePx + geometry.rightPx
  const height = rows.length * geometry.rowHeight
  return (
    <canvas
      ref={canvas}
      class="row-canvas"
      aria-hidden="true"
      width={Math.round(width * ratio)}
      height={Math.round(height * ratio)}
      style={{ width: `${width}px`, height: `${height}px` }}
    />
  )
}

function drawnRow(node: SpanNode, view: TraceView): DrawnRow {
  const { span, depth, children } = node
  const isCollapsed = view.collapsed.value.has(span.spanId)
  return {
    ...view.pictureOf(node),
    colour: colourNumber(span.service),
    kind: span.kind,
    indentPx: depth * view.indentPx.value,
    chevron: children.length === 0 ? undefined : isCollapsed ? 'collapsed' : 'expanded',
  }
}

const KIND_SIGNS: Readonly<Record<SpanKind, Path2D>> = {
  unspecified: new Path2D(PATHS.unspecified),
  internal: new Path2D(PATHS.internal),
  server: new Path2D(PATHS.server),
  client: new Path2D(PATHS.client),
  producer: new Path2D(PATHS.producer),
  consumer: new Path2D(PATHS.consumer),
}
