import { CountWindow } from './count-window.ts'
import { type CircuitBreakerTrip, MINIMUM_CALLS, type WindowDeclaration } from './policy-declaration.ts'
import { TimeWindow } from './time-window.ts'

/** What a window holds now. */
export interface CallCounts {
  readonly calls: number
  readonly failures: number
  /** Calls that took longer than they may, failed or not. */
  readonly slow: number
}

/** The calls that count. Times are on the monotonic clock. */
export interface CallWindow {
  record(failed: boolean, slow: boolean, nowMs: number): void
  counts(nowMs: number): CallCounts
  clear(): void
}

/** What a closed breaker has seen. */
export interface Evidence {
  /** False: it looks at no clock, so `nowMs` may be anything. */
  readonly usesTime: boolean
  /** @returns why the breaker is to open now, if it is */
  record(failed: boolean, tookMs: number, nowMs: number): string | undefined
  isSlow(tookMs: number): boolean
  counts(nowMs: number): CallCounts
  clear(): void
}

/** @param before what another declaration has seen: kept as far as the new one can read it */
export function evidenceFor(trip: CircuitBreakerTrip, before?: Evidence): Evidence {
  if ('consecutiveFailures' in trip) {
    return new ConsecutiveFailures(trip.consecutiveFailures, before instanceof ConsecutiveFailures ? before.counts().failures : 0)
  }
  return new Rates(trip, before instanceof Rates ? before.window : undefined)
}

class ConsecutiveFailures implements Evidence {
  readonly usesTime = false
  readonly #failuresMax: number
  #calls: number
  #failures: number

  constructor(failuresMax: number, failures: number) {
    this.#failuresMax = failuresMax
    this.#failures = failures
    this.#calls = failures
  }

  record(failed: boolean): string | undefined {
    this.#calls++
    this.#failures = failed ? this.#failures + 1 : 0
    return this.#failures >= this.#failuresMax ? `${this.#failures} calls failed in a row` : undefined
  }

  isSlow(): boolean {
    return false
  }

  counts(): CallCounts {
    return { calls: this.#calls, failures: this.#failures, slow: 0 }
  }

  clear(): void {
    this.#calls = 0
    this.#failures = 0
  }
}

type RateTrip = Exclude<CircuitBreakerTrip, { consecutiveFailures: number }>

class Rates implements Evidence {
  readonly usesTime: boolean
  readonly window: CallWindow
  readonly #failureRate: number
  readonly #slowRate: number
  readonly #slowMs: number
  readonly #minimumCalls: number

  constructor(trip: RateTrip, before: CallWindow | undefined) {
    const { failureRate, window, minimumCalls, slowCalls } = trip
    this.window = windowFor(window, before)
    this.#failureRate = failureRate
    this.#slowRate = slowCalls?.rate ?? Number.POSITIVE_INFINITY
    this.#slowMs = slowCalls?.overMs ?? Number.POSITIVE_INFINITY
    this.#minimumCalls = minimumCalls ?? (window.kind === 'count' ? Math.min(MINIMUM_CALLS, window.callsMax) : MINIMUM_CALLS)
    this.usesTime = window.kind === 'time' || slowCalls !== undefined
  }

  record(failed: boolean, tookMs: number, nowMs: number): string | undefined {
    const slow = tookMs > this.#slowMs
    this.window.record(failed, slow, nowMs)
    // A good call never opens it, even when it makes up the minimum: the next bad one will.
    if (!failed && !slow) return undefined
    const { calls, failures, slow: slowCalls } = this.window.counts(nowMs)
    if (calls < this.#minimumCalls) return undefined
    if (failed && failures >= this.#failureRate * calls) return `${failures} of the last ${calls} calls failed`
    if (slow && slowCalls >= this.#slowRate * calls) return `${slowCalls} of the last ${calls} calls took more than ${this.#slowMs} ms`
    return undefined
  }

  isSlow(tookMs: number): boolean {
    return tookMs > this.#slowMs
  }

  counts(nowMs: number): CallCounts {
    return this.window.counts(nowMs)
  }

  clear(): void {
    this.window.clear()
  }
}

function windowFor(declaration: WindowDeclaration, before: CallWindow | undefined): CallWindow {
  switch (declaration.kind) {
    case 'count':
      return before instanceof CountWindow ? before.resized(declaration.callsMax) : new CountWindow(declaration.callsMax)
    case 'time':
      return before instanceof TimeWindow && before.durationMs === declaration.durationMs ? before : new TimeWindow(declaration.durationMs)
  }
}
