import type { Evidence, RollbackRequest, ShiftRequest } from '@seaworthy/supervisor/gateway-admin'
import { type Clock, ConflictError, InvalidInputError, LimitExceededError, NotFoundError } from 'seaworthy/core'
import type { GatewayLog } from '../log.ts'
import type { ReadinessGate } from '../readiness-gate.ts'
import type { DataMove } from './data-move.ts'
import { limited } from './http-readiness.ts'
import type { Ledger, LedgerEntry } from './ledger.ts'
import type { MovingRoute } from './moving-route.ts'

export type { RollbackRequest, ShiftRequest }

export interface ShiftsOptions {
  readonly ledger: Ledger
  readonly routeOf: (id: string) => MovingRoute | undefined
  readonly gateOf: (route: MovingRoute) => ReadinessGate | undefined
  /** What hands the data of a route over; undefined for one whose data does not move with it. */
  readonly dataOf?: (route: MovingRoute) => DataMove | undefined
  /** What is known of a route when its share is decided about: for the ledger. Settles soon. */
  readonly evidenceOf?: (route: MovingRoute) => Promise<Evidence>
  readonly log: GatewayLog
  readonly clock: Clock
}

/** How long writes wait for those that are in flight, and then for their data to move. */
const DRAIN_MS = 5_000
const MOVE_TIMEOUT_MS = 15_000
/** How long the data's side may take to say whether it is ready. */
const READINESS_TIMEOUT_MS = 5_000
const TENANTS_MAX = 1_000

/**
 * Moves shares. A shift is written down before it happens, one after another, so that what a restart reads is what was in force. A rollback happens
 * first and is written down after, because it must not wait for a disk; and a shift that was asked for before it is not made after it.
 */
export class Shifts {
  readonly #options: ShiftsOptions
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: ShiftsOptions) {
    this.#options = options
  }

  /** @throws NotFoundError, InvalidInputError; ConflictError when the data is not ready, or a rollback came between */
  shift(request: ShiftRequest): Promise<LedgerEntry> {
    // In turn: two that overlap would each be judged by a share that the other changes.
    const done = this.#last.then(
      () => this.#shift(request),
      () => this.#shift(request),
    )
    this.#last = done
    return done
  }

  /** Takes the share, and those of all its tenants where none is named, back to the old side at once. @throws NotFoundError */
  async rollback(request: RollbackRequest, kind: 'rollback' | 'automatic-rollback' = 'rollback'): Promise<readonly LedgerEntry[]> {
    const route = this.#routeOf(request.route)
    const { state } = route
    state.epoch++
    const data = state.sharePercent >= 100 && request.tenant === undefined ? this.#options.dataOf?.(route) : undefined
    if (data !== undefined) return this.#withData(route, data, () => this.#takeBack(route, request, kind))
    return this.#takeBack(route, request, kind)
  }

  /** Brings the data back first: the old side takes no writes before, and has no answers that are new enough. */
  async #withData<T>(route: MovingRoute, data: DataMove, takeBack: () => Promise<T>): Promise<T> {
    const { clock } = this.#options
    const limit = limited(MOVE_TIMEOUT_MS, clock)
    try {
      await route.state.writes.hold({ clock, drainMs: DRAIN_MS })
      const reason = await data.toOld(limit.signal)
      if (reason !== undefined) throw new ConflictError(`Route ${route.id} stays at ${route.state.sharePercent} %: ${reason}.`)
      return await takeBack()
    } finally {
      limit.done()
      route.state.writes.release()
    }
  }

  async #takeBack(route: MovingRoute, request: RollbackRequest, kind: 'rollback' | 'automatic-rollback'): Promise<readonly LedgerEntry[]> {
    const { state } = route
    const { ledger, clock, log } = this.#options
    const entries: LedgerEntry[] = []
    const back = (tenant: string | undefined) => {
      const fromPercent = tenant === undefined ? state.sharePercent : (state.tenantShares.get(tenant) ?? state.sharePercent)
      if (tenant === undefined) state.sharePercent = 0
      else state.tenantShares.set(tenant, 0)
      const { who, why } = request
      entries.push({
        atMs: clock.now(),
        kind,
        route: route.id,
        from: route.declaration.from,
        to: route.declaration.to!,
        ...(tenant !== undefined && { tenant }),
        fromPercent,
        toPercent: 0,
        who,
        why,
      })
    }
    if (request.tenant !== undefined) back(request.tenant)
    else {
      back(undefined)
      for (const [tenant, share] of state.tenantShares) if (share > 0) back(tenant)
    }
    try {
      await Promise.all(entries.map((entry) => ledger.append(entry)))
    } catch (error) {
      log.error({ err: error, route: route.id }, 'a rollback is in force, but could not be written down: a restart would undo it')
      throw error
    }
    return entries
  }

  async #shift({ route: id, tenant, percent, who, why }: ShiftRequest): Promise<LedgerEntry> {
    const route = this.#routeOf(id)
    const { state } = route
    const { ledger, clock } = this.#options
    if (!(percent >= 0 && percent <= 100)) throw new InvalidInputError(`A share is a number from 0 to 100 percent, but not ${percent}.`)
    if (tenant !== undefined) this.#assertTenant(route, tenant)
    const fromPercent = (tenant === undefined ? undefined : state.tenantShares.get(tenant)) ?? state.sharePercent
    const { epoch } = state
    const evidence = await this.#options.evidenceOf?.(route)
    const entry = {
      route: id,
      from: route.declaration.from,
      to: route.declaration.to!,
      ...(tenant !== undefined && { tenant }),
      fromPercent,
      toPercent: percent,
      who,
      why,
      ...(evidence !== undefined && { evidence }),
    }
    const refuse = async (reason: string): Promise<never> => {
      await ledger.append({ ...entry, atMs: clock.now(), kind: 'refused', why: `${why}; refused: ${reason}` })
      throw new ConflictError(`Route ${id} stays at ${fromPercent} %: ${reason}.`)
    }
    if (percent > fromPercent) {
      const reason = await this.#whyNotReady(route, { tenant, fromPercent, percent })
      if (reason !== undefined) return refuse(reason)
    }
    if (state.epoch !== epoch) return refuse('it was rolled back meanwhile')
    const data = tenant === undefined ? this.#options.dataOf?.(route) : undefined
    if (data !== undefined && fromPercent >= 100 && percent < 100) return refuse('its data has moved: roll it back')
    if (data === undefined || percent < 100 || fromPercent >= 100) return this.#make(route, entry)
    const limit = limited(MOVE_TIMEOUT_MS, clock)
    try {
      await state.writes.hold({ clock, drainMs: DRAIN_MS })
      const reason = await data.toNew(limit.signal)
      return reason === undefined ? await this.#make(route, entry) : await refuse(reason)
    } finally {
      limit.done()
      state.writes.release()
    }
  }

  async #make(route: MovingRoute, entry: Omit<LedgerEntry, 'atMs' | 'kind'>): Promise<LedgerEntry> {
    const { state } = route
    const { ledger, clock } = this.#options
    const { epoch } = state
    const { route: id, tenant, toPercent: percent } = entry
    const made: LedgerEntry = { ...entry, atMs: clock.now(), kind: 'shift' }
    await ledger.append(made)
    if (state.epoch !== epoch) {
      // The rollback's entry may stand before this one: what is in force has to be the last word.
      await ledger.append({
        ...entry,
        atMs: clock.now(),
        kind: 'rollback',
        fromPercent: percent,
        toPercent: 0,
        why: 'it was rolled back while this shift was written down',
      })
      throw new ConflictError(`Route ${id} stays at 0 %: it was rolled back meanwhile.`)
    }
    if (tenant === undefined) state.sharePercent = percent
    else state.tenantShares.set(tenant, percent)
    // The new side is judged by what it does under its new share.
    state.windows.to.clear()
    return made
  }

  async #whyNotReady(
    route: MovingRoute,
    { tenant, fromPercent, percent }: { tenant: string | undefined; fromPercent: number; percent: number },
  ): Promise<string | undefined> {
    const gate = this.#options.gateOf(route)
    if (gate === undefined) return undefined
    const limit = limited(READINESS_TIMEOUT_MS, this.#options.clock)
    try {
      const question = { route: route.id, ...(tenant !== undefined && { tenant }), fromPercent, toPercent: percent }
      const readiness = await gate.readiness(question, limit.signal)
      return readiness.ready ? undefined : readiness.reason
    } catch (error) {
      return `whether the data is ready is not known: ${error instanceof Error ? error.message : String(error)}`
    } finally {
      limit.done()
    }
  }

  #assertTenant(route: MovingRoute, tenant: string): void {
    if (route.declaration.tenantBy === undefined)
      throw new InvalidInputError(`Route ${route.id} knows no tenants: its configuration has no tenantBy.`)
    if (!/^[\x21-\x7e]{1,256}$/.test(tenant)) throw new InvalidInputError('A tenant is named by 1 to 256 visible ASCII characters.')
    const { tenantShares } = route.state
    if (!tenantShares.has(tenant) && tenantShares.size >= TENANTS_MAX)
      throw new LimitExceededError(`Route ${route.id} has shares of its own for ${TENANTS_MAX} tenants already.`)
  }

  #routeOf(id: string): MovingRoute {
    const route = this.#options.routeOf(id)
    if (route === undefined) throw new NotFoundError(`There is no route ${id}.`)
    if (route.declaration.to === undefined) throw new InvalidInputError(`Route ${id} does not move: its configuration has no to.`)
    return route
  }
}
