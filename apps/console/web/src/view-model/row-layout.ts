import type { SpanNode } from './trace-tree.ts'

/** Pixels that the waterfall has. */
export interface WaterfallSize {
  readonly namePx: number
  readonly timePx: number
}

/** Pixels of a row and of what is in it; waterfall.css has the same. */
export interface RowGeometry {
  readonly rowHeight: number
  /** From its top to the middle of its name. */
  readonly nameY: number
  /** From its top to the middle of its bar. */
  readonly barY: number
  /** From the names, or from the left edge where bars stand below their names, to where the time begins. */
  readonly leftPx: number
  /** From where the time ends to the right edge. */
  readonly rightPx: number
  /** Bars stand beside their names, not below them. */
  readonly isBesideNames: boolean
}

export const WIDE_ROW: RowGeometry = { rowHeight: 24, nameY: 12, barY: 12, leftPx: 8, rightPx: 12, isBesideNames: true }
/** On a narrow screen. */
export const NARROW_ROW: RowGeometry = { rowHeight: 44, nameY: 12, barY: 33, leftPx: 12, rightPx: 12, isBesideNames: false }

/** From the left edge to where the time begins. */
export function timeX({ isBesideNames, leftPx }: RowGeometry, { namePx }: WaterfallSize): number {
  return (isBesideNames ? namePx : 0) + leftPx
}

/** Before a name there are what opens its span, and the sign of the span's kind. The name begins where both end. */
const CHEVRON_PX = 22
export const SIGNS_PX = 44
const KIND_PX = 14

/** Middles of the two, and whether there is room for them beside the time: in a tree of a thousand levels there is not. */
export function signPlaces(indent: number, { namePx }: WaterfallSize) {
  return { chevronX: indent + CHEVRON_PX / 2, kindX: indent + CHEVRON_PX + KIND_PX / 2, isShown: indent + SIGNS_PX <= namePx }
}

/** Which of the two is `x` pixels from the left edge. */
export function signAt(x: number, indent: number): 'chevron' | 'kind' | undefined {
  if (x < indent || x >= indent + SIGNS_PX) return undefined
  return x < indent + CHEVRON_PX ? 'chevron' : 'kind'
}

/** Pixels of a small text's character, about: its figures are of one width. */
export const CHARACTER_PX = 6.3
const LABEL_PADDING_PX = 14

export interface PlacedLabel {
  readonly place: 'behind' | 'before' | 'within'
  readonly text: string
}

/**
 * Where a bar's label has room: behind the bar; else before it, or before the way that leads to it; else within it. The first text that
 * fits anywhere is taken; where none does there is no label. `left` is where the way or the bar begins, `bar` and `right` where the bar
 * begins and ends, as fractions of the time's width.
 */
export function placeLabel(options: {
  readonly left: number
  readonly bar: number
  readonly right: number
  readonly texts: readonly string[]
  readonly timePx: number
}): PlacedLabel | undefined {
  const { left, bar, right, texts, timePx } = options
  for (const text of texts) {
    const needed = (text.length * CHARACTER_PX + LABEL_PADDING_PX) / timePx
    if (1 - right >= needed) return { place: 'behind', text }
    if (left >= needed) return { place: 'before', text }
    if (right - bar >= needed) return { place: 'within', text }
  }
  return undefined
}

const INDENT_PX_MAX = 14
const INDENT_PX_MIN = 2

/** Pixels that a level is indented: less in a deep tree, so that its names keep half of their column. */
export function indentPx(depthMax: number, namePx: number): number {
  return Math.max(INDENT_PX_MIN, Math.min(INDENT_PX_MAX, (namePx * 0.45) / Math.max(1, depthMax)))
}

/** How deep a tree is. */
export function depthOf(rows: readonly SpanNode[]): number {
  let depth = 0
  for (const row of rows) depth = Math.max(depth, row.depth)
  return depth
}

const TICK_PX = 100

/** How many ticks the axis has room for. */
export function tickCount(timePx: number): number {
  return Math.max(2, Math.min(8, Math.floor(timePx / TICK_PX)))
}
