import { type Clock, type Timer, systemClock } from 'seaworthy/core'

export interface StopSignals {
  /** Someone wants an orderly stop. */
  onStop(reason: string): void
  /** Someone asked again, and wants it at once. */
  onKill(): void
}

// One Ctrl-C under npm comes twice, from the terminal and from npm. Only a later one is a second wish.
const SAME_WISH_MS = 500
const PARENT_POLL_MS = 500

/** Turns SIGINT, SIGTERM and SIGHUP into a stop, and a later one into a kill. @returns a function that ends the listening */
export function listenForSignals(signals: StopSignals, clock: Clock = systemClock): () => void {
  let firstMs: number | undefined
  const listener = (name: NodeJS.Signals) => {
    const nowMs = clock.monotonicMs()
    if (firstMs === undefined) {
      firstMs = nowMs
      signals.onStop(name)
    } else if (nowMs - firstMs >= SAME_WISH_MS) signals.onKill()
  }
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of names) process.on(name, listener)
  return () => {
    for (const name of names) process.off(name, listener)
  }
}

/**
 * Calls once when this process has been handed to another parent, because its own was killed: npm passes no SIGKILL on. Only
 * under npm or the `seaworthy` command, for a shell may well end before what it started in the background. Who the parent was is told by
 * `SEAWORTHY_LAUNCHER`, where it is there: a parent that was killed before this process could look has been replaced by then.
 * @returns a function that ends the watch
 */
export function watchParent(env: NodeJS.ProcessEnv, onGone: () => void, clock: Clock = systemClock): () => void {
  const launcher = Number(env['SEAWORTHY_LAUNCHER'] ?? Number.NaN)
  const isBelow = env['npm_lifecycle_event'] !== undefined || env['npm_command'] !== undefined || Number.isInteger(launcher)
  if (!isBelow) return () => {}
  const parent = Number.isInteger(launcher) ? launcher : process.ppid
  let timer: Timer | undefined
  function look() {
    if (process.ppid !== parent) return onGone()
    timer = clock.timer(PARENT_POLL_MS, look, { keepAlive: false })
  }
  look()
  return () => timer?.cancel()
}
