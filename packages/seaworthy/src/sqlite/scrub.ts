import { type Clock, type Random, backoffMs, exponential, sleep, systemClock, systemRandom } from 'seaworthy/core'
import { Connection } from './connection.ts'
import { isBusy } from './errors.ts'

const ATTEMPTS_MAX = 20
const RETRY = exponential({ baseMs: 2, maxMs: 100, jitter: 'full' })

export interface ScrubOptions {
  readonly clock?: Clock
  readonly random?: Random
}

/**
 * Writes a database's file anew and empties its write-ahead log, so that what was deleted or overwritten before is in neither. For the moment after a person was
 * forgotten: it copies the whole file, and nobody writes meanwhile. A database that is opened with `secureDelete` pays at each delete instead, and needs only its log emptied.
 * @returns false when others were at work on the file for too long: it may still be there, so do it again
 */
export async function scrubSqliteFile({ path }: { readonly path: string }, options: ScrubOptions = {}): Promise<boolean> {
  const rewritten = await whenIdle(path, options, (connection) => {
    connection.control('VACUUM')
    return true
  })
  return rewritten && (await emptyWriteAheadLog(path, options))
}

/**
 * Takes the write-ahead log's pages into the file and cuts it to nothing.
 * @returns false when somebody reads the file for too long, and holds on to the old pages
 */
export function emptyWriteAheadLog(path: string, options: ScrubOptions): Promise<boolean> {
  return whenIdle(path, options, (connection) => connection.first('PRAGMA wal_checkpoint(TRUNCATE)')?.['busy'] === 0)
}

/** Tries until it is done, on a connection of its own: the writer's may be in the middle of a commit for others. */
async function whenIdle(
  path: string,
  { clock = systemClock, random = systemRandom }: ScrubOptions,
  attempt: (connection: Connection) => boolean,
): Promise<boolean> {
  const connection = new Connection({ path, readOnly: false, statementsMax: 1 })
  try {
    for (let attempts = 1; ; attempts++) {
      if (unlessBusy(() => attempt(connection))) return true
      if (attempts === ATTEMPTS_MAX) return false
      await sleep(clock, backoffMs(RETRY, attempts, random))
    }
  } finally {
    connection.close()
  }
}

function unlessBusy(attempt: () => boolean): boolean {
  try {
    return attempt()
  } catch (error) {
    // `control` throws SQLite's own error, `first` a typed one around it.
    if (isBusy(error) || (error instanceof Error && isBusy(error.cause))) return false
    throw error
  }
}
