import { fstatSync, writeSync } from 'node:fs'
import type { DestinationStream } from 'pino'
import { type Clock, systemClock } from 'seaworthy/core'

export interface StandardOutputOptions {
  /** Default 1, standard output. */
  readonly fd?: number
  readonly clock?: Clock
  /** Bytes that wait while whoever reads a pipe does not keep up; lines beyond it are dropped and counted. Default 8 MiB. */
  readonly waitingBytesMax?: number
}

const WAITING_BYTES_MAX = 8 << 20
/** Nothing says when a pipe has room again to whoever writes to it by itself. */
const LOOK_EVERY_MS = 10
/** A process that ends waits no longer than this for a reader who takes nothing. */
const FLUSH_TIMEOUT_MS = 500
const SLEEP_MS = 5

/**
 * Where log lines are printed. A line is written by the very call that logs it, so that it is there when the process is killed the moment after: pino's own way by
 * default hands it to another thread. A file or a terminal takes it. A pipe takes it while it has room, and a reader that has stopped holds nobody up: lines wait here
 * then, and are written in their order when it goes on.
 */
export class StandardOutput implements DestinationStream {
  readonly #fd: number
  readonly #clock: Clock
  readonly #waitingBytesMax: number
  /** What the pipe did not take; the first may be the rest of a line. */
  readonly #waiting: Buffer[] = []
  #waitingBytes = 0
  #isLooking = false
  #dropped = 0
  #droppedUntold = 0
  /** Nobody reads any more. */
  #isBroken = false
  /** Told once it is written again, after lines had to be dropped. */
  onDropped: ((lines: number) => void) | undefined

  constructor({ fd = 1, clock = systemClock, waitingBytesMax = WAITING_BYTES_MAX }: StandardOutputOptions = {}) {
    this.#fd = fd
    this.#clock = clock
    this.#waitingBytesMax = waitingBytesMax
    // Node makes a pipe of its own standard streams one that never blocks when it is first asked for.
    if (isPipe(fd)) void (fd === 2 ? process.stderr : process.stdout)
    process.on('exit', () => this.flushSync())
  }

  /** Lines that nobody will read. */
  get dropped(): number {
    return this.#dropped
  }

  write(line: string): void {
    if (this.#isBroken) return
    const bytes = Buffer.from(line)
    if (this.#waiting.length > 0) {
      this.#keep(bytes)
      return
    }
    const rest = this.#tryWrite(bytes)
    if (rest.length > 0) this.#keep(rest)
  }

  /** Writes what waits, as long as it is taken. Pino asks for it after a fatal line, and so does the end of the process. */
  flushSync(): void {
    let before = { bytes: this.#waitingBytes, atMs: this.#clock.monotonicMs() }
    while (!this.#writeWaiting()) {
      const nowMs = this.#clock.monotonicMs()
      if (this.#waitingBytes < before.bytes) before = { bytes: this.#waitingBytes, atMs: nowMs }
      else if (nowMs - before.atMs >= FLUSH_TIMEOUT_MS) return
      Atomics.wait(asleep, 0, 0, SLEEP_MS)
    }
  }

  #keep(bytes: Buffer): void {
    // The rest of a line belongs to what is there.
    if (this.#waiting.length > 0 && this.#waitingBytes + bytes.length > this.#waitingBytesMax) {
      this.#dropped++
      this.#droppedUntold++
      return
    }
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    if (!this.#isLooking) this.#lookLater()
  }

  #lookLater(): void {
    this.#isLooking = true
    this.#clock.timer(LOOK_EVERY_MS, () => {
      this.#isLooking = false
      if (!this.#writeWaiting()) this.#lookLater()
    })
  }

  /** @returns whether all is written */
  #writeWaiting(): boolean {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const rest = this.#tryWrite(first)
      this.#waitingBytes -= first.length - rest.length
      if (rest.length > 0) {
        this.#waiting[0] = rest
        return false
      }
      this.#waiting.shift()
    }
    const lines = this.#droppedUntold
    this.#droppedUntold = 0
    if (lines > 0 && !this.#isBroken) this.onDropped?.(lines)
    return true
  }

  /** @returns what could not be written now */
  #tryWrite(bytes: Buffer): Buffer {
    try {
      return bytes.subarray(writeSync(this.#fd, bytes))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return bytes
      // A pipe that nobody reads any more, a disk that is full: no reason to fail whoever logs.
      this.#isBroken = (error as NodeJS.ErrnoException).code === 'EPIPE'
      this.#dropped++
      this.#droppedUntold++
      return Buffer.alloc(0)
    }
  }
}

const asleep = new Int32Array(new SharedArrayBuffer(4))

function isPipe(fd: number): boolean {
  try {
    const stat = fstatSync(fd)
    return stat.isFIFO() || stat.isSocket()
  } catch {
    return false
  }
}

let ofProcess: StandardOutput | undefined

/** The one of this process: two would mix their lines. */
export function standardOutput(): StandardOutput {
  return (ofProcess ??= new StandardOutput())
}
