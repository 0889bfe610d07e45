import { type ChildProcess, fork } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Order, Report } from './service.ts'
import { INVENTORY, type ServiceName, SERVICES, type Stage, STOREFRONT } from './stages.ts'

/** A service as it was at one moment. */
export interface Sample {
  readonly service: ServiceName
  /** On the wall clock, which the processes of a machine share. */
  readonly atMs: number
  readonly inFlight: number
  /** Requests since it started. */
  readonly arrived: number
}

/** Is told what happens in a stage. */
export interface Watcher {
  readonly onSample: (sample: Sample) => void
  /** A process ended, and nobody had asked it to. */
  readonly onDeath: (service: ServiceName, how: string) => void
}

interface Running {
  readonly child: ChildProcess
  readonly url: string
  readonly exited: Promise<void>
  inFlight: number
}

const STARTED_WITHIN_MS = 60_000

/**
 * The five services, each a process of its own on loopback: only then can one of them die as it would in production, of its own
 * heap, while the others go on.
 */
export class Shop implements AsyncDisposable {
  readonly #logFile: string
  readonly #running = new Map<ServiceName, Running>()
  #watcher: Watcher | undefined

  /** @param logFile what the processes print goes there; a heap that is full prints much */
  constructor(logFile: string) {
    this.#logFile = logFile
  }

  /** Every service idle, with the policies of a stage. What died in the last one, or is still busy, is started anew. */
  async begin(stage: Stage, pace: number, watcher: Watcher): Promise<void> {
    this.#watcher = undefined
    await Promise.all(SERVICES.map((name) => this.#makeIdle(name)))
    const urls = Object.fromEntries([...this.#running].map(([name, { url }]) => [name, url])) as Record<ServiceName, string>
    this.#watcher = watcher
    for (const name of SERVICES) this.#tell(name, { kind: 'begin', stage, pace, urls })
    this.holdInventory(INVENTORY.wellMs * pace)
  }

  get url(): string | undefined {
    return this.#running.get('storefront')?.url
  }

  /** From now on inventory needs so long for each request. */
  holdInventory(holdMs: number): void {
    this.#tell('inventory', { kind: 'hold', holdMs })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watcher = undefined
    await Promise.all([...this.#running.keys()].map((name) => this.#kill(name)))
  }

  #tell(name: ServiceName, order: Order): void {
    const child = this.#running.get(name)?.child
    if (child?.connected === true) child.send(order)
  }

  async #makeIdle(name: ServiceName): Promise<void> {
    const before = this.#running.get(name)
    if (before?.inFlight === 0) return
    await this.#kill(name)
    await this.#fork(name)
  }

  async #kill(name: ServiceName): Promise<void> {
    const running = this.#running.get(name)
    this.#running.delete(name)
    running?.child.kill('SIGKILL')
    await running?.exited
  }

  #fork(name: ServiceName): Promise<void> {
    const heap = name === 'storefront' ? [`--max-old-space-size=${STOREFRONT.heapMiB}`] : []
    const child = fork(fileURLToPath(new URL('service.ts', import.meta.url)), [name], {
      execArgv: ['--conditions=source', '--disable-warning=ExperimentalWarning', ...heap],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const log = createWriteStream(this.#logFile, { flags: 'a' })
    child.stdout!.pipe(log, { end: false })
    child.stderr!.pipe(log, { end: false })
    return new Promise((resolve, reject) => {
      const deadline = AbortSignal.timeout(STARTED_WITHIN_MS)
      deadline.addEventListener('abort', () => {
        reject(new Error(`${name} did not start within ${STARTED_WITHIN_MS} ms.`))
        if (!this.#running.has(name)) child.kill('SIGKILL')
      })
      const exited = new Promise<void>((over) => {
        child.once('close', (code, signal) => {
          log.end()
          over()
          const how = signal ?? `exit code ${code}`
          reject(new Error(`${name} ended while it started: ${how}.`))
          if (this.#running.get(name)?.child !== child) return
          this.#running.delete(name)
          this.#watcher?.onDeath(name, how)
        })
      })
      child.on('message', (report: Report) => {
        if (report.kind === 'listening') {
          this.#running.set(name, { child, url: report.url, exited, inFlight: 0 })
          resolve()
          return
        }
        const running = this.#running.get(name)
        if (running?.child === child) running.inFlight = report.inFlight
        this.#watcher?.onSample({ service: name, atMs: report.atMs, inFlight: report.inFlight, arrived: report.arrived })
      })
    })
  }
}
