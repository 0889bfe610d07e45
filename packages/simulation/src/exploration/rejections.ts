/** Listens for rejections that nobody handles, in place of whoever listens otherwise. */
export interface RejectionWatch {
  onRejection(tell: (error: unknown) => void): void
  stop(): void
}

/**
 * While a system is explored an unhandled rejection is a finding about that system, not about the process that explores it: production's process would
 * have died of it. A rejection that is handled late, but before the process would have looked, does not count; Node tells of the others.
 */
export function watchRejections(): RejectionWatch {
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  let tell: ((error: unknown) => void) | undefined
  const listener = (error: unknown) => tell?.(error)
  process.on('unhandledRejection', listener)
  return {
    onRejection: (next) => {
      tell = next
    },
    stop: () => {
      process.off('unhandledRejection', listener)
      for (const other of others) process.on('unhandledRejection', other)
    },
  }
}
