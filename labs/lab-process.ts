import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { RequestFaults } from '@seaworthy/supervisor'
import { sleep, systemClock, TimeoutError, UnavailableError } from 'seaworthy/core'

export interface Program {
  readonly name: string
  readonly file: URL
  readonly args?: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Answers with 200 once it takes work. */
  readonly readyUrl: string
  /** The folder of the run: what it prints goes there, and what was compiled, for those that start later. */
  readonly outDir: string
}

const READY_WITHIN_MS = 60_000
const STOPPED_WITHIN_MS = 15_000
const LOOK_EVERY_MS = 25

/** A program of the lab, in a process group of its own that ends with the lab, however that ends. */
export class LabProcess implements AsyncDisposable {
  readonly #name: string
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #log: WriteStream
  readonly #listeners = new Set<(line: string) => void>()

  private constructor({ name, file, args = [], env, outDir }: Program) {
    this.#name = name
    const lifeline = import.meta.resolve('@seaworthy/supervisor/lifeline')
    this.#child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--conditions=source', `--import=${lifeline}`, fileURLToPath(file), ...args],
      {
        env: { ...inherited(), NODE_COMPILE_CACHE: join(outDir, 'compile-cache'), ...env, SEAWORTHY_LIFELINE: 'lab' },
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      },
    )
    this.#exited = once(this.#child, 'exit')
    this.#log = createWriteStream(join(outDir, 'processes.log'), { flags: 'a' })
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.#log.write(`${name}: ${line}\n`)
        for (const listener of this.#listeners) listener(line)
      })
    }
  }

  /** Settles when it takes work. @throws UnavailableError, TimeoutError when it does not */
  static async start(program: Program): Promise<LabProcess> {
    const started = new LabProcess(program)
    try {
      await started.#untilReady(program.readyUrl)
      // After the start, because it takes time: those who come later start sooner.
      started.#child.send({ type: 'flush-compile-cache' })
      return started
    } catch (error) {
      await started[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Null where the operating system refused to start it. */
  get pid(): number | null {
    return this.#child.pid ?? null
  }

  /** From now on every request suffers that, as after `seaworthy fault`. */
  suffer(faults: RequestFaults): void {
    this.#child.send({ type: 'faults', faults })
  }

  /** The next line of its output that holds a text. @throws TimeoutError */
  async nextLine(text: string, withinMs: number): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const listener = (line: string) => {
      if (line.includes(text)) resolve(line)
    }
    this.#listeners.add(listener)
    const late = systemClock.timer(withinMs, () => reject(new TimeoutError(`${this.#name} did not say "${text}".`, withinMs)))
    try {
      return await promise
    } finally {
      late.cancel()
      this.#listeners.delete(listener)
    }
  }

  /** SIGTERM: it finishes what it has in hand. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGTERM')
    const late = systemClock.timer(STOPPED_WITHIN_MS, () => this.#kill())
    await this.#exited
    late.cancel()
    this.#log.end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill()
    await this.#exited
    this.#log.end()
  }

  #kill(): void {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL')
    } catch {
      // ESRCH: it has ended.
    }
  }

  async #untilReady(url: string): Promise<void> {
    let ended = false
    void this.#exited.then(() => (ended = true))
    const deadlineMs = systemClock.monotonicMs() + READY_WITHIN_MS
    for (;;) {
      if (ended) throw new UnavailableError(`${this.#name} ended before it took work. Its log says why.`)
      if (systemClock.monotonicMs() > deadlineMs) throw new TimeoutError(`${this.#name} took no work.`, READY_WITHIN_MS)
      const answer = await fetch(url).catch(() => undefined)
      await answer?.body?.cancel()
      if (answer?.status === 200) return
      await sleep(systemClock, LOOK_EVERY_MS)
    }
  }
}

/** What a process of a lab inherits: what the shell says of another system would mislead it. */
export function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:SEAWORTHY|SHOP)_/.test(name)))
}
