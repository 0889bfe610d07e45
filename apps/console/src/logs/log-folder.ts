import { closeSync, fstatSync, openSync, readSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, systemClock } from 'seaworthy/core'
import type { LogRow } from './log-row.ts'
import type { FilePosition, LogStore } from './log-store.ts'
import { rowOfLine } from './pino-line.ts'

export interface LogFolderOptions {
  /** Where a supervisor writes what each process printed: `NAME.log`, and `NAME.log.1` for what was before. */
  readonly folder: string
  readonly store: Pick<LogStore, 'write' | 'positions' | 'isFull' | 'prune'>
  readonly clock?: Clock
}

/** Of one file in one turn. */
const CHUNK_BYTES = 128 * 1_024
/** Of a file that nobody read yet, so much of its end: a first start does not read all of yesterday. */
const FIRST_BYTES_MAX = 1 << 20
/** A processes' name, as a supervisor gives it. */
const FILE = /^(?<service>[\w.-]+)\.log$/

/**
 * Reads what processes printed, as it grows, over rotations and over restarts: how far each file was read is stored together with what it said, so that no line is missing and none is there twice.
 */
export class LogFolder {
  readonly #folder: string
  readonly #store: LogFolderOptions['store']
  readonly #clock: Clock
  #positions: Map<string, FilePosition> | undefined
  #lines = 0

  constructor({ folder, store, clock = systemClock }: LogFolderOptions) {
    this.#folder = folder
    this.#store = store
    this.#clock = clock
  }

  /** Lines that were read since the start. */
  get lines(): number {
    return this.#lines
  }

  /** Reads what came since. @returns whether there may be more */
  async read(): Promise<boolean> {
    this.#positions ??= new Map((await this.#store.positions()).map((position) => [position.name, position]))
    const rows: LogRow[] = []
    const positions: FilePosition[] = []
    let isMore = false
    for (const name of this.#names()) {
      const read = this.#readFile(name)
      if (read === undefined) continue
      rows.push(...read.rows)
      positions.push(read.position)
      isMore ||= read.isMore
    }
    if (positions.length === 0) return false
    while ((await this.#store.isFull()) && (await this.#store.prune()));
    // In the order of their times, as far as they were read together.
    await this.#store.write(
      rows.toSorted((one, other) => one.timeUs - other.timeUs),
      positions,
    )
    for (const position of positions) this.#positions.set(position.name, position)
    this.#lines += rows.length
    return isMore
  }

  #names(): readonly string[] {
    try {
      return readdirSync(this.#folder).filter((name) => FILE.test(name))
    } catch {
      // The supervisor has not made it yet.
      return []
    }
  }

  #readFile(name: string): { rows: LogRow[]; position: FilePosition; isMore: boolean } | undefined {
    const known = this.#positions!.get(name)
    const path = join(this.#folder, name)
    // What was written before a rotation is read to its end first.
    const rotated = known && this.#readOn(`${path}.1`, name, known)
    return rotated ?? this.#readOn(path, name, known)
  }

  /** Undefined where there is nothing new in this file. `known` is of the file that had this name when it was last read. */
  #readOn(
    path: string,
    name: string,
    known: FilePosition | undefined,
  ): { rows: LogRow[]; position: FilePosition; isMore: boolean } | undefined {
    let fd: number
    try {
      fd = openSync(path, 'r')
    } catch {
      return undefined
    }
    try {
      const { ino: inode, size } = fstatSync(fd)
      const isSame = known?.inode === inode && known.offset <= size
      if (path.endsWith('.1') && !isSame) return undefined
      const offset = isSame ? known.offset : known === undefined ? Math.max(0, size - FIRST_BYTES_MAX) : 0
      const bytes = Buffer.alloc(CHUNK_BYTES)
      const chunk = bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, offset))
      const isFull = chunk.length === CHUNK_BYTES
      // A line that is larger than a chunk is taken in pieces; the last one otherwise waits for its end.
      const end = chunk.lastIndexOf(0x0a) + 1 || (isFull ? chunk.length : 0)
      if (end === 0) return undefined
      const service = FILE.exec(name)!.groups!['service']!
      const nowMs = this.#clock.now()
      const lines = chunk.subarray(0, end).toString('utf8').split('\n')
      // The beginning of a file that is read from its middle is no whole line.
      if (offset > 0 && !isSame) lines.shift()
      const rows = lines.filter((line) => line.trim() !== '').map((line) => rowOfLine(line, { service, nowMs }))
      // Behind the end of a rotated file its successor waits.
      return { rows, position: { name, inode, offset: offset + end }, isMore: isFull || path.endsWith('.1') }
    } finally {
      closeSync(fd)
    }
  }
}
