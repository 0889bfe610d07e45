import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { mountTmpfs } from './mounts.ts'
import { type Disk, EVENT_LOG } from './plan.ts'

/** Room for what is on it many times over. */
const DISK_BYTES = 64 << 20
const TOP_UP_EVERY_MS = 50
// As SQLite's engines say it, and as the operating system does.
const NO_ROOM = /No room is left|ENOSPC/g

/** A disk that can be filled to the last byte. */
export interface SmallDisk extends Disposable {
  /** Keeps the disk full until the signal says otherwise. */
  fill(until: AbortSignal): Promise<void>
  /** How often those who write to it said in their logs that no room is left. */
  complaints(): number
}

/** Puts the disk where the supervisor will look for the folder. */
export function smallDisk(dataDir: string, disk: Disk): SmallDisk {
  const path = disk === EVENT_LOG ? join(dataDir, 'event-log') : join(dataDir, 'services', disk)
  const isWriter = (log: string) => disk === EVENT_LOG || log.startsWith(`${disk}.log`)
  mkdirSync(path, { recursive: true })
  const mount = mountTmpfs(path, { bytesMax: DISK_BYTES })
  const filler = join(path, 'filler')
  return {
    async fill(until) {
      const file = openSync(filler, 'a')
      try {
        while (!until.aborted) {
          // What the service gives back meanwhile, by cutting its write-ahead log short, is taken too.
          writeUntilFull(file)
          await new Promise((resolve) => setTimeout(resolve, TOP_UP_EVERY_MS))
        }
      } finally {
        closeSync(file)
        rmSync(filler)
      }
    },
    complaints() {
      const logs = join(dataDir, 'logs')
      return readdirSync(logs)
        .filter(isWriter)
        .reduce((sum, log) => sum + (readFileSync(join(logs, log), 'utf8').match(NO_ROOM)?.length ?? 0), 0)
    },
    [Symbol.dispose]: () => mount[Symbol.dispose](),
  }
}

function writeUntilFull(file: number): void {
  for (const size of [1 << 20, 4 << 10, 1]) {
    const bytes = Buffer.alloc(size)
    try {
      while (writeSync(file, bytes) > 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }
}
