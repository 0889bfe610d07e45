/**
 * The value whose bar is as long as a bar can be: the 95th percentile by nearest rank. One outlier would make all others dots;
 * its own bar is full, and its number stands beside it.
 */
export function fullScale(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  return Math.max(Number.MIN_VALUE, sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0)
}
