import type { RequestEnd } from '@seaworthy/http-proxy'
import type { Clock } from 'seaworthy/core'
import { defaultGuard, verdictOf } from './guard.ts'
import { type Counts, type Ledger, placeOf } from './ledger.ts'
import type { MovingRoute, SideDestination } from './moving-route.ts'
import type { Side } from './rule.ts'

interface OpenCounts {
  readonly requests: Record<Side, number>
  readonly errors: Record<Side, number>
}

/** A client that leaves sooner may have changed its mind. */
const GIVEN_UP_AFTER_MS = 1_000

/** Counts requests and failures by route, tenant and side, and judges the sides of a route by what they did lately. */
export class Accounts {
  readonly #ledger: Ledger
  readonly #clock: Clock
  readonly #counts: Map<string, OpenCounts>
  #isChanged = false

  constructor(ledger: Ledger, clock: Clock) {
    this.#ledger = ledger
    this.#clock = clock
    this.#counts = new Map(
      [...ledger.counts].map(([place, { requests, errors }]) => [place, { requests: { ...requests }, errors: { ...errors } }]),
    )
  }

  record({ destination, outcome, status, answerMs, durationMs }: RequestEnd): void {
    if (destination === undefined || !isSide(destination)) return
    const { route, side, tenant } = destination
    const isGivenUp = outcome === 'left' && answerMs === undefined && this.#isTooLong(route, durationMs)
    // Any other client that leaves says nothing about who did not answer it yet.
    if (outcome === 'left' && !isGivenUp) return
    const isError = isGivenUp || outcome === 'broken' || (status ?? 0) >= 500
    const counts = this.#countsOf(route.id, tenant)
    counts.requests[side]++
    if (isError) counts.errors[side]++
    this.#ledger.traffic.record(route.upstreamOf(side).name, this.#clock.now())
    this.#isChanged = true
    if (route.declaration.to === undefined) return
    const ownMs = destination.wasHeld === true ? undefined : answerMs
    route.state.windows[side].record({ nowMs: this.#clock.monotonicMs(), isError, answerMs: ownMs })
  }

  /** Why a route is to go back, if it is. Nothing that does not move is judged. */
  verdictOf({ declaration, state }: MovingRoute): string | undefined {
    const { guard, windows } = state
    if (declaration.to === undefined || guard === undefined) return undefined
    const nowMs = this.#clock.monotonicMs()
    const sides = { from: windows.from.figures(nowMs), to: windows.to.figures(nowMs) }
    if (sides.from.requests >= guard.requestsMin) state.baseline = sides.from
    return state.isMoved ? verdictOf(sides, state.baseline, guard) : undefined
  }

  countsOf(route: string, tenant: string | undefined): Counts | undefined {
    return this.#counts.get(placeOf(route, tenant))
  }

  /** Writes the figures down, if there are new ones. */
  async save(): Promise<void> {
    if (!this.#isChanged) return
    this.#isChanged = false
    await this.#ledger.writeFigures(this.#counts)
  }

  /** Whether a client that left without an answer had waited for longer than one may take: a side that hangs is given up on before any limit is reached. */
  #isTooLong({ state }: MovingRoute, durationMs: number): boolean {
    if (durationMs < GIVEN_UP_AFTER_MS) return false
    const usualMs = state.windows.from.figures(this.#clock.monotonicMs()).p95Ms ?? state.baseline?.p95Ms ?? 0
    const { latencyFactorMax, latencySlackMs } = state.guard ?? defaultGuard
    return durationMs > usualMs * latencyFactorMax + latencySlackMs
  }

  #countsOf(route: string, tenant: string | undefined): OpenCounts {
    const place = placeOf(route, tenant)
    let counts = this.#counts.get(place)
    if (counts === undefined) this.#counts.set(place, (counts = { requests: { from: 0, to: 0 }, errors: { from: 0, to: 0 } }))
    return counts
  }
}

const isSide = (destination: object): destination is SideDestination => 'side' in destination
