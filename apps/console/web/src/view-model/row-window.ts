import type { SpanNode } from './trace-tree.ts'

/** Rows that come and go together, one below the other. */
export const BLOCK_ROWS = 4

/** Blocks of rows to draw, from `first` up to but without `end`. */
export interface BlockWindow {
  readonly first: number
  readonly end: number
}

/** The blocks in sight, one above and one below: always so many, where there are. A scroll by less than a block moves what is drawn and draws nothing. */
export function blockWindow(options: {
  readonly scrollTop: number
  readonly height: number
  readonly rowHeight: number
  /** Of rows. */
  readonly count: number
}): BlockWindow {
  const blockHeight = options.rowHeight * BLOCK_ROWS
  const all = Math.ceil(options.count / BLOCK_ROWS)
  const size = Math.ceil(options.height / blockHeight) + 3
  const first = Math.max(0, Math.min(all - size, Math.floor(options.scrollTop / blockHeight) - 1))
  return { first, end: Math.min(all, first + size) }
}

/** Where to scroll so that a row is in sight, moving as little as possible; undefined when it is already. */
export function scrollToRow(options: {
  readonly index: number
  readonly scrollTop: number
  readonly height: number
  readonly rowHeight: number
}): number | undefined {
  const top = options.index * options.rowHeight
  if (top < options.scrollTop) return top
  const bottom = top + options.rowHeight
  return bottom > options.scrollTop + options.height ? bottom - options.height : undefined
}

/**
 * Where to scroll when more of a trace has come, so that the row at the top stays there. Undefined where nothing has to be done: at the
 * very top the beginning stays in sight, and a row that is gone can be kept nowhere.
 */
export function scrollWithRows(options: {
  readonly before: readonly SpanNode[]
  readonly after: readonly SpanNode[]
  readonly scrollTop: number
  readonly rowHeight: number
}): number | undefined {
  const { before, after, scrollTop, rowHeight } = options
  const top = Math.floor(scrollTop / rowHeight)
  const spanId = before[top]?.span.spanId
  if (scrollTop === 0 || spanId === undefined || after[top]?.span.spanId === spanId) return undefined
  const now = after.findIndex(({ span }) => span.spanId === spanId)
  return now === -1 ? undefined : scrollTop + (now - top) * rowHeight
}
