/** How a log reads on a terminal: one line a record, what a person looks for first. The file keeps the JSON that machines read. */

const DIM = '\u001B[2m'
const RED = '\u001B[31m'
const YELLOW = '\u001B[33m'
const RESET = '\u001B[0m'

// What stands at the front of a line, or is the same on every line of the file.
const SHOWN_APART = new Set(['level', 'time', 'msg', 'service', 'instance', 'err'])

/** Turns a stream of bytes into readable lines, wherever its chunks are cut. */
export class LogFormatter {
  #rest: Buffer = Buffer.alloc(0)

  /** What of `bytes`, and of what came before, is whole lines; the last line waits for its end. */
  format(bytes: Uint8Array): string {
    const text = Buffer.concat([this.#rest, bytes])
    const end = text.lastIndexOf(0x0a) + 1
    this.#rest = text.subarray(end)
    return text
      .subarray(0, end)
      .toString('utf8')
      .replaceAll(/[^\n]+/g, (line) => readable(line))
  }

  /** What has no end yet. */
  flush(): string {
    const line = this.#rest.toString('utf8')
    this.#rest = Buffer.alloc(0)
    return line === '' ? '' : `${readable(line)}\n`
  }
}

/** A record of the logger in words; any other line as it is. */
export function readable(line: string): string {
  let record: Readonly<Record<string, unknown>>
  try {
    record = JSON.parse(line) as typeof record
  } catch {
    return line
  }
  if (typeof record !== 'object' || record === null || record['level'] === undefined) return line
  const level = textOf(record['level'])
  const colour = level === 'error' || level === 'fatal' ? RED : level === 'warn' ? YELLOW : ''
  const fields = Object.entries(record)
    .filter(([name]) => !SHOWN_APART.has(name))
    .map(([name, value]) => printable(`${name}=${textOf(value)}`))
  const head = `${DIM}${clockTime(record['time'])}${RESET} ${colour}${level.toUpperCase().padEnd(5)}${colour === '' ? '' : RESET}`
  const details = fields.length === 0 ? '' : ` ${DIM}${fields.join(' ')}${RESET}`
  return `${head} ${printable(textOf(record['msg'] ?? ''))}${details}${errorLines(record['err'], level)}`
}

/** An error by its message; its stack where the level says that something is broken. */
function errorLines(error: unknown, level: string): string {
  if (typeof error !== 'object' || error === null) return ''
  const { message, stack, type } = error as { message?: unknown; stack?: unknown; type?: unknown }
  const text = level === 'error' || level === 'fatal' ? (stack ?? message) : `${textOf(type ?? 'Error')}: ${textOf(message)}`
  return textOf(text)
    .split('\n')
    .map((line) => `\n    ${printable(line.trimEnd())}`)
    .join('')
}

function clockTime(time: unknown): string {
  const date = new Date(typeof time === 'number' || typeof time === 'string' ? time : Number.NaN)
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(11, 23)
}

/** Without control characters, by which what was logged could write to the terminal. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '\u{fffd}')
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}
