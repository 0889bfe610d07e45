import { type Clock, ConflictError, isFinal, NotFoundError, type Random, RejectedError, TimeoutError } from 'seaworthy/core'
import { type BrokenCircuit, BrokenCircuitError, isRefusal, withoutStack } from './errors.ts'
import { publish, warnOf } from './events.ts'
import { type Evidence, evidenceFor } from './evidence.ts'
import { type CircuitBreakerDeclaration, OPEN_FACTOR, PROBE_LEASE_MS, PROBES_MAX } from './policy-declaration.ts'
import { readSavedCircuitBreaker, type SavedCircuitBreaker } from './saved-circuit-breaker.ts'

/** What a call tells about the health of its receiver. `ignored`: nothing. */
export type Outcome = 'success' | 'failure' | 'ignored'

/**
 * What an error tells about the receiver's health. An answer that only a living receiver can give (a business
 * rejection, not found, a conflict) is a success. A caller's abort, or a request refused as senseless, perhaps
 * before it was sent, tells nothing; else a mistake in the caller would close a half-open breaker. Nor does what never left
 * this process: a guard further in turned it away, or its time was over before.
 */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof RejectedError || error instanceof NotFoundError || error instanceof ConflictError) return 'success'
  return isFinal(error) || isAbort(error) || wasNotSent(error) ? 'ignored' : 'failure'
}

function wasNotSent(error: unknown): boolean {
  return isRefusal(error) || (error instanceof TimeoutError && error.executed === 'no')
}

/** A rule of the user's own that throws must not keep the call from ending: it becomes a warning of the process, and the error a failure. */
export function guardedOutcomeOf(rule: (error: unknown) => Outcome, name: string): (error: unknown) => Outcome {
  return (error) => {
    try {
      return rule(error)
    } catch (defect) {
      warnOf(`outcomeOf of policy ${name}`, defect)
      return 'failure'
    }
  }
}

/** True for the error that `AbortSignal` and the web's APIs reject with when somebody aborted without a reason of their own. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/** True for the reason of an abort at a deadline: this library's, or that of `AbortSignal.timeout`. */
export function isOutOfTime(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError'
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
 * - `isolated`: a person opened it, and a person closes it.
 */
type State =
  | { readonly kind: 'closed'; readonly permit: Permit }
  | { readonly kind: 'open'; readonly untilMs: number; readonly why: string }
  | { readonly kind: 'half-open'; readonly probes: Set<Permit>; succeeded: number }
  | { readonly kind: 'isolated'; readonly why: string }

export type CircuitBreakerSnapshot = {
  /** Times it opened, and calls it turned away, since it was made. */
  readonly opened: number
  readonly rejected: number
} & (
  | { readonly state: 'closed'; readonly calls: number; readonly failures: number; readonly slow: number }
  | { readonly state: 'open'; readonly why: string; readonly retryAfterMs: number }
  | { readonly state: 'half-open'; readonly probesRunning: number; readonly probesSucceeded: number }
  | { readonly state: 'isolated'; readonly why: string }
)

/**
 * Stops calling a receiver that fails, so that callers fail fast and the receiver gets time to recover.
 * Michael Nygard, Release It!, 2007. Durations are on the monotonic clock.
 */
export class CircuitBreaker {
  readonly #name: string
  readonly #clock: Clock
  readonly #random: Random
  #declaration: CircuitBreakerDeclaration
  #evidence: Evidence
  #state: State = { kind: 'closed', permit: newPermit() }
  // Without closing in between: each makes the next open time longer.
  #opensInARow = 0
  #opened = 0
  #rejected = 0

  constructor(declaration: CircuitBreakerDeclaration, name: string, clock: Clock, random: Random) {
    this.#name = name
    this.#clock = clock
    this.#random = random
    this.#declaration = declaration
    this.#evidence = evidenceFor(declaration)
  }

  /** Whether {@link settle} needs to know when the call began. */
  get usesTime(): boolean {
    return this.#evidence.usesTime
  }

  /**
   * Every permit is to be settled once. Without one the call must not be made: {@link rejection} says why. It is not
   * thrown, because throwing costs more than all the rest when an open circuit turns thousands away.
   */
  admit(): Permit | undefined {
    const state = this.#state
    switch (state.kind) {
      case 'closed':
        return state.permit
      case 'open': {
        if (state.untilMs > this.#clock.monotonicMs()) return undefined
        const halfOpen = { kind: 'half-open' as const, probes: new Set<Permit>(), succeeded: 0 }
        this.#state = halfOpen
        publish(() => ({ type: 'circuit-half-opened', policy: this.#name }))
        // A listener may have isolated it meanwhile.
        return this.#state === halfOpen ? this.#admitProbe(halfOpen) : this.admit()
      }
      case 'half-open':
        return this.#admitProbe(state)
      case 'isolated':
        return undefined
    }
  }

  /** Of the call that {@link admit} has just turned away. */
  rejection(): BrokenCircuitError {
    this.#rejected++
    publish(() => ({ type: 'call-rejected', policy: this.#name, by: 'circuit-breaker' }))
    const { state, why, retryAfterMs } = this.#brokenness()
    const circuit = { state, why, retryAfterMs, opened: this.#opened, rejected: this.#rejected }
    return withoutStack(() => new BrokenCircuitError(this.#name, circuit))
  }

  /** False when the state changed since `permit` was given, or its lease was passed on. */
  holds(permit: Permit): boolean {
    const state = this.#state
    return state.kind === 'closed' ? state.permit === permit : state.kind === 'half-open' && state.probes.has(permit)
  }

  /** Counts the result of a call, unless it is about a state that is past. */
  settle(permit: Permit, outcome: Outcome, startedMs: number): void {
    const state = this.#state
    switch (state.kind) {
      case 'open':
      case 'isolated':
        return // The call was admitted before: its result is about the past.
      case 'closed': {
        if (state.permit !== permit || outcome === 'ignored') return
        const nowMs = this.#evidence.usesTime ? this.#clock.monotonicMs() : 0
        const why = this.#evidence.record(outcome === 'failure', nowMs - startedMs, nowMs)
        if (why !== undefined) this.#open(why)
        return
      }
      case 'half-open':
        if (!state.probes.delete(permit) || outcome === 'ignored') return
        if (outcome === 'failure') this.#open('a probe failed')
        else if (this.#evidence.usesTime && this.#evidence.isSlow(this.#clock.monotonicMs() - startedMs)) this.#open('a probe was slow')
        else if (++state.succeeded >= this.#probesMax) this.#close()
    }
  }

  /** Lets nothing through until {@link release}: for an operator who knows more than the counters. */
  isolate(why: string): void {
    this.#state = { kind: 'isolated', why }
    publish(() => ({ type: 'circuit-isolated', policy: this.#name, why }))
  }

  /** Ends an isolation: the next calls are probes. Does nothing to a breaker that is not isolated. */
  release(): void {
    if (this.#state.kind !== 'isolated') return
    this.#state = { kind: 'open', untilMs: this.#clock.monotonicMs(), why: 'it was isolated' }
  }

  /** Takes over other settings and keeps what it has seen. They count from the next decision on: an open time that runs stays as it is. */
  reconfigure(declaration: CircuitBreakerDeclaration): void {
    this.#declaration = declaration
    this.#evidence = evidenceFor(declaration, this.#evidence)
    // Fewer probes may now be enough: then no other would be let through to find that out.
    const state = this.#state
    if (state.kind === 'half-open' && state.succeeded >= this.#probesMax) this.#close()
  }

  save(): SavedCircuitBreaker {
    const state = this.#state
    switch (state.kind) {
      case 'closed':
        return { state: 'closed' }
      case 'isolated':
        return { state: 'isolated', why: state.why }
      case 'half-open':
        return { state: 'open', why: 'no probe had succeeded', leftMs: 0, savedAtMs: this.#clock.now(), opensInARow: this.#opensInARow }
      case 'open': {
        const leftMs = Math.max(0, state.untilMs - this.#clock.monotonicMs())
        return { state: 'open', why: state.why, leftMs, savedAtMs: this.#clock.now(), opensInARow: this.#opensInARow }
      }
    }
  }

  /** @param value what {@link save} of an earlier process returned */
  restore(value: unknown): void {
    const saved = readSavedCircuitBreaker(value, this.#name)
    if (saved?.state === 'isolated') this.isolate(saved.why)
    else if (saved?.state === 'open') {
      // The wall clock is the only one that two processes share. It may have jumped: never longer than was left.
      const passedMs = Math.max(0, this.#clock.now() - saved.savedAtMs)
      // The settings may be shorter than those that it opened with.
      const leftMs = Math.min(this.#openMsMax * (1 + (this.#declaration.openJitter ?? 0)), saved.leftMs - passedMs)
      this.#opensInARow = saved.opensInARow
      this.#state = { kind: 'open', untilMs: this.#clock.monotonicMs() + Math.max(0, leftMs), why: saved.why }
    }
  }

  snapshot(): CircuitBreakerSnapshot {
    const state = this.#state
    const counters = { opened: this.#opened, rejected: this.#rejected }
    switch (state.kind) {
      case 'closed':
        return { ...counters, state: 'closed', ...this.#evidence.counts(this.#clock.monotonicMs()) }
      case 'open':
        return { ...counters, state: 'open', why: state.why, retryAfterMs: Math.max(0, state.untilMs - this.#clock.monotonicMs()) }
      case 'half-open':
        return { ...counters, state: 'half-open', probesRunning: state.probes.size, probesSucceeded: state.succeeded }
      case 'isolated':
        return { ...counters, state: 'isolated', why: state.why }
    }
  }

  get #probesMax(): number {
    return this.#declaration.probesMax ?? PROBES_MAX
  }

  get #openMsMax(): number {
    const { openMs, openMsMax = openMs } = this.#declaration
    return Math.max(openMs, openMsMax)
  }

  #admitProbe(state: State & { kind: 'half-open' }): Permit | undefined {
    const nowMs = this.#clock.monotonicMs()
    if (state.probes.size + state.succeeded >= this.#probesMax) {
      // A probe that hangs must not hold its place for ever. Leases are looked at only when a place is wanted, so that an idle breaker costs nothing.
      for (const probe of state.probes) if (probe.leaseUntilMs <= nowMs) state.probes.delete(probe)
      if (state.probes.size + state.succeeded >= this.#probesMax) return undefined
    }
    const probe = newPermit(nowMs + (this.#declaration.probeLeaseMs ?? PROBE_LEASE_MS))
    state.probes.add(probe)
    return probe
  }

  #brokenness(): Pick<BrokenCircuit, 'state' | 'why' | 'retryAfterMs'> {
    const state = this.#state
    switch (state.kind) {
      case 'open':
        return { state: 'open', why: state.why, retryAfterMs: Math.max(0, state.untilMs - this.#clock.monotonicMs()) }
      case 'half-open': {
        const nextLeaseMs = Math.min(...[...state.probes].map((probe) => probe.leaseUntilMs)) - this.#clock.monotonicMs()
        const retryAfterMs = Math.max(0, Math.min(this.#declaration.openMs, nextLeaseMs))
        return { state: 'half-open', why: `${state.probes.size} probes are running`, retryAfterMs }
      }
      case 'isolated':
        return { state: 'isolated', why: state.why, retryAfterMs: undefined }
      case 'closed':
        throw new Error('A closed circuit breaker turned a call away.')
    }
  }

  #open(why: string): void {
    const { openMs, openJitter = 0 } = this.#declaration
    const grownMs = Math.min(this.#openMsMax, openMs * OPEN_FACTOR ** this.#opensInARow)
    // Never shorter than asked: jitter spreads the probes of many processes that saw the same failure.
    const jitteredMs = grownMs * (1 + (openJitter === 0 ? 0 : openJitter * this.#random.float()))
    this.#state = { kind: 'open', untilMs: this.#clock.monotonicMs() + jitteredMs, why }
    this.#opensInARow++
    this.#opened++
    publish(() => ({ type: 'circuit-opened', policy: this.#name, why, openMs: jitteredMs }))
  }

  #close(): void {
    this.#evidence.clear()
    this.#opensInARow = 0
    this.#state = { kind: 'closed', permit: newPermit() }
    publish(() => ({ type: 'circuit-closed', policy: this.#name }))
  }
}

function newPermit(leaseUntilMs: number = Number.POSITIVE_INFINITY): Permit {
  return { leaseUntilMs }
}
