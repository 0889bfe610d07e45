import type { Palette } from '../../state/palette.ts'
import type { RowGeometry } from '../../view-model/row-layout.ts'
import type { RowPicture } from '../../view-model/row-picture.ts'

/** Of a context what is used: a test records it. */
export type Pen = Pick<
  CanvasRenderingContext2D,
  | 'beginPath'
  | 'clearRect'
  | 'clip'
  | 'closePath'
  | 'fill'
  | 'fillRect'
  | 'fillStyle'
  | 'fillText'
  | 'font'
  | 'lineTo'
  | 'lineWidth'
  | 'moveTo'
  | 'rect'
  | 'restore'
  | 'roundRect'
  | 'save'
  | 'setTransform'
  | 'stroke'
  | 'strokeStyle'
  | 'textAlign'
  | 'textBaseline'
>

export interface DrawnRow extends RowPicture {
  /** The number of its service's colour. */
  readonly colour: number
}

/** All lengths in CSS pixels. */
export interface BarsLayout extends RowGeometry {
  readonly timePx: number
  /** Places of the lines through all rows, from where the time begins. */
  readonly gridX: readonly number[]
  readonly font: string
  /** Device pixels of a CSS pixel. */
  readonly ratio: number
}

const BAR_PX = 12
const PATH_PX = 3
const RADIUS_PX = 2

/** Draws rows one below the other, from the top. */
export function drawBars(pen: Pen, rows: readonly DrawnRow[], layout: BarsLayout, palette: Palette): void {
  const { rowHeight, barY, leftPx, rightPx, timePx, ratio } = layout
  const rowsPx = rows.length * rowHeight
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, leftPx + timePx + rightPx, rowsPx)
  pen.font = layout.font
  pen.textBaseline = 'middle'
  drawGrid(pen, rows.length, layout, palette.line)
  pen.setTransform(ratio, 0, 0, ratio, leftPx * ratio, 0)
  for (const [index, row] of rows.entries()) drawRow(pen, row, { y: index * rowHeight + barY, timePx }, palette)
}

function drawGrid(pen: Pen, count: number, { rowHeight, barY, leftPx, gridX, isBesideNames }: BarsLayout, colour: string): void {
  pen.fillStyle = colour
  if (isBesideNames) {
    for (const x of [0, ...gridX.map((x) => Math.round(leftPx + x))]) pen.fillRect(x, 0, 1, count * rowHeight)
    return
  }
  // Not through the names.
  for (let index = 0; index < count; index++) {
    for (const x of gridX) pen.fillRect(Math.round(leftPx + x), index * rowHeight + barY - 9, 1, 18)
  }
}

/** `y`: the middle of its bar. */
function drawRow(pen: Pen, row: DrawnRow, { y, timePx }: { readonly y: number; readonly timePx: number }, palette: Palette): void {
  const { bar, way, wait, path, label, outside, fault } = row
  const colour = palette.services[row.colour] ?? palette.text
  if (way !== undefined) drawWay(pen, way, y, colour)
  if (bar !== undefined) {
    const { x, width } = bar
    if (fault !== undefined) {
      fillRounded(pen, { x: x - 3, width: width + 6, y, height: BAR_PX + 6 }, fault === 'failed' ? palette.error : palette.warn)
      fillRounded(pen, { x: x - 1.5, width: width + 3, y, height: BAR_PX + 3 }, palette.surface)
    }
    fillRounded(pen, { x, width, y, height: BAR_PX }, colour)
  }
  if (wait !== undefined) drawStripes(pen, wait, y, palette.surface)
  pen.fillStyle = palette.text
  for (const { x, width } of path) pen.fillRect(x, y + 7, width, PATH_PX)
  if (label !== undefined) {
    pen.textAlign = label.align
    pen.fillStyle = label.isWithin ? palette.surface : palette.textMuted
    pen.fillText(label.text, label.x, y + 0.5)
  } else if (outside !== undefined) {
    pen.textAlign = outside === 'before' ? 'left' : 'right'
    pen.fillStyle = palette.textMuted
    pen.fillText(outside === 'before' ? '←' : '→', outside === 'before' ? 0 : timePx, y + 0.5)
  }
}

function fillRounded(
  pen: Pen,
  { x, y, width, height }: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
  colour: string,
): void {
  pen.fillStyle = colour
  pen.beginPath()
  pen.roundRect(x, y - height / 2, width, height, Math.min(RADIUS_PX, width / 2))
  pen.fill()
}

/** A message on its way: nobody worked, so there is no bar, only the dashed line that it came by. */
function drawWay(pen: Pen, { x, width }: { readonly x: number; readonly width: number }, y: number, colour: string): void {
  pen.fillStyle = colour
  for (let at = 0; at < width; at += 8) pen.fillRect(x + at, y - 1, Math.min(4, width - at), 2)
  pen.fillRect(x, y - 4, 2, 8)
  pen.beginPath()
  pen.moveTo(x + width - 5, y - 4)
  pen.lineTo(x + width + 1, y)
  pen.lineTo(x + width - 5, y + 4)
  pen.closePath()
  pen.fill()
}

/** Over the part of a bar that was spent waiting: lines in the surface's colour. */
function drawStripes(pen: Pen, { x, width }: { readonly x: number; readonly width: number }, y: number, colour: string): void {
  const top = y - BAR_PX / 2
  pen.save()
  pen.beginPath()
  pen.rect(x, top, width, BAR_PX)
  pen.clip()
  pen.strokeStyle = colour
  pen.lineWidth = 1.5
  pen.beginPath()
  for (let at = -BAR_PX / 2; at < width; at += 5) {
    pen.moveTo(x + at, top + BAR_PX)
    pen.lineTo(x + at + BAR_PX / 2, top)
  }
  pen.stroke()
  pen.restore()
}
