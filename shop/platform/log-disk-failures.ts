import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Clock } from 'seaworthy/core'

const EVERY_MS = 1_000
const CHANNEL = 'seaworthy:sqlite.disk-failed'

/**
 * Writes failures of the disk to the log, once a second at most for each file: relay, consumer and worker all try again for ever, several times a second,
 * and none of them says so. @returns a function that stops it
 */
export function logDiskFailures(options: {
  readonly clock: Clock
  readonly logger: { error(fields: object, message: string): void }
}): () => void {
  const { clock, logger } = options
  const loggedAtMs = new Map<string, number>()
  const listener = (error: unknown) => {
    // It names the file and what is wrong with it.
    const { message } = error as Error
    const nowMs = clock.monotonicMs()
    if (nowMs - (loggedAtMs.get(message) ?? -Infinity) < EVERY_MS) return
    loggedAtMs.set(message, nowMs)
    logger.error({ err: error }, 'the disk fails')
  }
  subscribe(CHANNEL, listener)
  return () => void unsubscribe(CHANNEL, listener)
}
