import { type Clock, ConflictError, isFinal, NotFoundError, RejectedError } from 'seaworthy/core'
import { CountWindow } from './count-window.ts'
import { BrokenCircuitError } from './errors.ts'
import { publish } from './events.ts'
import { type CircuitBreakerDeclaration, MINIMUM_CALLS, PROBE_LEASE_MS, PROBES_MAX } from './policy-declaration.ts'
import { isAbort } from './timeout.ts'

/** What a call tells about the health of its receiver. `ignored`: nothing. */
export type Outcome = 'success' | 'failure' | 'ignored'

/**
 * What an error tells about the receiver's health. An answer that only a living receiver can give (a business
 * rejection, not found, a conflict) is a success. A caller's abort, or a request refused as senseless, perhaps
 * before it was sent, tells nothing; else a mistake in the caller would close a half-open breaker.
 */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof RejectedError || error instanceof NotFoundError || error instanceof ConflictError) return 'success'
  return isFinal(error) || isAbort(error) ? 'ignored' : 'failure'
}

/** The right to make one call. Its identity is the tag that tells a late result from a current one. */
export interface Permit {
  /** On the monotonic clock; a probe alone has a lease. */
  readonly leaseUntilMs: number
}

/**
 * - `closed`: every call gets the same permit, a new one each time the breaker closes.
 * - `open`: nothing passes until `untilMs`. No timer waits for that; the first call after it makes the breaker half-open.
 * - `half-open`: each probe has a permit of its own, held for as long as its result counts.
 */
type State =
  | { readonly kind: 'closed'; readonly permit: Permit }
  | { readonly kind: 'open'; readonly untilMs: number; readonly why: string }
  | { readonly kind: 'half-open'; readonly probes: Set<Permit>; succeeded: number }

export type CircuitBreakerSnapshot = {
  /** Times it opened, and calls it turned away, since it was made. */
  readonly opened: number
  readonly rejected: number
} & (
  | { readonly state: 'closed'; readonly calls: number; readonly failures: number }
  | { readonly state: 'open'; readonly why: string; readonly retryAfterMs: number }
  | { readonly state: 'half-open'; readonly probesRunning: number; readonly probesSucceeded: number }
)

/**
 * Stops calling a receiver that fails, so that callers fail fast and the receiver gets time to recover.
 * Michael Nygard, Release It!, 2007. Durations are on the monotonic clock.
 */
export class CircuitBreaker {
  readonly #name: string
  readonly #clock: Clock
  readonly #openMs: number
  readonly #probesMax: number
  readonly #probeLeaseMs: number
  readonly #evidence: Evidence
  #state: State = { kind: 'closed', permit: newPermit() }
  #opened = 0
  #rejected = 0

  constructor(declaration: CircuitBreakerDeclaration, name: string, clock: Clock) {
    this.#name = name
    this.#clock = clock
    this.#openMs = declaration.openMs
    this.#probesMax = declaration.probesMax ?? PROBES_MAX
    this.#probeLeaseMs = declaration.probeLeaseMs ?? PROBE_LEASE_MS
    this.#evidence =
      'consecutiveFailures' in declaration
        ? new ConsecutiveFailures(declaration.consecutiveFailures)
        : new FailureRate(declaration.failureRate, declaration.window.callsMax, declaration.minimumCalls)
  }

  /** Every permit is to be settled once. @throws BrokenCircuitError */
  admit(): Permit {
    const state = this.#state
    switch (state.kind) {
      case 'closed':
        return state.permit
      case 'open': {
        const leftMs = state.untilMs - this.#clock.monotonicMs()
        if (leftMs > 0) throw this.#rejection('open', state.why, leftMs)
        const halfOpen = { kind: 'half-open' as const, probes: new Set<Permit>(), succeeded: 0 }
        this.#state = halfOpen
        publish(() => ({ type: 'circuit-half-opened', policy: this.#name }))
        return this.#admitProbe(halfOpen)
      }
      case 'half-open':
        return this.#admitProbe(state)
    }
  }

  /** False when the state changed since `permit` was given, or its lease was passed on. */
  holds(permit: Permit): boolean {
    const state = this.#state
    return state.kind === 'closed' ? state.permit === permit : state.kind === 'half-open' && state.probes.has(permit)
  }

  settle(permit: Permit, outcome: Outcome): void {
    const state = this.#state
    switch (state.kind) {
      case 'open':
        return // The call was admitted before it opened: its result is about the past.
      case 'closed': {
        if (state.permit !== permit || outcome === 'ignored') return
        const why = this.#evidence.record(outcome === 'failure')
        if (why !== undefined) this.#open(why)
        return
      }
      case 'half-open':
        if (!state.probes.delete(permit)) return
        if (outcome === 'failure') this.#open('a probe failed')
        else if (outcome === 'success' && ++state.succeeded >= this.#probesMax) this.#close()
    }
  }

  snapshot(): CircuitBreakerSnapshot {
    const state = this.#state
    const counters = { opened: this.#opened, rejected: this.#rejected }
    switch (state.kind) {
      case 'closed':
        return { ...counters, state: 'closed', calls: this.#evidence.calls, failures: this.#evidence.failures }
      case 'open':
        return { ...counters, state: 'open', why: state.why, retryAfterMs: Math.max(0, state.untilMs - this.#clock.monotonicMs()) }
      case 'half-open':
        return { ...counters, state: 'half-open', probesRunning: state.probes.size, probesSucceeded: state.succeeded }
    }
  }

  #admitProbe(state: State & { kind: 'half-open' }): Permit {
    const now = this.#clock.monotonicMs()
    if (state.probes.size + state.succeeded >= this.#probesMax) {
      // A probe that hangs must not hold its place for ever. Leases are looked at only when a place is wanted, so that an idle breaker costs nothing.
      let nextLeaseMs = Number.POSITIVE_INFINITY
      for (const probe of state.probes) {
        if (probe.leaseUntilMs <= now) state.probes.delete(probe)
        else nextLeaseMs = Math.min(nextLeaseMs, probe.leaseUntilMs)
      }
      if (state.probes.size + state.succeeded >= this.#probesMax) {
        throw this.#rejection('half-open', `${state.probes.size} probes are running`, Math.min(this.#openMs, nextLeaseMs - now))
      }
    }
    const probe = newPermit(now + this.#probeLeaseMs)
    state.probes.add(probe)
    return probe
  }

  #rejection(state: 'open' | 'half-open', why: string, retryAfterMs: number): BrokenCircuitError {
    this.#rejected++
    publish(() => ({ type: 'call-rejected', policy: this.#name, by: 'circuit-breaker' }))
    return new BrokenCircuitError(this.#name, state, why, retryAfterMs)
  }

  #open(why: string): void {
    this.#state = { kind: 'open', untilMs: this.#clock.monotonicMs() + this.#openMs, why }
    this.#opened++
    publish(() => ({ type: 'circuit-opened', policy: this.#name, why, openMs: this.#openMs }))
  }

  #close(): void {
    this.#evidence.clear()
    this.#state = { kind: 'closed', permit: newPermit() }
    publish(() => ({ type: 'circuit-closed', policy: this.#name }))
  }
}

function newPermit(leaseUntilMs: number = Number.POSITIVE_INFINITY): Permit {
  return { leaseUntilMs }
}

/** What a closed breaker has seen. */
interface Evidence {
  readonly calls: number
  readonly failures: number
  /** @returns why the breaker is to open now, if it is */
  record(failed: boolean): string | undefined
  clear(): void
}

class ConsecutiveFailures implements Evidence {
  readonly #failuresMax: number
  calls = 0
  failures = 0

  constructor(failuresMax: number) {
    this.#failuresMax = failuresMax
  }

  record(failed: boolean): string | undefined {
    this.calls++
    this.failures = failed ? this.failures + 1 : 0
    return this.failures >= this.#failuresMax ? `${this.failures} calls failed in a row` : undefined
  }

  clear(): void {
    this.calls = 0
    this.failures = 0
  }
}

class FailureRate implements Evidence {
  readonly #window: CountWindow
  readonly #rate: number
  readonly #minimumCalls: number

  constructor(rate: number, callsMax: number, minimumCalls: number | undefined) {
    this.#window = new CountWindow(callsMax)
    this.#rate = rate
    this.#minimumCalls = minimumCalls ?? Math.min(MINIMUM_CALLS, callsMax)
  }

  get calls(): number {
    return this.#window.calls
  }

  get failures(): number {
    return this.#window.failures
  }

  record(failed: boolean): string | undefined {
    const window = this.#window
    window.record(failed)
    // A success never opens it, even when it makes up the minimum: the next failure will.
    return failed && window.calls >= this.#minimumCalls && window.failures >= this.#rate * window.calls
      ? `${window.failures} of the last ${window.calls} calls failed`
      : undefined
  }

  clear(): void {
    this.#window.clear()
  }
}
