/** Milliseconds since the epoch with their fractions: the same in every process of a machine, but for what its clock was set by meanwhile. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now()
}
