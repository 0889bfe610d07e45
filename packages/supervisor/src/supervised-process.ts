import { type Backoff, type Clock, type Random, type Timer, UnavailableError, backoffMs, exponential, sleep } from 'seaworthy/core'
import type { Service } from 'seaworthy/system'
import { Child } from './child.ts'
import { StartFailedError } from './errors.ts'
import type { Guardian } from './guardian.ts'
import { type Fault, type FaultMessage, NO_FAULTS, type RequestFaults } from './injected-faults.ts'
import type { Report } from './notice.ts'
import type { ProcessOutput } from './process-output.ts'
import { isReady } from './readiness.ts'
import type { ProcessState } from './run-file.ts'

/** How a process that ends by itself is started again. */
export interface RestartPolicy {
  readonly backoff: Backoff
  /** A process that was ready for this long begins again with the shortest delay. */
  readonly stableMs: number
  /** So many ends in a row before it was ever ready, and it is `failed`. Once it was ready, there is no such limit. */
  readonly startAttemptsMax: number
}

export const defaultRestartPolicy: RestartPolicy = {
  backoff: exponential({ baseMs: 100, maxMs: 5_000, jitter: 'equal' }),
  stableMs: 3_000,
  startAttemptsMax: 5,
}

export interface SupervisedProcessOptions {
  readonly service: Service
  /** As in `payments-2`. */
  readonly instance: string
  /** What people call it. */
  readonly name: string
  /** Asked at each start: who can be called may have changed since the last one. */
  readonly env: () => NodeJS.ProcessEnv
  readonly cwd: string
  readonly httpPort: number
  readonly output: ProcessOutput
  readonly logFile: string
  readonly guardian: Guardian
  readonly policy: RestartPolicy
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
  readonly onChange: () => void
  /** Told what it says over its channel. */
  readonly onMessage: (message: unknown) => void
}

type State =
  | { readonly kind: 'stopped' | 'failed' }
  | { readonly kind: 'backing-off'; readonly timer: Timer }
  | { readonly kind: 'starting' | 'not-ready' | 'stopping'; readonly child: Child }
  | { readonly kind: 'ready'; readonly child: Child; readonly sinceMs: number }

const STARTING_POLL_MS = 25
const RUNNING_POLL_MS = 1_000
const READYZ_TIMEOUT_MS = 2_000

/**
 * One service kept running. It is `starting` until `/readyz` first answers 200, then `ready` or `not-ready` as that answers; ended
 * by itself it is `backing-off` until its next start; `stop` makes it `stopping` and `stopped`. Only an end that nobody asked for is
 * a failure and counts for the back-off.
 */
export class SupervisedProcess {
  readonly service: Service
  readonly instance: string
  /** What people call it. */
  readonly name: string
  readonly #options: SupervisedProcessOptions
  readonly #listeners = new Set<() => void>()
  #state: State = { kind: 'stopped' }
  #restarts = -1
  #failures = 0
  #wasReady = false
  #lastExit: string | null = null
  #startedAt: number
  #faults: RequestFaults = NO_FAULTS
  #isPaused = false
  /** Where the next process is to kill itself. */
  #crashAt: string | undefined

  constructor(options: SupervisedProcessOptions) {
    this.service = options.service
    this.instance = options.instance
    this.name = options.name
    this.#options = options
    this.#startedAt = options.clock.now()
  }

  get state(): ProcessState {
    return this.#state.kind
  }

  /** The running process; undefined when it is down. */
  get child(): Child | undefined {
    return 'child' in this.#state ? this.#state.child : undefined
  }

  get restarts(): number {
    return Math.max(0, this.#restarts)
  }

  /** Whether it was ever spawned. */
  get isStarted(): boolean {
    return this.#restarts >= 0
  }

  get lastExit(): string | null {
    return this.#lastExit
  }

  /** What it was told to suffer. */
  get faults(): RequestFaults & { readonly paused: boolean } {
    return { ...this.#faults, paused: this.#isPaused }
  }

  /** When the newest process was spawned, in ms since the Unix epoch. */
  get startedAt(): number {
    return this.#startedAt
  }

  /** Spawns it, unless it runs. Returns at once. */
  start(): void {
    if (this.child !== undefined) return
    if (this.#state.kind === 'backing-off') this.#state.timer.cancel()
    this.#startedAt = this.#options.clock.now()
    this.#restarts++
    const child = new Child({ ...this.#options, env: this.#nextEnvironment(), main: this.service.main })
    child.onMessage(this.#options.onMessage)
    this.#become({ kind: 'starting', child })
    void this.#accompany(child)
  }

  /** Ends it for good: SIGTERM, and SIGKILL to its group after `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    if (this.#state.kind === 'backing-off') this.#state.timer.cancel()
    this.#failures = 0
    const { child } = this
    if (child === undefined) {
      this.#become({ kind: 'stopped' })
      return
    }
    this.#become({ kind: 'stopping', child })
    // A process that stands still would not hear of it.
    this.#pause(false)
    await child.terminate(timeoutMs)
    // `ended` has told #onEnd first, which has set the state.
  }

  kill(): void {
    if (this.#state.kind === 'backing-off') this.#state.timer.cancel()
    const { child } = this
    this.#become(child === undefined ? { kind: 'stopped' } : { kind: 'stopping', child })
    child?.kill()
  }

  /**
   * Resolves when it is ready.
   * @throws StartFailedError when it has given up; UnavailableError when it was stopped; the signal's reason
   */
  untilReady(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (how: () => void) => {
        this.#listeners.delete(look)
        signal.removeEventListener('abort', abort)
        how()
      }
      const abort = () => settle(() => reject(signal.reason))
      const look = () => {
        if (signal.aborted) return abort()
        switch (this.#state.kind) {
          case 'ready':
            return settle(resolve)
          case 'failed':
            return settle(() => reject(this.#startFailed()))
          case 'stopping':
          case 'stopped':
            return settle(() => reject(new UnavailableError(`${this.name} was stopped before it was ready.`)))
          case 'starting':
          case 'not-ready':
          case 'backing-off':
        }
      }
      this.#listeners.add(look)
      signal.addEventListener('abort', abort, { once: true })
      look()
    })
  }

  /** @throws UnavailableError when it does not run: there is nobody to suffer */
  inject(fault: Exclude<Fault, { kind: 'crash' }>): void {
    const { child, name } = this
    if (child === undefined && fault.kind !== 'clear')
      throw new UnavailableError(`${name} does not run just now (${this.state}). Try again when it does.`)
    switch (fault.kind) {
      case 'latency':
        this.#tell({ ...this.#faults, latencyMs: fault.ms })
        break
      case 'errors':
        this.#tell({ ...this.#faults, errorRatio: fault.ratio })
        break
      case 'lock':
        this.#tell({ ...this.#faults, lockMs: fault.ms })
        break
      case 'pause':
        this.#pause(true)
        break
      case 'kill':
        // Its end is one that nobody asked for: it is started again.
        child?.kill()
        break
      case 'clear':
        this.#tell(NO_FAULTS)
        this.#pause(false)
    }
    this.#options.onChange()
  }

  /** The next process, and that one alone, kills itself at this point. It does so if it reads SEAWORTHY_CRASH_AT, as those of the shop do. */
  crashNextAt(point: string): void {
    // Not counted over lives, as a number would be: the point can be armed again.
    this.#crashAt = `${this.service.name}.${point}#next`
  }

  #nextEnvironment(): NodeJS.ProcessEnv {
    const env = this.#options.env()
    if (this.#crashAt === undefined) return env
    const points = [env['SEAWORTHY_CRASH_AT'], this.#crashAt].filter((point) => point !== undefined)
    this.#crashAt = undefined
    return { ...env, SEAWORTHY_CRASH_AT: points.join(' ') }
  }

  #tell(faults: RequestFaults): void {
    this.#faults = faults
    this.child?.send({ type: 'faults', faults } satisfies FaultMessage)
  }

  #pause(isPaused: boolean): void {
    this.#isPaused = isPaused
    this.child?.pause(isPaused)
  }

  async #accompany(child: Child): Promise<void> {
    const ended = new AbortController()
    void this.#watch(child, ended.signal)
    const how = await child.ended
    ended.abort()
    this.#onEnd(child, how)
  }

  async #watch(child: Child, ended: AbortSignal): Promise<void> {
    const { clock, httpPort, report } = this.#options
    while (!ended.aborted) {
      const ready = await isReady(httpPort, { timeoutMs: READYZ_TIMEOUT_MS, signal: ended })
      // A process that is stopping answers 503, and it says nothing new.
      if (ended.aborted || this.#state.kind === 'stopping') return
      if (ready && this.#state.kind !== 'ready') {
        if (this.#state.kind === 'starting' && this.#restarts > 0)
          report({ service: this.name, level: 'info', message: `ready again (pid ${child.pid})` })
        this.#wasReady = true
        // A successor suffers what its predecessor was told to.
        if (this.#faults !== NO_FAULTS) this.#tell(this.#faults)
        this.#become({ kind: 'ready', child, sinceMs: clock.monotonicMs() })
      } else if (!ready && this.#state.kind === 'ready') this.#become({ kind: 'not-ready', child })
      try {
        await sleep(clock, this.#state.kind === 'starting' ? STARTING_POLL_MS : RUNNING_POLL_MS, ended)
      } catch {
        return
      }
    }
  }

  #onEnd(child: Child, how: string): void {
    const { clock, random, policy, report, output } = this.#options
    this.#lastExit = how
    this.#isPaused = false
    const { name } = this
    const before = this.#state
    if (before.kind === 'stopping') {
      this.#become({ kind: 'stopped' })
      return
    }
    const wasStable = before.kind === 'ready' && clock.monotonicMs() - before.sinceMs >= policy.stableMs
    this.#failures = wasStable ? 1 : this.#failures + 1
    const because = output.lastWord === undefined ? '' : `: ${output.lastWord}`
    if (!this.#wasReady && this.#failures >= policy.startAttemptsMax) {
      report({ service: name, level: 'error', message: `did not start, ${how}${because}` })
      this.#become({ kind: 'failed' })
      return
    }
    const delayMs = backoffMs(policy.backoff, this.#failures, random)
    report({
      service: name,
      level: 'error',
      message: `ended (pid ${child.pid ?? 'none'}, ${how})${because}; next start in ${Math.round(delayMs)} ms`,
    })
    this.#become({ kind: 'backing-off', timer: clock.timer(delayMs, () => this.start()) })
  }

  #startFailed(): StartFailedError {
    return new StartFailedError(this.name, {
      attempts: this.#failures,
      lastExit: this.#lastExit ?? 'an unknown cause',
      lastWords: this.#options.output.lastWords,
      logFile: this.#options.logFile,
    })
  }

  #become(state: State): void {
    this.#state = state
    this.#options.onChange()
    for (const listener of this.#listeners) listener()
  }
}
