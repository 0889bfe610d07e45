import type { SpanNode } from './trace-tree.ts'

/** Pixels that the waterfall has. */
export interface WaterfallSize {
  readonly namePx: number
  readonly timePx: number
}

/** Pixels of a label's character, about: the text is small and its figures are of one width. */
const CHARACTER_PX = 6.3
const LABEL_PADDING_PX = 14

export type LabelPlace = 'behind' | 'before' | 'within'

/**
 * Where a bar's label has room: behind the bar; else before it, or before the way that leads to it; else, on a bar over the whole
 * width, within it. `left` and `right` are fractions of the time's width.
 */
export function labelPlace(options: {
  readonly left: number
  readonly right: number
  readonly text: string
  readonly timePx: number
}): LabelPlace {
  const neededPx = options.text.length * CHARACTER_PX + LABEL_PADDING_PX
  if ((1 - options.right) * options.timePx >= neededPx) return 'behind'
  return options.left * options.timePx >= neededPx ? 'before' : 'within'
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
