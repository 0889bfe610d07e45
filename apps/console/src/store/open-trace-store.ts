import { renameSync } from 'node:fs'
import { SqliteCorruptError } from 'seaworthy/sqlite'
import { TraceStore, type TraceStoreOptions } from './trace-store.ts'

/**
 * Opens the file of traces. A damaged one is set aside under another name and a new one begun: traces are there to look at, and no reason for a whole
 * system not to start.
 * @param onDamaged told where the damaged file is now
 */
export async function openTraceStore(options: TraceStoreOptions, onDamaged: (error: Error, setAside: string) => void): Promise<TraceStore> {
  try {
    return await TraceStore.open(options)
  } catch (error) {
    if (!(error instanceof SqliteCorruptError)) throw error
    const setAside = `${options.path}.damaged`
    for (const suffix of ['', '-wal', '-shm']) moveAway(options.path + suffix, setAside + suffix)
    onDamaged(error, setAside)
    return await TraceStore.open(options)
  }
}

function moveAway(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    // Not every database has a log beside it.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
