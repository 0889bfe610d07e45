import { renameSync } from 'node:fs'
import { SqliteCorruptError } from 'seaworthy/sqlite'
import { TraceStore, type TraceStoreOptions } from './trace-store.ts'

/**
 * Opens the file of traces. A damaged one is set aside under another name and a new one begun: traces are there to look at, and no reason for a whole
 * system not to start.
 */
export function openTraceStore(options: TraceStoreOptions, onDamaged: OnDamaged): Promise<TraceStore> {
  return orAnew(options.path, () => TraceStore.open(options), onDamaged)
}

/** Told where the damaged file is now. */
export type OnDamaged = (error: Error, setAside: string) => void

/** Opens a file; one that is damaged is set aside first. */
export async function orAnew<Store>(path: string, open: () => Promise<Store>, onDamaged: OnDamaged): Promise<Store> {
  try {
    return await open()
  } catch (error) {
    if (!(error instanceof SqliteCorruptError)) throw error
    const setAside = `${path}.damaged`
    for (const suffix of ['', '-wal', '-shm']) moveAway(path + suffix, setAside + suffix)
    onDamaged(error, setAside)
    return await open()
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
