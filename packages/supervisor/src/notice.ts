import type { Clock } from 'seaworthy/core'

/** One line for the person who watches the terminal. */
export interface Notice {
  /** The process that it is about; undefined for the supervisor's own. */
  readonly service: string | undefined
  readonly level: 'info' | 'warning' | 'error'
  readonly message: string
}

export type Report = (notice: Notice) => void

const NOTICES_MAX = 5
const WINDOW_MS = 10_000

/** Passes on a few notices in each window and counts the rest, so that one failing process does not scroll all else away. */
export function limited(report: Report, clock: Clock, whereTheRestIs: string): Report {
  let windowStartedMs = Number.NEGATIVE_INFINITY
  let passed = 0
  let withheld = 0
  return (notice) => {
    const nowMs = clock.monotonicMs()
    if (nowMs - windowStartedMs >= WINDOW_MS) {
      if (withheld > 0) report({ ...notice, level: 'warning', message: `${withheld} more warnings and errors are in ${whereTheRestIs}` })
      windowStartedMs = nowMs
      passed = 0
      withheld = 0
    }
    if (passed < NOTICES_MAX) {
      passed++
      report(notice)
    } else withheld++
  }
}
