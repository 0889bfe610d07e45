import type { Evidence, RollbackRequest, ShiftRequest } from '@seaworthy/supervisor/gateway-admin'
import { type Clock, ConflictError, InvalidInputError, LimitExceededError, NotFoundError, sleep } from 'seaworthy/core'
import type { GatewayLog } from '../log.ts'
import type { ReadinessGate, ShiftQuestion } from '../readiness-gate.ts'
import type { DataMove } from './data-move.ts'
import { limited } from './http-readiness.ts'
import type { Ledger, LedgerEntry } from './ledger.ts'
import type { MovingRoute } from './moving-route.ts'
import { ANYBODY } from './own-writes.ts'

export type { RollbackRequest, ShiftRequest }

export interface ShiftsOptions {
  readonly ledger: Ledger
  readonly routeOf: (id: string) => MovingRoute | undefined
  readonly gateOf: (route: MovingRoute) => ReadinessGate | undefined
  /** What is known of a route when its share is decided about: for the ledger. Settles soon. */
  readonly evidenceOf?: (route: MovingRoute) => Promise<Evidence>
  /** Has the service started that a route is to move to, by whoever runs the system. Undefined where it runs anyway. */
  readonly start?: ((upstream: string) => void) | undefined
  readonly log: GatewayLog
  readonly clock: Clock
}

/** How long writes wait for those that are in flight, and then for their data to move. */
const DRAIN_MS = 5_000
/** Shorter where the data goes back, which is done in a hurry: a write that takes longer is refused by the side that gave up the data, and not lost. */
const ROLLBACK_DRAIN_MS = 300
const MOVE_TIMEOUT_MS = 15_000
/** How long the data's side may take to say whether it is ready. */
const READINESS_TIMEOUT_MS = 5_000
/** How long a service that was started for a route may take until it has the data. */
const STARTING_TIMEOUT_MS = 45_000
const ASK_AGAIN_MS = 100
/** How long writes wait after a start until it is known who owns their data. */
const RESUME_TIMEOUT_MS = 25_000
const TENANTS_MAX = 1_000
const HELD_SHOWN_MAX = 20

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
    return this.#inTurn(() => this.#shift(request))
  }

  /**
   * After a start: brings the shares of routes whose data moves in line with who owns it, because the gateway may have ended between the decision and its
   * entry in the ledger. Their writes wait until that is known.
   */
  resume(routes: Iterable<MovingRoute>): Promise<unknown> {
    const { ledger } = this.#options
    const begun = [...routes].filter(({ id, data, declaration: { to } }) => data !== undefined && ledger.shareOf(id, to) !== undefined)
    return this.#inTurn(() => Promise.all(begun.map((route) => this.#resume(route))))
  }

  async #resume(route: MovingRoute): Promise<void> {
    const { clock, log, start } = this.#options
    const { id, state } = route
    const { to, from } = route.declaration
    start?.(to!)
    void state.writes.hold(DRAIN_MS)
    const limit = limited(RESUME_TIMEOUT_MS, clock)
    try {
      const owner = await route.data!.owner(limit.signal)
      if (owner === undefined) log.warn({ route: id }, `who owns the data of ${id} is not known: its process gave no answer`)
      const { sharePercent } = state
      if (owner === 'to' && sharePercent < 100) await this.#align(route, 100, `${to} owns the data`)
      if (owner === 'from' && sharePercent >= 100) await this.#align(route, 0, `${from} owns the data`)
      if (owner === 'from') await this.#hold(route, route.data!, limit.signal)
      // Who wrote before the start is not known any more.
      if (owner !== undefined && state.isMoved) state.ownWrites.begin(ANYBODY, owner)(route.data)
    } finally {
      limit.done()
      state.writes.release()
    }
  }

  async #align(route: MovingRoute, percent: number, why: string): Promise<void> {
    const { ledger, clock } = this.#options
    const { state, id, declaration } = route
    await ledger.append({
      atMs: clock.now(),
      kind: percent === 0 ? 'rollback' : 'shift',
      route: id,
      from: declaration.from,
      to: declaration.to!,
      fromPercent: state.sharePercent,
      toPercent: percent,
      who: 'gateway',
      why: `${why}, as was decided before the gateway was started again`,
    })
    state.sharePercent = percent
  }

  /** Two that overlap would each be judged by a share that the other changes. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work, work)
    this.#last = done
    return done
  }

  /**
   * Takes the share, and those of all its tenants where none is named, back to the old side at once.
   * @returns what was written down: nothing where the route has never moved, because an entry would have its service started from then on. @throws NotFoundError
   */
  async rollback(request: RollbackRequest, kind: 'rollback' | 'automatic-rollback' = 'rollback'): Promise<readonly LedgerEntry[]> {
    const route = this.#routeOf(request.route)
    const { state } = route
    state.epoch++
    if (!state.isMoved && this.#options.ledger.shareOf(route.id, route.declaration.to) === undefined) return []
    const data = state.sharePercent >= 100 && request.tenant === undefined ? route.data : undefined
    if (data !== undefined) return this.#withData(route, data, () => this.#takeBack(route, request, kind))
    return this.#takeBack(route, request, kind)
  }

  /** Brings the data back first: the old side takes no writes before, and has no answers that are new enough. */
  async #withData<T>(route: MovingRoute, data: DataMove, takeBack: () => Promise<T>): Promise<T> {
    const { clock } = this.#options
    const limit = limited(MOVE_TIMEOUT_MS, clock)
    try {
      await route.state.writes.hold(ROLLBACK_DRAIN_MS)
      const reason = await data.toOld(limit.signal)
      if (reason !== undefined) throw new ConflictError(`Route ${route.id} stays at ${route.state.sharePercent} %: ${reason}.`)
      await this.#hold(route, data, limit.signal)
      return await takeBack()
    } finally {
      limit.done()
      route.state.writes.release()
    }
  }

  /** Of the keys that the old side does not have yet: before its writes go on. */
  async #hold({ id, state }: MovingRoute, data: DataMove, signal: AbortSignal): Promise<void> {
    const { log } = this.#options
    try {
      await state.writes.held.begin(data, signal)
    } catch (error) {
      log.error(
        { err: error, route: id },
        'which keys are held after the rollback is not known: their writes are left to the old side to refuse until they are',
      )
    }
    const { size } = state.writes.held.keys
    if (size > 0) log.warn({ route: id, held: size }, `${size} keys of ${id} are held until they are back`)
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
      const held = [...state.writes.held.keys]
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
        ...(held.length > 0 && { held: { count: held.length, keys: held.slice(0, HELD_SHOWN_MAX) } }),
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
    const entry = {
      route: id,
      from: route.declaration.from,
      to: route.declaration.to!,
      ...(tenant !== undefined && { tenant }),
      fromPercent,
      toPercent: percent,
      who,
      why,
    }
    const withEvidence = async () => {
      const evidence = await this.#options.evidenceOf?.(route)
      return { ...entry, ...(evidence !== undefined && { evidence }) }
    }
    const refuse = async (reason: string): Promise<never> => {
      await ledger.append({ ...(await withEvidence()), atMs: clock.now(), kind: 'refused', why: `${why}; refused: ${reason}` })
      throw new ConflictError(`Route ${id} stays at ${fromPercent} %: ${reason}.`)
    }
    if (percent > fromPercent) {
      if (route.data !== undefined) await this.#begin(route, { who, why })
      const reason = await this.#whyNotReady(route, { tenant, fromPercent, percent })
      if (reason !== undefined) return refuse(reason)
    }
    const known = await withEvidence()
    if (state.epoch !== epoch) return refuse('it was rolled back meanwhile')
    const data = tenant === undefined ? route.data : undefined
    if (data !== undefined && fromPercent >= 100 && percent < 100) return refuse('its data has moved: roll it back')
    if (data === undefined || percent < 100 || fromPercent >= 100) return this.#make(route, known, epoch)
    const limit = limited(MOVE_TIMEOUT_MS, clock)
    try {
      await state.writes.hold(DRAIN_MS)
      const reason = await data.toNew(limit.signal)
      if (reason === undefined) state.writes.held.end()
      return reason === undefined ? await this.#makeWithData(data, () => this.#make(route, known, epoch)) : await refuse(reason)
    } finally {
      limit.done()
      state.writes.release()
    }
  }

  /** The data has moved: where its share has not, because a rollback came between or the disk refused, it goes back. */
  async #makeWithData(data: DataMove, make: () => Promise<LedgerEntry>): Promise<LedgerEntry> {
    try {
      return await make()
    } catch (error) {
      const limit = limited(MOVE_TIMEOUT_MS, this.#options.clock)
      await data.toOld(limit.signal).finally(() => limit.done())
      throw error
    }
  }

  async #make(route: MovingRoute, entry: Omit<LedgerEntry, 'atMs' | 'kind'>, epoch: number): Promise<LedgerEntry> {
    const { state } = route
    const { ledger, clock } = this.#options
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
    // What was written before anybody was led to the new side may not be there yet.
    if (route.data !== undefined && !state.isMoved) state.ownWrites.begin(ANYBODY, 'from')(route.data)
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
    const { clock, start } = this.#options
    const question = { route: route.id, ...(tenant !== undefined && { tenant }), fromPercent, toPercent: percent }
    const { epoch } = route.state
    const untilMs = clock.monotonicMs() + (start === undefined ? 0 : STARTING_TIMEOUT_MS)
    for (;;) {
      const reason = await this.#askGate(gate, question)
      if (reason === undefined || clock.monotonicMs() >= untilMs || route.state.epoch !== epoch) return reason
      await sleep(clock, ASK_AGAIN_MS)
    }
  }

  /** Writes down, before any of its data can move, that a route has begun to: whoever starts after a crash has to ask who owns it. */
  async #begin(route: MovingRoute, { who, why }: { readonly who: string; readonly why: string }): Promise<void> {
    const { ledger, clock, start } = this.#options
    const { id, state, declaration } = route
    const { to, from } = declaration
    if (ledger.shareOf(id, to) === undefined) {
      const { sharePercent } = state
      const kept = { route: id, from, to: to!, fromPercent: sharePercent, toPercent: sharePercent }
      await ledger.append({ ...kept, atMs: clock.now(), kind: 'shift', who, why: `${why}; ${to} begins to follow the data of ${from}` })
    }
    start?.(to!)
  }

  async #askGate(gate: ReadinessGate, question: ShiftQuestion): Promise<string | undefined> {
    const limit = limited(READINESS_TIMEOUT_MS, this.#options.clock)
    try {
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
    if (route === undefined) throw new NotFoundError(`There is no route ${id}. The gateway's status lists its routes.`)
    if (route.declaration.to === undefined) throw new InvalidInputError(`Route ${id} does not move: its configuration has no to.`)
    return route
  }
}
