import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { flushCompileCache, getCompileCacheDir } from 'node:module'
import { fileURLToPath } from 'node:url'
import { TimeoutError, UnavailableError, systemClock } from 'seaworthy/core'

/** What a process says of itself once it takes work. */
export interface Ready {
  readonly port?: number
  /** Messages that its predecessor left in the outbox. */
  readonly waiting?: number
}

export interface Start extends Ready {
  readonly pid: number
  readonly atMs: number
}

export interface Kill {
  readonly pid: number
  readonly atMs: number
}

const READY_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 10_000

/** Tells whoever started this process that it takes work, and ends it when they are gone. */
export function ready(message: Ready): void {
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  if (!process.connected) process.kill(process.pid, 'SIGKILL')
  process.send?.({ type: 'ready', ...message })
  // Processes that come after a kill start sooner.
  if (getCompileCacheDir() !== undefined) flushCompileCache()
}

/** A process that is killed now and then, and started again each time. */
export class ProcessUnderFire {
  readonly starts: Start[] = []
  readonly kills: Kill[] = []
  readonly #file: URL
  readonly #env: NodeJS.ProcessEnv
  /** The process, between its readiness and its kill. */
  #atWork: ChildProcess | undefined
  #up: Promise<Start>

  constructor(options: { readonly file: URL; readonly env: NodeJS.ProcessEnv }) {
    this.#file = options.file
    this.#env = options.env
    this.#up = this.#start()
  }

  /** Settles when it takes work: at once, or after the start in progress. */
  up(): Promise<Start> {
    return this.#up
  }

  /** SIGKILL, now, if it is at work; it is started again as soon as it has ended. */
  kill(): void {
    const child = this.#atWork
    if (child?.pid === undefined) return
    // Before it has ended: two kills at one moment are one end, and one start.
    this.#atWork = undefined
    const ended = once(child, 'exit')
    this.kills.push({ pid: child.pid, atMs: systemClock.now() })
    child.kill('SIGKILL')
    this.#up = ended.then(() => this.#start())
    // Whoever waits for it has the error.
    this.#up.catch(() => undefined)
  }

  /** An orderly end. */
  async stop(): Promise<void> {
    await this.#up.catch(() => undefined)
    const child = this.#atWork
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    const timer = systemClock.timer(STOP_TIMEOUT_MS, () => child.kill('SIGKILL'))
    child.kill('SIGTERM')
    await ended
    timer.cancel()
  }

  async #start(): Promise<Start> {
    const child = fork(fileURLToPath(this.#file), { env: this.#env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    const message = await new Promise<Ready>((resolve, reject) => {
      const timer = systemClock.timer(READY_TIMEOUT_MS, () => {
        child.kill('SIGKILL')
        reject(new TimeoutError(`${this.#file.pathname} took no work within ${READY_TIMEOUT_MS} ms of its start.`, READY_TIMEOUT_MS))
      })
      child.on('message', (said: { readonly type?: unknown } & Ready) => {
        // It tells a supervisor other things too.
        if (said.type !== 'ready') return
        timer.cancel()
        resolve(said)
      })
      child.once('exit', (code, signal) => {
        timer.cancel()
        reject(new UnavailableError(`${this.#file.pathname} ended before it took work: ${signal ?? `exit code ${code}`}.`))
      })
    })
    const { port, waiting } = message
    const start: Start = {
      ...(port !== undefined && { port }),
      ...(waiting !== undefined && { waiting }),
      pid: child.pid ?? 0,
      atMs: systemClock.now(),
    }
    this.starts.push(start)
    this.#atWork = child
    return start
  }
}
