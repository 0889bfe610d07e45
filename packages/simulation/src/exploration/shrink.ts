/**
 * The smallest subset that still fails, as far as delta debugging finds it (Zeller and Hildebrandt, Simplifying and Isolating
 * Failure-Inducing Input, 2002): leaves out ever smaller parts, until no single element can go.
 * @param fails whether a subset fails; the whole is known to
 */
export async function shrink<T>(whole: readonly T[], fails: (subset: readonly T[]) => Promise<boolean>): Promise<readonly T[]> {
  let smallest = whole
  if (smallest.length > 0 && (await fails([]))) return []
  for (let parts = 2; smallest.length > 1;) {
    const size = Math.ceil(smallest.length / parts)
    let reduced = false
    for (let from = 0; from < smallest.length; from += size) {
      const without = [...smallest.slice(0, from), ...smallest.slice(from + size)]
      if (await fails(without)) {
        smallest = without
        parts = Math.max(2, parts - 1)
        reduced = true
        break
      }
    }
    if (!reduced) {
      if (size === 1) break
      parts = Math.min(smallest.length, parts * 2)
    }
  }
  return smallest
}
