import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts, type ProcessRecord, type RunningSystem, supervise } from '@seaworthy/supervisor'
import { newId, sleep, systemClock, TimeoutError } from 'seaworthy/core'
import { inherited, LabProcess } from '../lab-process.ts'
import { type Release, RELEASE_VARIABLE } from './planted-defect.ts'
import type { Side } from './sides.ts'
import { type Usage, usageOf } from './usage.ts'

/** How a process went away and came back; times on the clock of whoever watched, in milliseconds. */
export interface Away {
  readonly diedAtMs: number
  /** When its successor was started, which is a while before that takes work. */
  readonly spawnedAtMs: number
  readonly readyAtMs: number
  /** How it ended, as in `exit code 1`. */
  readonly lastExit: string | null
}

export interface RunningSideOptions {
  readonly side: Side
  /** The side's data; two starts on it find the same. */
  readonly dataDir: string
  /** The folder of the run: for what further processes print. */
  readonly outDir: string
}

/** What was compiled is kept where `npm start` keeps it: a start is as quick as a user's second one. */
const COMPILED = { NODE_COMPILE_CACHE: fileURLToPath(new URL('../../node_modules/.cache/seaworthy/compile', import.meta.url)) }

const AWAY_MS_MAX = 60_000
const LOOK_EVERY_MS = 10

/** A side whose processes run, under a supervisor as `npm start` has it. */
export class RunningSide implements AsyncDisposable {
  readonly #options: RunningSideOptions
  readonly #system: RunningSystem
  readonly #release: { current: Release }

  private constructor(options: RunningSideOptions, system: RunningSystem, release: { current: Release }) {
    this.#options = options
    this.#system = system
    this.#release = release
  }

  /** Settles when all its processes take work. @throws StartFailedError */
  static async start(options: RunningSideOptions): Promise<RunningSide> {
    const { side, dataDir } = options
    const release = { current: 'sound' as Release }
    const system = await supervise({
      system: side.system,
      dataDir,
      gatewayPort: 0,
      env: { ...COMPILED, ...inherited(), SEAWORTHY_LOG_LEVEL: 'warn' },
      // Asked again at each start of a process.
      envOf: ({ name }) => (name === side.paying ? { [RELEASE_VARIABLE]: release.current } : {}),
    })
    const running = new RunningSide(options, system, release)
    try {
      await system.untilReady()
      return running
    } catch (error) {
      await running[Symbol.asyncDispose]()
      throw error
    }
  }

  get url(): string {
    return this.#system.status().processes.find(({ role }) => role === 'gateway')!.httpUrl
  }

  /** That in which payments are. */
  get paying(): ProcessRecord {
    return this.#system.status().processes.find(({ name }) => name === this.#options.side.paying)!
  }

  usage(): Promise<readonly Usage[]> {
    return usageOf(this.#system.status().processes)
  }

  /** Replaces what payments are in by a new release of it. Settles when that takes work. */
  async deploy(release: Release): Promise<void> {
    this.#release.current = release
    await this.#system.restart(this.#options.side.paying)
  }

  /** Waits for what payments are in to die and to come back. @throws TimeoutError where it does not */
  async awayAndBack(now: () => number): Promise<Away> {
    const before = this.paying
    const offsetMs = systemClock.now() - now()
    const deadlineMs = now() + AWAY_MS_MAX
    for (let diedAtMs: number | undefined; ;) {
      const { pid, restarts, state, startedAt, lastExit } = this.paying
      if (pid !== before.pid) diedAtMs ??= now()
      if (diedAtMs !== undefined && restarts > before.restarts && state === 'ready')
        return { diedAtMs, spawnedAtMs: Date.parse(startedAt) - offsetMs, readyAtMs: now(), lastExit }
      if (now() > deadlineMs) throw new TimeoutError(`${before.name} did not die and come back.`, AWAY_MS_MAX)
      await sleep(systemClock, LOOK_EVERY_MS)
    }
  }

  /**
   * What so many more instances of what does payments use when they take work. Each has a database of its own, because one process writes a file; on servers they
   * would share one. They get no requests.
   */
  async usageOfMore(count: number): Promise<readonly Usage[]> {
    const { side, dataDir, outDir } = this.#options
    const { name, main, serves, calls } = side.system.service(side.paying)
    const endpoints = this.#system
      .status()
      .processes.flatMap(({ name: callee, httpUrl, grpcAddress }) =>
        calls.includes(callee) ? [[callee, { http: httpUrl, ...(grpcAddress !== null && { grpc: grpcAddress }) }] as const] : [],
      )
    await using started = new AsyncDisposableStack()
    const ports = await freePorts(2 * count, newId(), new Set())
    const more = await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const instance = `${name}-${index + 2}`
        const folder = join(dataDir, 'more', instance)
        const [http, grpc] = ports.slice(2 * index)
        const env = {
          ...COMPILED,
          SEAWORTHY_SERVICE: name,
          SEAWORTHY_INSTANCE: instance,
          SEAWORTHY_DATA_DIR: folder,
          SEAWORTHY_LOG_DIR: join(folder, 'event-log'),
          SEAWORTHY_HTTP_PORT: String(http),
          SEAWORTHY_ENDPOINTS: JSON.stringify(Object.fromEntries(endpoints)),
          ...(serves.includes('grpc') && { SEAWORTHY_GRPC_PORT: String(grpc) }),
          SEAWORTHY_LOG_LEVEL: 'warn',
          SHOP_SEED: 'none',
        }
        const one = started.use(
          await LabProcess.start({ name: instance, file: main, env, readyUrl: `http://127.0.0.1:${http}/readyz`, outDir }),
        )
        return { name: instance, metricsUrl: `http://127.0.0.1:${http}/metrics`, pid: one.pid }
      }),
    )
    return await usageOf(more)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#system.stop()
  }
}
