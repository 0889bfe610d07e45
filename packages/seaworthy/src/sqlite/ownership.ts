import { DatabaseSync } from 'node:sqlite'
import { type Clock, sleep } from 'seaworthy/core'
import { DatabaseOwnedError, isBusy } from './errors.ts'

const RETRY_MS = 20

/** A claim on a file, for as long as this process lives or until it is released. */
export interface Ownership {
  release(): void
}

/**
 * Claims `path` for this process by an exclusive transaction on a side file. The operating system drops the lock with the process,
 * kill -9 included, so there is nothing to clean up and no stale claim.
 * @throws DatabaseOwnedError when another process still holds it after `waitMs`: a restart may overlap by a moment
 */
export async function claim(path: string, options: { waitMs: number; clock: Clock; signal?: AbortSignal }): Promise<Ownership> {
  const lock = new DatabaseSync(`${path}.owner`, { timeout: 0 })
  const deadlineMs = options.clock.monotonicMs() + options.waitMs
  for (;;) {
    try {
      lock.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
      return { release: () => lock.isOpen && lock.close() }
    } catch (error) {
      if (!isBusy(error) || options.clock.monotonicMs() >= deadlineMs) {
        lock.close()
        throw isBusy(error) ? new DatabaseOwnedError(path, { cause: error }) : error
      }
    }
    try {
      await sleep(options.clock, RETRY_MS, options.signal)
    } catch (error) {
      lock.close()
      throw error
    }
  }
}
