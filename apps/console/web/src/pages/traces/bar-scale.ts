/**
 * The value whose bar is as long as a bar can be: the 95th percentile by nearest rank. One outlier would make all others dots;
 * its own bar is cut off, and marked.
 */
export function fullScale(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  return Math.max(Number.MIN_VALUE, sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0)
}

/** How long a value's bar is, as a fraction of the longest, and whether it was cut off there. */
export function barOf(value: number, full: number): { readonly width: number; readonly isCut: boolean } {
  return { width: Math.min(1, value / full), isCut: value > full }
}
