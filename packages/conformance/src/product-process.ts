import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Guardian } from '@seaworthy/supervisor'
import type { ConsumerContext, ConsumerRole, OutboxAdapter } from './adapter.ts'

const HOST = new URL(import.meta.url.endsWith('.ts') ? './host.ts' : './host.js', import.meta.url)
const OUTPUT_LINES_MAX = 20

export interface ProductProcessOptions {
  readonly role: OutboxAdapter['relay'] | ConsumerRole
  readonly what: 'relay' | 'consumer'
  readonly adapterUrl: string
  readonly instance: string
  readonly databaseUrl: string
  readonly exchangeUrl: string
  readonly limits: ConsumerContext['limits']
  readonly guardian: Guardian
}

/** A relay or a consumer of the product, in a process of its own, which the kit may stop, continue and kill. */
export class ProductProcess {
  readonly instance: string
  readonly exited: Promise<void>
  readonly #child: ChildProcess
  readonly #output: string[] = []
  #hasExited = false

  constructor(options: ProductProcessOptions) {
    const { role, what, adapterUrl, instance, databaseUrl, exchangeUrl, limits, guardian } = options
    this.instance = instance
    const isFunction = 'run' in role
    const [program, ...args] = isFunction ? [process.execPath, ...nodeFlags(), fileURLToPath(HOST), adapterUrl, what] : role.command
    // A group of its own, so that a program that starts others is stopped and killed with them.
    this.#child = spawn(program, args, {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', ...(isFunction ? (['ipc'] as const) : [])],
      env: {
        ...process.env,
        NODE_TEST_CONTEXT: undefined,
        CONFORMANCE_ROLE: what,
        CONFORMANCE_INSTANCE: instance,
        CONFORMANCE_DATABASE_URL: databaseUrl,
        CONFORMANCE_EXCHANGE_URL: exchangeUrl,
        CONFORMANCE_ATTEMPTS_MAX: String(limits.attemptsMax),
        CONFORMANCE_HANDLER_TIMEOUT_MS: String(limits.handlerTimeoutMs),
        CONFORMANCE_WINDOW_MS: String(limits.windowMs),
      },
    })
    const { pid } = this.#child
    if (pid !== undefined) guardian.add(pid)
    this.#child.stderr?.on('data', (text: Buffer) => {
      this.#output.push(...text.toString().trimEnd().split('\n'))
      this.#output.splice(0, this.#output.length - OUTPUT_LINES_MAX)
    })
    this.exited = new Promise((resolve) => {
      const ended = () => {
        this.#hasExited = true
        if (pid !== undefined) guardian.forget(pid)
        resolve()
      }
      this.#child.once('exit', ended)
      this.#child.once('error', (error) => {
        this.#output.push(String(error))
        ended()
      })
    })
  }

  get hasExited(): boolean {
    return this.#hasExited
  }

  /** The last lines that it wrote to its standard error. */
  get output(): string {
    return this.#output.join('\n')
  }

  /** SIGKILL: no product can prepare for it. */
  async kill(): Promise<void> {
    this.#signal('SIGKILL')
    await this.exited
  }

  pause(): void {
    this.#signal('SIGSTOP')
  }

  resume(): void {
    this.#signal('SIGCONT')
  }

  /** Sets its wall clock off by so much. Possible where the kit runs it. */
  shiftClock(shiftMs: number): void {
    this.#child.send?.({ shiftMs })
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child
    if (pid === undefined || this.#hasExited) return
    try {
      process.kill(-pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

/** Those of this process, without what a test runner was started by. */
function nodeFlags(): readonly string[] {
  return process.execArgv.filter((flag) => !flag.startsWith('--test'))
}
