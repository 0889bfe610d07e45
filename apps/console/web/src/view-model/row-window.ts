/** Rows to draw, from `first` up to but without `end`. */
export interface RowWindow {
  readonly first: number
  readonly end: number
}

/** Rows that a window moves by. */
const STEP_ROWS = 4

/** The rows in sight and some above and below. A window moves by whole steps, so that most of scrolling moves what is drawn and draws nothing; it is always of one size, but at the ends. */
export function rowWindow(options: {
  readonly scrollTop: number
  readonly height: number
  readonly rowHeight: number
  readonly count: number
}): RowWindow {
  const { scrollTop, height, rowHeight, count } = options
  const size = Math.ceil(height / rowHeight) + 1 + 3 * STEP_ROWS
  const top = Math.max(0, Math.min(count - 1, Math.floor(scrollTop / rowHeight)))
  const first = Math.max(0, (Math.floor(top / STEP_ROWS) - 1) * STEP_ROWS)
  return { first, end: Math.min(count, first + size) }
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
