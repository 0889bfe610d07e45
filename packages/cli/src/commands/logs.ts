import { closeSync, fstatSync, openSync, readSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { dataDirectoryPaths } from '@seaworthy/supervisor'
import { NotFoundError, sleep, systemClock } from 'seaworthy/core'
import { dataDirOf, dataDirOption } from '../arguments.ts'
import type { Command } from '../command.ts'
import { LogFormatter } from '../log-lines.ts'
import { UsageError, suggestion } from '../usage.ts'

const LINES_DEFAULT = 100
// The newest lines are looked for in so much of the file's end.
const TAIL_BYTES_MAX = 4 * 1024 * 1024
const CHUNK_BYTES = 64 * 1024
const POLL_MS = 200

export const logs: Command = {
  name: 'logs',
  summary: 'what a service printed',
  operands: ['SERVICE'],
  options: {
    follow: { help: 'and what it prints from now on' },
    lines: { value: 'COUNT', help: `how many of the newest lines (${LINES_DEFAULT})` },
    json: { help: 'as it lies in the file, also on a terminal' },
    'data-dir': dataDirOption,
  },
  async run(args, { env }) {
    const lines = args.values['lines'] ?? String(LINES_DEFAULT)
    if (!/^\d+$/.test(lines)) throw new UsageError(`--lines must be a number, but is "${lines}".`)
    const file = logFileOf(args.operands[0] ?? '', dataDirOf(args, env))
    // A reader that has seen enough closes the pipe: `seaworthy logs orders | head`.
    const enough = new AbortController()
    process.stdout.on('error', () => enough.abort())
    // A person gets lines to read, a pipe the bytes as they are.
    const formatter = process.stdout.isTTY && !args.flags.has('json') ? new LogFormatter() : undefined
    const write = (bytes: Uint8Array) => void process.stdout.write(formatter === undefined ? bytes : formatter.format(bytes))
    const log = new LogReader(file)
    try {
      write(log.tail(Number(lines)))
      while (args.flags.has('follow') && !enough.signal.aborted) {
        for (let chunk = log.next(); chunk.length > 0; chunk = log.next()) write(chunk)
        await sleep(systemClock, POLL_MS, enough.signal).catch(() => {})
      }
      if (formatter !== undefined) process.stdout.write(formatter.flush())
    } finally {
      log.close()
    }
    return 0
  },
}

function logFileOf(service: string, dataDir: string): string {
  const { logs: folder } = dataDirectoryPaths(resolve(dataDir))
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch (cause) {
    throw new NotFoundError(`There are no logs in ${folder}. Name the data directory with --data-dir.`, { cause })
  }
  const services = names.filter((name) => name.endsWith('.log')).map((name) => name.slice(0, -'.log'.length))
  if (services.includes(service)) return join(folder, `${service}.log`)
  throw new NotFoundError(
    `There is no log of ${service}.${suggestion(service, services)} There are logs of: ${services.join(', ') || 'nothing yet'}.`,
  )
}

/** Reads a log to its end, again and again, also over its rotation. */
class LogReader {
  readonly #path: string
  #fd: number
  #offset = 0

  constructor(path: string) {
    this.#path = path
    this.#fd = openSync(path, 'r')
  }

  /** The newest lines; `next` goes on from there. */
  tail(lines: number): Uint8Array {
    const { size } = fstatSync(this.#fd)
    this.#offset = Math.max(0, size - TAIL_BYTES_MAX)
    const bytes = Buffer.alloc(size - this.#offset)
    const text = bytes.subarray(0, this.#read(bytes))
    let from = text.length
    // The last newline ends the last line; each one before it begins one.
    for (let found = 0; found <= lines && from >= 0; found++) from = from === 0 ? -1 : text.lastIndexOf(0x0a, from - 1)
    return text.subarray(from + 1)
  }

  /** What came since; empty when nothing did. */
  next(): Uint8Array {
    const bytes = Buffer.alloc(CHUNK_BYTES)
    const length = this.#read(bytes)
    if (length === 0 && this.#wasRotated()) {
      closeSync(this.#fd)
      this.#fd = openSync(this.#path, 'r')
      this.#offset = 0
      return bytes.subarray(0, this.#read(bytes))
    }
    return bytes.subarray(0, length)
  }

  close(): void {
    closeSync(this.#fd)
  }

  #read(bytes: Uint8Array): number {
    const length = readSync(this.#fd, bytes, 0, bytes.length, this.#offset)
    this.#offset += length
    return length
  }

  #wasRotated(): boolean {
    const current = statSync(this.#path, { throwIfNoEntry: false })
    return current !== undefined && current.ino !== fstatSync(this.#fd).ino
  }
}
