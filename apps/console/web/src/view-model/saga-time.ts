/** Where a moment is drawn, as a share of the width, and where time was left out. */
export interface TimeScale {
  at(ms: number): number
  /** Stretches in which nothing happened, drawn shorter than they were. */
  readonly breaks: readonly { readonly at: number; readonly ms: number }[]
}

interface Stretch {
  readonly fromMs: number
  readonly toMs: number
}

/** A pause is drawn no longer than this share of the time in which something was done; with many pauses, than its part of half the width. */
const PAUSE_RATIO = 0.15
const PAUSES_RATIO = 0.5

/**
 * A saga does something for milliseconds, and then waits for days: on a scale of one measure nothing of it could be seen. So time in which nothing was done is
 * shortened, and time in which something was done keeps its measure.
 */
export function timeScale(options: {
  readonly fromMs: number
  readonly toMs: number
  /** When something was done. */
  readonly busy: readonly Stretch[]
  /** Moments that are drawn. */
  readonly marks: readonly number[]
}): TimeScale {
  const { fromMs, toMs, busy, marks } = options
  const moments = [...new Set([fromMs, toMs, ...marks].filter((ms) => ms >= fromMs && ms <= toMs))].toSorted((one, other) => one - other)
  const covered = unionOf(busy)
  let next = 0
  const stretches = moments.slice(1).map((to, index) => {
    const from = moments[index]!
    while (next < covered.length && covered[next]!.toMs <= from) next++
    const stretch = covered[next]
    return { from, ms: to - from, isBusy: stretch !== undefined && stretch.fromMs <= from && stretch.toMs >= to }
  })
  const busyMs = stretches.reduce((sum, { ms, isBusy }) => sum + (isBusy ? ms : 0), 0)
  const pauses = stretches.filter(({ isBusy }) => !isBusy).length
  const pauseMs = busyMs === 0 ? Number.POSITIVE_INFINITY : busyMs * Math.min(PAUSE_RATIO, PAUSES_RATIO / Math.max(1, pauses))
  const breaks: { at: number; ms: number }[] = []
  const places = new Map<number, number>([[moments[0] ?? fromMs, 0]])
  let width = 0
  for (const { from, ms, isBusy } of stretches) {
    const drawn = isBusy ? ms : Math.min(ms, pauseMs)
    if (drawn < ms) breaks.push({ at: width + drawn / 2, ms })
    width += drawn
    places.set(from + ms, width)
  }
  const whole = Math.max(width, Number.MIN_VALUE)
  return {
    at: (ms) => (places.get(ms) ?? (ms <= fromMs ? 0 : whole)) / whole,
    breaks: breaks.map(({ at, ms }) => ({ at: at / whole, ms })),
  }
}

function unionOf(stretches: readonly Stretch[]): readonly Stretch[] {
  const union: { fromMs: number; toMs: number }[] = []
  for (const { fromMs, toMs } of stretches.toSorted((one, other) => one.fromMs - other.fromMs)) {
    const last = union.at(-1)
    if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs)
    else union.push({ fromMs, toMs })
  }
  return union
}
