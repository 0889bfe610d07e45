import { request } from 'node:http'
import { type Clock, systemClock, type Timer } from 'seaworthy/core'
import type { HealthCheckDeclaration, OutlierDeclaration } from './upstream-policy.ts'

const EJECT_MS = 10_000
const EJECT_FACTOR_MAX = 10

/** Passes over an instance that answers badly: outlier detection by failures in a row, as Envoy has it. */
export class Outlier {
  readonly #declaration: OutlierDeclaration
  readonly #clock: Clock
  #failures = 0
  #ejections = 0
  #ejectedUntilMs = -Infinity

  constructor(declaration: OutlierDeclaration, clock: Clock) {
    this.#declaration = declaration
    this.#clock = clock
  }

  get isEjected(): boolean {
    return this.#clock.monotonicMs() < this.#ejectedUntilMs
  }

  succeeded(): void {
    this.#failures = 0
    if (!this.isEjected) this.#ejections = 0
  }

  /** `mayEject` says whether there are enough others. */
  failed(mayEject: () => boolean): void {
    if (++this.#failures < this.#declaration.consecutiveFailures || this.isEjected || !mayEject()) return
    this.#failures = 0
    this.#ejections = Math.min(EJECT_FACTOR_MAX, this.#ejections + 1)
    this.#ejectedUntilMs = this.#clock.monotonicMs() + (this.#declaration.ejectMs ?? EJECT_MS) * this.#ejections
  }
}

/** Asks an instance again and again whether it may receive work. Until the first doubts it is taken for well. */
export class HealthCheck {
  readonly #declaration: HealthCheckDeclaration
  readonly #url: URL
  readonly #clock: Clock
  #timer: Timer | undefined
  #isHealthy = true
  #inARow = 0

  constructor(declaration: HealthCheckDeclaration, url: URL, clock: Clock = systemClock) {
    this.#declaration = declaration
    this.#url = url
    this.#clock = clock
    this.#arm()
  }

  get isHealthy(): boolean {
    return this.#isHealthy
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(): void {
    this.#timer = this.#clock.timer(this.#declaration.intervalMs ?? 1_000, () => this.#ask(), { keepAlive: false })
  }

  #ask(): void {
    const { path, timeoutMs = 1_000 } = this.#declaration
    let isSettled = false
    const settle = (isWell: boolean) => {
      if (isSettled) return
      isSettled = true
      limit.cancel()
      asked.destroy()
      this.#heard(isWell)
      if (this.#timer !== undefined) this.#arm()
    }
    // On a connection of its own: a process that takes no new ones is not well.
    const asked = request(new URL(path, this.#url), { agent: false, headers: { 'user-agent': 'seaworthy-gateway-health-check' } })
      .on('response', (answer) => settle((answer.statusCode ?? 500) < 400))
      .on('error', () => settle(false))
    const limit = this.#clock.timer(timeoutMs, () => settle(false), { keepAlive: false })
    asked.end()
  }

  #heard(isWell: boolean): void {
    if (isWell === this.#isHealthy) {
      this.#inARow = 0
      return
    }
    const { unhealthyAfter = 3, healthyAfter = 2 } = this.#declaration
    if (++this.#inARow < (isWell ? healthyAfter : unhealthyAfter)) return
    this.#isHealthy = isWell
    this.#inARow = 0
  }
}
