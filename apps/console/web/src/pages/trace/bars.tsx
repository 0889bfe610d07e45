import type { JSX, RefObject } from 'preact'
import { useEffect, useLayoutEffect } from 'preact/hooks'
import { followPalette, palette } from '../../state/palette.ts'
import { pixelRatio } from '../../state/pixel-ratio.ts'
import { colourNumber } from '../../state/system.ts'
import type { TraceView } from '../../state/trace-view.ts'
import type { RowGeometry } from '../../view-model/row-layout.ts'
import type { SpanNode } from '../../view-model/trace-tree.ts'
import { drawBars } from './draw-bars.ts'

interface BarsProps {
  readonly view: TraceView
  /** One below the other, from the top of the canvas. */
  readonly rows: readonly SpanNode[]
  readonly geometry: RowGeometry
  readonly canvas: RefObject<HTMLCanvasElement | null>
}

/** The time of some rows, on one canvas that lies over them. What it shows is said by the rows, to whoever cannot see it. */
export function Bars({ view, rows, geometry, canvas }: BarsProps): JSX.Element {
  useEffect(followPalette, [])
  const colours = palette.value
  const ratio = pixelRatio.value
  const { timePx } = view.size.value
  const ticks = view.ticks.value
  const drawn = rows.map((node) => ({ ...view.pictureOf(node), colour: colourNumber(node.span.service) }))
  useLayoutEffect(() => {
    const pen = canvas.current?.getContext('2d')
    if (pen == null || colours === undefined) return
    const { fontSize, fontFamily } = getComputedStyle(pen.canvas)
    const gridX = ticks.map(({ at }) => at * timePx)
    drawBars(pen, drawn, { ...geometry, timePx, gridX, font: `${fontSize} ${fontFamily}`, ratio }, colours)
  })
  const width = geometry.leftPx + timePx + geometry.rightPx
  const height = rows.length * geometry.rowHeight
  return (
    <canvas
      ref={canvas}
      class="bars"
      aria-hidden="true"
      width={Math.round(width * ratio)}
      height={Math.round(height * ratio)}
      style={{ width: `${width}px`, height: `${height}px` }}
    />
  )
}
