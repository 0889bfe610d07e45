import type { Incarnation } from '../world/incarnation.ts'

/** What outlives processes, and tells of its changes. */
interface Changing {
  /** Calls `wake` at each change. @returns a function that stops it */
  onChange(wake: () => void): () => void
}

export interface WaitForChange {
  readonly stored: Changing
  /** Settles after this time in any case. */
  readonly waitMs: number
  /** When it changes by itself, in the world's time: a lease ends. */
  readonly dueMs?: number | undefined
  readonly signal: AbortSignal | undefined
}

/** A process waits for what is stored to change. @throws the signal's reason */
export function untilChanged(process: Incarnation, { stored, waitMs, dueMs, signal }: WaitForChange): Promise<void> {
  const { scheduler } = process.world
  return new Promise((resolve, reject) => {
    const leave = () => {
      timer.cancel()
      due?.cancel()
      forget()
      forgetDeath()
      signal?.removeEventListener('abort', onAbort)
    }
    const onChange = () => {
      leave()
      // In the reader's own time: whoever made the change goes on first, and a dead reader never hears of it.
      void process.later(0, resolve)
    }
    const onAbort = () => {
      leave()
      reject(signal?.reason)
    }
    const timer = process.clock.timer(waitMs, () => {
      leave()
      resolve()
    })
    const due = dueMs === undefined ? undefined : scheduler.after(dueMs - scheduler.nowMs, onChange, { owner: process, timer: true })
    const forget = stored.onChange(onChange)
    const forgetDeath = process.onDeath(leave)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
