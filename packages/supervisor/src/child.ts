import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Clock, sleep } from 'seaworthy/core'
import type { Guardian } from './guardian.ts'
import type { Announcement } from './management/answering.ts'
import type { ProcessOutput } from './process-output.ts'

export interface ChildOptions {
  readonly main: URL
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  readonly output: ProcessOutput
  readonly guardian: Guardian
  readonly clock: Clock
}

// How long after its end a process's last output is waited for: a grandchild outside of the group may hold the pipes for ever.
const LAST_OUTPUT_MS = 250

/** Conditions and warnings as this process was started with them, so that a source checkout stays one below. */
const INHERITED_FLAGS = process.execArgv.flatMap((flag, index, flags) => {
  if (/^(?:--conditions|-C|--disable-warning)=/.test(flag)) return [flag]
  return flag === '--conditions' || flag === '-C' ? [`--conditions=${flags[index + 1] ?? ''}`] : []
})

/** One operating-system process and its group: from its spawn to the moment when nothing of it is left. */
export class Child {
  /** Undefined if the operating system refused to start it. */
  readonly pid: number | undefined
  /** How it ended: `exit code 1`, `signal SIGKILL`, `spawn EAGAIN`. Settles when its group is gone and its output has been read. */
  readonly ended: Promise<string>
  readonly #process: ChildProcess
  readonly #clock: Clock
  #questions: ReadonlySet<string> = new Set()
  #hasEnded = false
  #isTerminating = false

  constructor(options: ChildOptions) {
    const flags = new Set(['--disable-warning=ExperimentalWarning', ...INHERITED_FLAGS])
    const lifeline = import.meta.resolve('@seaworthy/supervisor/lifeline')
    this.#clock = options.clock
    this.#process = spawn(process.execPath, [...flags, `--import=${lifeline}`, fileURLToPath(options.main)], {
      cwd: options.cwd,
      env: { ...options.env, SEAWORTHY_LIFELINE: 'supervisor' },
      // A group of its own: the terminal's Ctrl-C must reach it through the supervisor alone, and its children die with it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const { pid, stdout, stderr } = this.#process
    this.pid = pid
    if (pid !== undefined) options.guardian.add(pid)
    this.onMessage((message) => {
      if (isAnnouncement(message)) this.#questions = new Set(message.questions)
    })
    if (stdout !== null && stderr !== null) options.output.attach(stdout, stderr)
    this.ended = new Promise((resolve) => {
      const onEnd = (how: string) => {
        if (this.#hasEnded) return
        this.#hasEnded = true
        if (pid !== undefined) {
          this.#killGroup()
          options.guardian.forget(pid)
        }
        const finish = () => {
          timer.cancel()
          stdout?.destroy()
          stderr?.destroy()
          resolve(how)
        }
        const timer = this.#clock.timer(LAST_OUTPUT_MS, finish)
        this.#process.once('close', finish)
        if (pid === undefined) finish()
      }
      this.#process.once('exit', (code, signal) => onEnd(signal === null ? `exit code ${code}` : `signal ${signal}`))
      this.#process.on('error', (error: NodeJS.ErrnoException) => {
        // Errors of signalling and of the channel come here too; only a process that never began has ended.
        if (pid === undefined) onEnd(`spawn ${error.code ?? error.message}`)
      })
    })
  }

  /** What it said that it can be asked. */
  get questions(): ReadonlySet<string> {
    return this.#questions
  }

  /** Sends a message over the channel; one that cannot be sent is dropped, because its receiver is ending. */
  send(message: object): void {
    if (this.#process.connected) this.#process.send(message, () => {})
  }

  /** @returns a function that ends the listening */
  onMessage(listener: (message: unknown) => void): () => void {
    this.#process.on('message', listener)
    return () => this.#process.off('message', listener)
  }

  /** SIGTERM, and SIGKILL to the whole group after `timeoutMs`. */
  async terminate(timeoutMs: number): Promise<string> {
    // Once: to many programs a second SIGTERM means to end without draining.
    if (!this.#hasEnded && !this.#isTerminating && this.pid !== undefined) this.#process.kill('SIGTERM')
    this.#isTerminating = true
    const timer = this.#clock.timer(timeoutMs, () => this.kill())
    try {
      return await this.ended
    } finally {
      timer.cancel()
    }
  }

  /** SIGSTOP to the whole group, or SIGCONT. */
  pause(isPaused: boolean): void {
    if (this.#hasEnded || this.pid === undefined) return
    try {
      process.kill(-this.pid, isPaused ? 'SIGSTOP' : 'SIGCONT')
    } catch {
      // ESRCH: it has just ended.
    }
  }

  /** SIGKILL to the whole group, now. */
  kill(): void {
    if (!this.#hasEnded) this.#killGroup()
  }

  #killGroup(): void {
    try {
      if (this.pid !== undefined) process.kill(-this.pid, 'SIGKILL')
    } catch {
      // ESRCH: nobody is left in it, which is what was wanted.
    }
  }
}

function isAnnouncement(message: unknown): message is Announcement {
  const { type, questions } = (typeof message === 'object' && message !== null ? message : {}) as Partial<Announcement>
  return type === 'answers' && Array.isArray(questions)
}

/** Resolves true when the promise settles in time. */
export async function settlesWithin(promise: Promise<unknown>, timeoutMs: number, clock: Clock): Promise<boolean> {
  const done = new AbortController()
  const late = sleep(clock, timeoutMs, done.signal).then(
    () => false,
    () => true,
  )
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    done.abort()
  }
}
