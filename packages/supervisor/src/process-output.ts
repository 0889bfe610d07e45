import type { Readable } from 'node:stream'
import type { Report } from './notice.ts'
import type { RotatingLog } from './rotating-log.ts'

/** A longer line is still logged whole, but not looked at. */
const LINE_BYTES_MAX = 64 * 1024
const LAST_WORDS_MAX = 8
const MESSAGE_LENGTH_MAX = 300

/** What a process prints: all of it goes to its log, and its warnings and errors to the terminal, a line each. */
export class ProcessOutput {
  readonly #service: string
  readonly #log: RotatingLog
  readonly #report: Report
  #lastWords: string[] = []

  constructor(service: string, log: RotatingLog, report: Report) {
    this.#service = service
    this.#log = log
    this.#report = report
  }

  /** The newest lines of stderr of the newest process, for the case that it has died. */
  get lastWords(): readonly string[] {
    return this.#lastWords
  }

  /** The line that says most about why it died: the last that names an error, or else the last. */
  get lastWord(): string | undefined {
    return (
      this.#lastWords.findLast((line) => /^(?:Uncaught )?[\w.]*(?:Error|Exception)\b.*:/.test(line)) ?? this.#lastWords.at(-1)
    )?.trim()
  }

  attach(stdout: Readable, stderr: Readable): void {
    this.#lastWords = []
    onChunks(stdout, this.#log, (line) => this.#inspect(line))
    onChunks(stderr, this.#log, (line) => {
      // Where in the code it was is in the log. Node's own last line, its version, says nothing of the reason.
      if (this.#inspect(line) || line.trim() === '' || /^ +at |^Node\.js v\d/.test(line)) return
      this.#lastWords.push(line.slice(0, MESSAGE_LENGTH_MAX))
      if (this.#lastWords.length > LAST_WORDS_MAX) this.#lastWords.shift()
    })
  }

  /** @returns true if the line was a record of the logger, or a warning of Node's */
  #inspect(line: string): boolean {
    if (/^\(node:\d+\) .*Warning: /.test(line)) {
      this.#tell('warning', line.replace(/^\(node:\d+\) /, ''))
      return true
    }
    // Pino writes the level first, so that most lines are dismissed without parsing them.
    const level = /^\{"level":(?:(\d+)|"(\w+)")/.exec(line)
    if (level === null) return false
    const notable = notableLevel(level[1] ?? level[2] ?? '')
    if (notable !== undefined) this.#tell(notable, messageOf(line))
    return true
  }

  #tell(level: 'warning' | 'error', message: string): void {
    this.#report({ service: this.#service, level, message: message.replaceAll(/\s+/g, ' ').slice(0, MESSAGE_LENGTH_MAX) })
  }
}

function notableLevel(level: string): 'warning' | 'error' | undefined {
  const number = Number(level)
  if (Number.isNaN(number)) {
    if (level === 'warn') return 'warning'
    return level === 'error' || level === 'fatal' ? 'error' : undefined
  }
  if (number >= 50) return 'error'
  return number >= 40 ? 'warning' : undefined
}

function messageOf(line: string): string {
  try {
    const record = JSON.parse(line) as { msg?: unknown; err?: { message?: unknown } }
    const cause = typeof record.err?.message === 'string' ? record.err.message : undefined
    if (typeof record.msg !== 'string' || record.msg === '') return cause ?? line
    return cause === undefined || record.msg.includes(cause) ? record.msg : `${record.msg}: ${cause}`
  } catch {
    return line
  }
}

/** Logs each chunk as it comes, and hands on the lines in it. */
function onChunks(stream: Readable, log: RotatingLog, onLine: (line: string) => void): void {
  let rest: Buffer | undefined
  stream.on('data', (chunk: Buffer) => {
    log.write(chunk)
    let from = 0
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, from)) {
      const piece = chunk.subarray(from, end)
      onLine((rest === undefined ? piece : Buffer.concat([rest, piece])).toString('utf8'))
      rest = undefined
      from = end + 1
    }
    if (from === chunk.length) return
    const tail = chunk.subarray(from)
    const carried = rest === undefined ? tail : Buffer.concat([rest, tail])
    rest = carried.length > LINE_BYTES_MAX ? carried.subarray(0, LINE_BYTES_MAX) : carried
  })
  stream.once('end', () => {
    if (rest !== undefined) onLine(rest.toString('utf8'))
  })
  stream.on('error', () => {})
}
