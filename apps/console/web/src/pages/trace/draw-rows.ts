import type { Palette } from '../../state/palette.ts'
import type { SpanKind } from '../../../../src/otlp/read-trace.ts'
import { type RowGeometry, type WaterfallSize, signPlaces, timeX } from '../../view-model/row-layout.ts'
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
  | 'lineCap'
  | 'lineJoin'
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
  readonly kind: SpanKind
  /** From the left edge to its signs. */
  readonly indentPx: number
  /** Undefined where there is nothing below it. */
  readonly chevron: 'expanded' | 'collapsed' | undefined
}

/** All lengths in CSS pixels. */
export interface RowsLayout {
  readonly geometry: RowGeometry
  readonly size: WaterfallSize
  /** Places of the lines through all rows, from where the time begins. */
  readonly gridX: readonly number[]
  readonly font: string
  /** Device pixels of a CSS pixel. */
  readonly ratio: number
  /** Lines on a grid of 16. */
  readonly kindSigns: Readonly<Record<SpanKind, Path2D>>
}

const BAR_PX = 12
const PATH_PX = 3
const RADIUS_PX = 2

/** Draws rows one below the other, from the top: all but their names. */
export function drawRows(pen: Pen, rows: readonly DrawnRow[], layout: RowsLayout, palette: Palette): void {
  const { geometry, size, ratio, font } = layout
  const { rowHeight, nameY, barY, rightPx } = geometry
  const fromX = timeX(geometry, size)
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, fromX + size.timePx + rightPx, rows.length * rowHeight)
  pen.font = font
  pen.textBaseline = 'middle'
  drawGrid(pen, rows.length, layout, palette.line)
  for (const [index, row] of rows.entries()) drawSigns(pen, row, index * rowHeight + nameY, layout, palette)
  pen.setTransform(ratio, 0, 0, ratio, fromX * ratio, 0)
  for (const [index, row] of rows.entries()) drawTime(pen, row, { y: index * rowHeight + barY, timePx: size.timePx }, palette)
}

function drawGrid(pen: Pen, count: number, { geometry, size, gridX }: RowsLayout, colour: string): void {
  const { rowHeight, barY, isBesideNames } = geometry
  const fromX = timeX(geometry, size)
  const lines = gridX.map((x) => Math.round(fromX + x))
  pen.fillStyle = colour
  if (isBesideNames) {
    for (const x of [Math.round(size.namePx) - 1, ...lines]) pen.fillRect(x, 0, 1, count * rowHeight)
    return
  }
  // Not through the names.
  for (let index = 0; index < count; index++) {
    for (const x of lines) pen.fillRect(x, index * rowHeight + barY - 9, 1, 18)
  }
}

/** Of 16: the size of a sign is 14. */
const SIGN_SCALE = 14 / 16

/** `y`: the middle of its name. */
function drawSigns(pen: Pen, row: DrawnRow, y: number, { size, ratio, kindSigns }: RowsLayout, palette: Palette): void {
  const { chevronX, kindX, isShown } = signPlaces(row.indentPx, size)
  if (!isShown) return
  pen.lineWidth = 1.4
  pen.lineCap = pen.lineJoin = 'round'
  if (row.chevron !== undefined) {
    const isOpen = row.chevron === 'expanded'
    pen.strokeStyle = palette.textMuted
    pen.beginPath()
    pen.moveTo(chevronX - (isOpen ? 3.5 : 2), y - (isOpen ? 2 : 3.5))
    pen.lineTo(chevronX + (isOpen ? 0 : 2), y + (isOpen ? 2 : 0))
    pen.lineTo(chevronX + (isOpen ? 3.5 : -2), y + (isOpen ? -2 : 3.5))
    pen.stroke()
  }
  const scale = SIGN_SCALE * ratio
  pen.strokeStyle = palette.services[row.colour] ?? palette.text
  pen.setTransform(scale, 0, 0, scale, kindX * ratio - 8 * scale, y * ratio - 8 * scale)
  pen.stroke(kindSigns[row.kind])
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
}

/** `y`: the middle of its bar. */
function drawTime(pen: Pen, row: DrawnRow, { y, timePx }: { readonly y: number; readonly timePx: number }, palette: Palette): void {
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
  pen.lineCap = 'butt'
  pen.beginPath()
  for (let at = -BAR_PX / 2; at < width; at += 5) {
    pen.moveTo(x + at, top + BAR_PX)
    pen.lineTo(x + at + BAR_PX / 2, top)
  }
  pen.stroke()
  pen.restore()
}
