import { type FSWatcher, closeSync, constants, openSync, watch, writeSync } from 'node:fs'

const BELL = Buffer.from('1')

/**
 * A file that the writer of a topic touches after each COMMIT, and that readers in other processes watch. Watching the WAL itself
 * would miss every commit until the next, because it is written before the commit becomes visible. The file is never
 * replaced: who watches would go on watching the old one.
 */
export class Doorbell {
  readonly #descriptor: number
  #ringing = false
  #closed = false

  constructor(path: string) {
    this.#descriptor = openSync(path, constants.O_WRONLY | constants.O_CREAT)
  }

  /** Rings once, however many commits of one batch ask for it. */
  ring(): void {
    if (this.#ringing) return
    this.#ringing = true
    queueMicrotask(() => {
      this.#ringing = false
      if (this.#closed) return
      try {
        writeSync(this.#descriptor, BELL, 0, 1, 0)
      } catch {
        // A bell that cannot be rung, on a full disk, delays readers until they look by themselves.
      }
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    closeSync(this.#descriptor)
  }
}

/**
 * Calls `onRing` when the bell at `path` rings. Where it cannot be watched (the limit of inotify watches), nothing rings, and the
 * reader's own look at the file every so often has to do.
 */
export function listenToBell(path: string, onRing: () => void): { close(): void } {
  let watcher: FSWatcher
  try {
    watcher = watch(path, { persistent: false }, onRing)
  } catch {
    return { close: () => undefined }
  }
  watcher.on('error', () => watcher.close())
  return watcher
}
