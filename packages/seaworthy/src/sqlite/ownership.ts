import { DatabaseSync } from 'node:sqlite'
import { type Clock, type Random, backoffMs, exponential, sleep } from 'seaworthy/core'
import { SqliteOwnedError, isBusy, typed } from './errors.ts'

export interface OwnershipOptions {
  readonly clock: Clock
  readonly random: Random
  /** How long to wait for a former owner to go, in milliseconds: a restart may overlap by a moment. */
  readonly waitMs: number
  readonly signal?: AbortSignal | undefined
}

/** The right to write a file, held until it is released or the process dies. */
export interface Ownership {
  release(): void
}

/** Kept from the garbage collector: a database that nobody holds any more, and nobody closed, still owns its file. */
const held = new Set<DatabaseSync>()
const RETRY = exponential({ baseMs: 10, maxMs: 250, jitter: 'equal' })

/**
 * Takes the ownership of `path` by an exclusive transaction, never ended, on the empty database `<path>.owner` beside it. What
 * holds is a lock of the operating system, which is gone when the process is, however it died: no stale file to clean up. It
 * cannot be on the database itself, where readers need to come in.
 * @throws SqliteOwnedError when another owner is still there after `waitMs`
 */
export async function takeOwnership(path: string, options: OwnershipOptions): Promise<Ownership> {
  const { clock } = options
  const startedMs = clock.monotonicMs()
  for (let attempt = 1; ; attempt++) {
    options.signal?.throwIfAborted()
    let lock: DatabaseSync | undefined
    try {
      const taken = (lock = new DatabaseSync(`${path}.owner`, { timeout: 0 }))
      taken.exec('BEGIN EXCLUSIVE')
      held.add(taken)
      return {
        release: () => {
          held.delete(taken)
          taken.close()
        },
      }
    } catch (error) {
      lock?.close()
      if (!isBusy(error)) throw typed(error, `${path}.owner`)
      const waitedMs = clock.monotonicMs() - startedMs
      if (waitedMs >= options.waitMs) throw new SqliteOwnedError(path, Math.round(waitedMs), { cause: error })
      const pauseMs = Math.min(backoffMs(RETRY, attempt, options.random), options.waitMs - waitedMs)
      await sleep(clock, pauseMs, options.signal)
    }
  }
}
