import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { TimeoutError } from 'seaworthy/core'
import type { Order, Report } from './messages.ts'

const WITHIN_MS = 60_000

/** A process of the lab, and what it tells. */
export class LabProcess implements AsyncDisposable {
  readonly name: string
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #waiting = new Set<{ readonly wants: (report: Report) => boolean; readonly take: (report: Report) => void }>()
  onReport: (report: Report) => void = () => undefined

  /** @param logFile what it prints goes there */
  constructor(file: string, args: readonly [name: string, ...rest: string[]], logFile: string) {
    this.name = args[0]
    this.#child = fork(fileURLToPath(new URL(file, import.meta.url)), [...args], {
      execArgv: ['--conditions=source', '--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const log = createWriteStream(logFile, { flags: 'a' })
    this.#child.stdout!.pipe(log, { end: false })
    this.#child.stderr!.pipe(log, { end: false })
    this.#exited = once(this.#child, 'close').finally(() => log.end())
    this.#child.on('message', (report: Report) => {
      this.onReport(report)
      for (const waiting of this.#waiting) if (waiting.wants(report)) waiting.take(report)
    })
  }

  tell(order: Order): void {
    if (this.#child.connected) this.#child.send(order)
  }

  /** The next report of this kind that is wanted. @throws TimeoutError, or when the process ends */
  async next<Kind extends Report['kind']>(
    kind: Kind,
    wants: (report: Extract<Report, { kind: Kind }>) => boolean = () => true,
  ): Promise<Extract<Report, { kind: Kind }>> {
    const { promise, resolve, reject } = Promise.withResolvers<Report>()
    const waiting = { wants: (report: Report) => report.kind === kind && wants(report as Extract<Report, { kind: Kind }>), take: resolve }
    const deadline = AbortSignal.timeout(WITHIN_MS)
    deadline.addEventListener('abort', () => reject(new TimeoutError(`${this.name} did not tell "${kind}".`, WITHIN_MS)))
    void this.#exited.then(() => reject(new Error(`${this.name} ended before it told "${kind}". Its log says why.`)))
    this.#waiting.add(waiting)
    try {
      return (await promise) as Extract<Report, { kind: Kind }>
    } finally {
      this.#waiting.delete(waiting)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }
}
