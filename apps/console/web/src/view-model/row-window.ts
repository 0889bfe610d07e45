/** Rows to draw, from `first` up to but without `end`. */
export interface RowWindow {
  readonly first: number
  readonly end: number
}

/** The rows in sight and some above and below, so that scrolling shows no gap. */
export function rowWindow(options: {
  readonly scrollTop: number
  readonly height: number
  readonly rowHeight: number
  readonly count: number
  readonly overscan?: number
}): RowWindow {
  const { scrollTop, height, rowHeight, count, overscan = 12 } = options
  const first = Math.max(0, Math.min(count, Math.floor(scrollTop / rowHeight)) - overscan)
  const end = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + overscan)
  return { first, end: Math.max(first, end) }
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
