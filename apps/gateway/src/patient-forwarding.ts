import type { AttemptFailure, ForwardedRequest, Forwarding, ResponseHead } from '@seaworthy/http-proxy'
import { backoffMs, executedOf, isFinal, systemRandom, TimeoutError, type Timer, UnavailableError } from 'seaworthy/core'
import type { Outcome, Permit } from 'seaworthy/resilience'
import type { Instance } from './instance.ts'
import { saysNotExecuted } from './not-executed.ts'
import type { Claimant, Places } from './places.ts'
import type { ServiceUpstream } from './upstream.ts'

/**
 * - `arriving`: a small body is on its way; it takes nobody's place.
 * - `queued` for a place.
 * - `parked`: every instance is held.
 * - `attempting`: an instance has it in hand.
 * - `backing-off` before the next attempt.
 */
type State =
  | { readonly kind: 'arriving' }
  | { readonly kind: 'queued'; readonly places: Places }
  | { readonly kind: 'parked'; readonly go: () => void }
  | {
      readonly kind: 'attempting'
      readonly places: Places
      readonly instance: Instance
      /** Of the circuit breaker, until it has heard what came of it. */
      readonly permit: Permit | undefined
      readonly startedMs: number
    }
  | { readonly kind: 'backing-off'; readonly timer: Timer }
  | { readonly kind: 'ended' }

const ARRIVING: State = { kind: 'arriving' }
const ENDED: State = { kind: 'ended' }

/**
 * Leads a request to an upstream that may be away: waits for it, and tries again what was surely not executed, and what may have been only if a
 * repetition does no harm. Clients that send slowly keep nobody else's place: a small body takes one once it is there, and bodies that stream have places
 * of their own.
 */
export class PatientForwarding implements Forwarding, Claimant {
  readonly #request: ForwardedRequest
  readonly #upstream: ServiceUpstream
  #state: State = ARRIVING
  #attempts = 0
  #isFresh = false
  #lastError: unknown
  /** From the first time that it had to wait. */
  #patience: Timer | undefined
  #isPatienceOver = false

  constructor(request: ForwardedRequest, upstream: ServiceUpstream) {
    this.#request = request
    this.#upstream = upstream
  }

  begin(): void {
    const { admission, hasArrived } = this.#request
    const { framing, expectsContinue } = admission
    // One that waits for 100 Continue waits for the upstream to say it.
    this.#upstream.retryBudget?.deposit()
    const isAwaited =
      !hasArrived && framing.kind === 'length' && framing.bytes <= this.#upstream.limits.keptBodyBytesMax && !expectsContinue
    if (!isAwaited) this.#go()
  }

  onArrived(): void {
    if (this.#state.kind === 'arriving') this.#go()
  }

  onPlace(): void {
    const places = (this.#state as State & { readonly kind: 'queued' }).places
    const instance = this.#upstream.next()
    if (instance === undefined) {
      // It came to be held while the request queued.
      this.#park()
      places.release()
      return
    }
    const { breaker, parts } = this.#upstream
    const permit = breaker?.admit()
    if (breaker !== undefined && permit === undefined) {
      this.#state = ARRIVING
      places.release()
      this.#request.fail(breaker.rejection())
      return
    }
    this.#attempts++
    instance.begin()
    this.#state = { kind: 'attempting', places, instance, permit, startedMs: breaker === undefined ? 0 : parts.clock.monotonicMs() }
    this.#request.attempt(instance.pool, { isFresh: this.#isFresh })
  }

  onHead(head: ResponseHead): Error | undefined {
    if (this.#state.kind !== 'attempting') return undefined
    if (head.status === 503 && this.#request.isReplayable && isDraining(head))
      return new UnavailableError(`${this.#upstream.name} is draining and took no new request.`)
    const { instance, permit, startedMs } = this.#state
    instance.answered(head.status)
    if (permit !== undefined) this.#upstream.breaker?.settle(permit, head.status < 500 ? 'success' : 'failure', startedMs)
    this.#state = { ...this.#state, permit: undefined }
    this.#patience?.cancel()
    return undefined
  }

  onFailed({ error, wasStale }: AttemptFailure): void {
    if (this.#state.kind !== 'attempting') return
    const { instance } = this.#state
    instance.failed()
    this.#release('failure')
    if (executedOf(error) === 'no') instance.passOver()
    this.#lastError = error
    const isStale = wasStale && !this.#isFresh
    this.#isFresh = isStale
    if (!this.#isWorthRepeating(error)) this.#request.fail(error)
    else if (this.#isPatienceOver) this.#giveUp()
    // Nothing is known to be wrong with the upstream.
    else if (isStale) this.#go()
    else this.#backOff(error)
  }

  onEnd(error: unknown): void {
    // It took too long to answer; or the client left, which says nothing about the upstream.
    const isLate = error instanceof TimeoutError
    if (isLate && this.#state.kind === 'attempting') this.#state.instance.failed()
    this.#release(isLate ? 'failure' : 'ignored')
    this.#state = ENDED
    this.#patience?.cancel()
  }

  #go(): void {
    const { places, streamingPlaces, isHeld } = this.#upstream
    if (isHeld) {
      this.#park()
      return
    }
    const wanted = this.#request.hasArrived ? places : streamingPlaces
    this.#state = { kind: 'queued', places: wanted }
    const error = wanted.claim(this)
    if (error !== undefined) this.#request.fail(error)
    else if ((this.#state as State).kind === 'queued') this.#limitWait()
  }

  #park(): void {
    const { room } = this.#upstream
    if (!this.#enter(this.#lastError)) return
    const go = () => {
      // Those before it in the room may have ended it.
      if (this.#state.kind !== 'parked') return
      room.leave()
      this.#go()
    }
    this.#state = { kind: 'parked', go }
    room.park(go)
  }

  #backOff(error: unknown): void {
    const { room, limits, parts } = this.#upstream
    if (!this.#enter(error)) return
    const delayMs = backoffMs(limits.waitBackoff, this.#attempts, systemRandom)
    const timer = parts.clock.timer(
      delayMs,
      () => {
        room.leave()
        this.#go()
      },
      { keepAlive: false },
    )
    this.#state = { kind: 'backing-off', timer }
  }

  /** @returns false when there was no room, and the request has been answered so */
  #enter(cause: unknown): boolean {
    const error = this.#upstream.room.enter(cause)
    if (error === undefined) this.#limitWait()
    else this.#request.fail(error)
    return error === undefined
  }

  /** However often it waits, and for what, there is one limit to it. */
  #limitWait(): void {
    const { parts, limits } = this.#upstream
    this.#patience ??= parts.clock.timer(
      limits.waitMaxMs,
      () => {
        this.#isPatienceOver = true
        // An attempt that is at work may still succeed.
        if (this.#state.kind !== 'attempting') this.#giveUp()
      },
      { keepAlive: false },
    )
  }

  #giveUp(): void {
    const cause = this.#lastError
    const { name, limits } = this.#upstream
    const why = cause instanceof Error ? ` ${cause.message}` : ''
    this.#request.fail(new UnavailableError(`${name} was not there within ${limits.waitMaxMs} ms.${why}`, { cause }))
  }

  #isWorthRepeating(error: unknown): boolean {
    const { isReplayable, isRepeatable } = this.#request
    const { policy, retryBudget } = this.#upstream
    if (isFinal(error) || !isReplayable || (executedOf(error) !== 'no' && !isRepeatable)) return false
    return this.#attempts < (policy.retry?.attemptsMax ?? Number.POSITIVE_INFINITY) && retryBudget?.tryTake() !== false
  }

  /** Gives back whatever it has of the upstream. */
  #release(outcome: Outcome): void {
    const state = this.#state
    const { room } = this.#upstream
    switch (state.kind) {
      case 'queued':
        state.places.withdraw(this)
        break
      case 'parked':
        room.unpark(state.go)
        room.leave()
        break
      case 'attempting':
        // First, so that whoever gets the place does not take the instance for busier than it is.
        state.instance.end()
        if (state.permit !== undefined) this.#upstream.breaker?.settle(state.permit, outcome, state.startedMs)
        this.#state = ARRIVING
        state.places.release()
        break
      case 'backing-off':
        state.timer.cancel()
        room.leave()
        break
      case 'arriving':
      case 'ended':
    }
    this.#state = ARRIVING
  }
}

/**
 * What a service answers on a connection that it is about to close: try elsewhere, or later. Without the
 * `Connection: close` the same answer is about something that it needs itself, and goes to the client.
 */
function isDraining(head: ResponseHead): boolean {
  const closes = /(?:^|,)\s*close\s*(?:,|$)/i.test(head.fields.get('connection') ?? '')
  return closes && saysNotExecuted(head)
}
