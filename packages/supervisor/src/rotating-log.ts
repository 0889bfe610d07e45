import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'

export interface RotatingLogOptions {
  /** At this size the file becomes `<path>.1`, replacing the one before. */
  readonly bytesMax: number
}

/**
 * A file that is appended to and never grows beyond its limit, twice counted. Writes are synchronous: into the page cache they take
 * microseconds, keep their order, and need no buffer that a fast writer could fill without end.
 */
export class RotatingLog {
  readonly path: string
  readonly #bytesMax: number
  #fd: number | undefined
  #size = 0

  constructor(path: string, options: RotatingLogOptions) {
    this.path = path
    this.#bytesMax = options.bytesMax
  }

  /** Appends whole. What the disk does not take is lost: a full disk must not end the supervisor, and with it the system. */
  write(chunk: Uint8Array): void {
    try {
      this.#fd ??= this.#open()
      if (this.#size > 0 && this.#size + chunk.length > this.#bytesMax) {
        this.close()
        renameSync(this.path, `${this.path}.1`)
        this.#fd = this.#open()
      }
      for (let written = 0; written < chunk.length;) written += writeSync(this.#fd, chunk, written)
      this.#size += chunk.length
    } catch {
      this.close()
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  #open(): number {
    const fd = openSync(this.path, 'a', 0o600)
    this.#size = fstatSync(fd).size
    return fd
  }
}
