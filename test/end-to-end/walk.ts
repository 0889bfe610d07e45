import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'

/** A step of a page: commands, and what they print. */
export interface Step {
  readonly commands: string
  /** Lines that are found in the output, in this order; `…` stands for anything. */
  readonly expected: readonly string[]
  /** What it prints comes true in a moment: the commands are asked again until then. */
  readonly isAskedAgain: boolean
}

const BLOCK = /^```(\w+) ?(.*)\n([^]*?)^```$/gm

/** The blocks of shell commands of a page, each with the block of text that comes before the next one. */
export function stepsOf(page: string): readonly Step[] {
  const steps: Step[] = []
  for (const [, language, information, body = ''] of page.matchAll(BLOCK)) {
    const before = steps.at(-1)
    if (language === 'sh') steps.push({ commands: body, expected: [], isAskedAgain: information === 'again' })
    else if (language === 'text' && before !== undefined) steps[steps.length - 1] = { ...before, expected: body.trimEnd().split('\n') }
  }
  return steps
}

/** The first of the expected lines that the output does not have, after those before it; undefined where it has all. */
export function missingLine(output: string, expected: readonly string[]): string | undefined {
  const lines = output.split('\n')
  let from = 0
  for (const line of expected) {
    const words = line
      .trim()
      .split(/\s+/)
      .map((word) => word.split('…').map(literally).join('.*'))
    // Columns are as wide as their widest entry.
    const pattern = new RegExp(words.join('\\s+'))
    const found = lines.findIndex((candidate, index) => index >= from && pattern.test(candidate))
    if (found === -1) return line
    from = found + 1
  }
  return undefined
}

const literally = (text: string) => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&')

const AGAIN_TIMEOUT_MS = 60_000
const AGAIN_EVERY_MS = 500
const BLOCK_TIMEOUT_MS = 120_000
const END_OF_BLOCK = '--- end of block, status'

/** One shell, as somebody at a terminal has it: variables and functions stay from one step to the next. */
export class Shell {
  readonly #process: ChildProcess
  #printed = ''

  constructor(options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }) {
    this.#process = spawn('bash', ['--noprofile', '--norc'], { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
    for (const stream of [this.#process.stdout!, this.#process.stderr!])
      stream.on('data', (chunk: Buffer) => (this.#printed += chunk.toString()))
  }

  /** @throws Error with all that was printed, when the last command fails or what is expected does not come */
  async walk({ commands, expected, isAskedAgain }: Step): Promise<void> {
    const endMs = performance.now() + AGAIN_TIMEOUT_MS
    for (;;) {
      const { output, status } = await this.#run(commands)
      const missing = missingLine(output, expected)
      if (status === 0 && missing === undefined) return
      if (!isAskedAgain || performance.now() > endMs) {
        const why = missing === undefined ? `It ended with ${status}.` : `This line was not printed: ${missing}`
        throw new Error(`${commands}\n${why} What was printed:\n${output}`)
      }
      await delay(AGAIN_EVERY_MS)
    }
  }

  async #run(commands: string): Promise<{ readonly output: string; readonly status: number }> {
    this.#printed = ''
    // In this shell, for the variables; and without its input, which has the next commands.
    this.#process.stdin!.write(`{\n${commands}\n} </dev/null\necho "${END_OF_BLOCK} $?."\n`)
    const deadlineMs = performance.now() + BLOCK_TIMEOUT_MS
    for (;;) {
      const [output, status] = this.#printed.split(END_OF_BLOCK)
      if (output !== undefined && status?.includes('.') === true) return { output, status: Number.parseInt(status) }
      if (this.#process.exitCode !== null || performance.now() > deadlineMs)
        throw new Error(`${commands}\ndid not end. It printed:\n${this.#printed}`)
      await delay(20)
    }
  }

  close(): void {
    this.#process.stdin!.end()
    this.#process.kill()
  }
}
