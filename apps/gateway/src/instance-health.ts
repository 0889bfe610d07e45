import { type Clock, systemClock, type Timer } from 'seaworthy/core'
import { askHealth, type InstanceAddress } from './health-request.ts'
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
  readonly #address: InstanceAddress
  readonly #clock: Clock
  #timer: Timer | undefined
  #isHealthy = true
  #inARow = 0

  constructor(declaration: HealthCheckDeclaration, address: InstanceAddress, clock: Clock = systemClock) {
    this.#declaration = declaration
    this.#address = address
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
      leave()
      this.#heard(isWell)
      if (this.#timer !== undefined) this.#arm()
    }
    const leave = askHealth(this.#address, path, (status = 500) => settle(status < 400))
    const limit = this.#clock.timer(timeoutMs, () => settle(false), { keepAlive: false })
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
