export interface Regression {
  readonly slope: number
  /** The standard error of the slope. */
  readonly error: number
}

/** A straight line through the points by least squares. @throws RangeError for fewer than three, of which no error can be told */
export function regressionOf(points: readonly { readonly x: number; readonly y: number }[]): Regression {
  if (points.length < 3) throw new RangeError(`A regression needs three points, and there are ${points.length}.`)
  const mean = (of: 'x' | 'y') => points.reduce((sum, point) => sum + point[of], 0) / points.length
  const [meanX, meanY] = [mean('x'), mean('y')]
  const spread = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0)
  const slope = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / spread
  const residual = points.reduce((sum, { x, y }) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0)
  return { slope, error: Math.sqrt(residual / (points.length - 2) / spread) }
}
