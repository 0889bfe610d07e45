import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { mountTmpfs } from './mounts.ts'

/** Room for a service's data many times over. */
const DISK_BYTES = 64 << 20
const TOP_UP_EVERY_MS = 50

/** A service's data on a disk of its own that can be filled to the last byte. */
export interface SmallDisk extends Disposable {
  /** Keeps the disk full until the signal says otherwise. */
  fill(until: AbortSignal): Promise<void>
  /** How often the service said in its log that no room is left. */
  complaints(): number
}

/** Puts the disk where the supervisor will find the service's folder. */
export function smallDisk(dataDir: string, service: string): SmallDisk {
  const path = join(dataDir, 'services', service)
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
      const log = join(dataDir, 'logs', `${service}.log`)
      // The older half, where a log has been rotated.
      const text = [`${log}.1`, log].filter((path) => existsSync(path)).map((path) => readFileSync(path, 'utf8'))
      return text.join('').match(/No room is left|ENOSPC/g)?.length ?? 0
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
