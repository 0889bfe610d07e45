import { channel } from 'node:diagnostics_channel'
import { type Clock, ConditionVariable, backoffMs, exponential, sleep, systemClock, systemRandom } from 'seaworthy/core'
import { Feed } from './feed.ts'
import { type CutOverLimits, limitsOf } from './limits.ts'
import { type Mapping, type SideName, directed } from './mapping.ts'
import { type Moved, Moves, ownershipOf } from './moves.ts'
import { type Ownership, fedSide } from './ownership.ts'
import { type Readiness, readinessOf } from './readiness.ts'
import { type Route, type RouteQuestion, routeOf } from './route.ts'
import { formatToken } from './routing.ts'
import type { SetAsideKey, Side, SideState, StrayWrite } from './side.ts'
import { type Verification, compareSides } from './verification.ts'

export interface CutOverOptions {
  readonly mapping: Mapping
  readonly old: Side
  readonly new: Side
  readonly limits?: Partial<CutOverLimits>
  /** Called once for each write on a side that did not own the data; again after a restart. */
  readonly onStray?: (stray: StrayWrite) => void
  readonly clock?: Clock
}

export interface CutOverStatus extends Ownership {
  readonly name: string
  /** Which side is fed now. */
  readonly fed: SideName | undefined
  readonly copy: SideState['copy']
  readonly verifiedAtMs: number
  /** The last one of this process. */
  readonly verification: Verification | undefined
  readonly lag: { readonly changes: number; readonly ageMs: number }
  /** Keys that the feed could not bring over, at most 100. */
  readonly parked: readonly SetAsideKey[]
  /** Keys whose writes are held after a rollback, at most 100. */
  readonly held: readonly SetAsideKey[]
  /** Writes on the monolith that came although it did not own the data, at most 100. */
  readonly strays: readonly StrayWrite[]
  readonly failure: string | undefined
  readonly readiness: Readiness
}

export interface Held extends Pick<Route, 'phase' | 'epoch' | 'settled'> {
  /** `heldKeysMax` of them at most. */
  readonly keys: readonly SetAsideKey[]
}

/** Moves the data of a route, and says who owns it. */
export interface CutOver {
  status(): Promise<CutOverStatus>
  readiness(): Promise<Readiness>
  /** Where to write and read now. */
  route(question?: RouteQuestion): Promise<Route>
  /** The keys whose writes are held after a rollback, until they have been fed back. */
  held(): Promise<Held>
  /**
   * Whether the other side has, within a time, what its owner has written until now. The feed does not rest meanwhile. For a service whose callers ask the other side next.
   * @returns true too where nothing is fed any more
   */
  settled(waitMs: number): Promise<boolean>
  /** What whoever has just written on a side shows when he reads. */
  token(side: SideName): Promise<string>
  /**
   * Hands the data to the new service. Hold the writes before, and release them to where the answer says.
   * @throws SwitchRefusedError when it was not ready, or not drained in time; then the monolith owns it as before
   * @throws UnknownOutcomeError when a side did not answer: ask `status`, which knows as soon as it does
   */
  switch(): Promise<Moved>
  /** Hands the data back to the monolith, all but the keys that it does not have yet. Idempotent. */
  rollBack(): Promise<Moved>
  /** Gives up the way back. */
  retire(): Promise<Moved>
  /** Compares both sides, key by key, while users go on. */
  verify(signal?: AbortSignal): Promise<Verification>
  /** Copies everything once more, where a verification found what changes did not bring. */
  copyAgain(): Promise<void>
  /** Ends the feed. What was stored stays, and another process goes on from there. */
  stop(): Promise<void>
}

const SHOWN_MAX = 100
const NO_KEYS: { readonly keys: readonly SetAsideKey[] } = { keys: [] }
const RETRY = exponential({ baseMs: 20, maxMs: 2_000, jitter: 'full' })
const strayChannel = channel('seaworthy:cut-over.stray')

/** Begins to feed, from where the sides say that it had come. Several processes may do so; each batch and decision is one's alone. */
export function startCutOver(options: CutOverOptions): CutOver {
  return new RunningCutOver(options)
}

class RunningCutOver implements CutOver {
  readonly #mapping: Mapping
  readonly #sides: Readonly<Record<SideName, Side>>
  readonly #feeds: Readonly<Record<SideName, Feed>>
  readonly #moves: Moves
  readonly #limits: CutOverLimits
  readonly #clock: Clock
  readonly #onStray: ((stray: StrayWrite) => void) | undefined
  readonly #stopping = new AbortController()
  readonly #turned: ConditionVariable
  readonly #running: Promise<void>
  readonly #asked: ConditionVariable
  #isAsked = false
  /** How far the side that is fed had come when it was looked at last. */
  #fed: { readonly side: SideName; readonly position: number } | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #turns = 0
  #failure: string | undefined
  #strayAfter = 0
  /** A switch of another process that is watched. */
  #foreign: { readonly epoch: number; readonly sinceMs: number } | undefined
  #isFirstLook = true
  #verifyAtMs = 0
  #verifying: Promise<unknown> = Promise.resolve()
  #verification: Verification | undefined

  constructor(options: CutOverOptions) {
    const { mapping, clock = systemClock } = options
    this.#mapping = mapping
    this.#clock = clock
    this.#limits = limitsOf(options.limits)
    this.#sides = { old: options.old, new: options.new }
    this.#onStray = options.onStray
    this.#turned = new ConditionVariable(clock)
    this.#asked = new ConditionVariable(clock)
    const feedInto = (to: SideName) => {
      const from = to === 'new' ? 'old' : 'new'
      const parts = { source: this.#sides[from], target: this.#sides[to], limits: this.#limits, clock }
      return new Feed({ mapping: directed(mapping, to), tables: mapping[to], ...parts })
    }
    this.#feeds = { old: feedInto('old'), new: feedInto('new') }
    const parts = { sides: this.#sides, feeds: this.#feeds, limits: this.#limits, clock, signal: this.#stopping.signal }
    this.#moves = new Moves({ mapping, ...parts })
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#asked.notify()
    await this.#running
    await this.#turn
    await this.#verifying
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    let failures = 0
    while (!signal.aborted) {
      let pauseMs: number
      this.#isAsked = false
      try {
        const progress = await this.#alone(() => this.#look())
        failures = 0
        this.#failure = undefined
        pauseMs = progress === 'busy' ? 0 : this.#limits.pollMs
      } catch (error) {
        this.#failure = (error as Error).message
        pauseMs = backoffMs(RETRY, ++failures, systemRandom)
      }
      this.#turns++
      this.#turned.notify()
      if (failures > 0) await sleep(this.#clock, pauseMs, signal).catch(() => undefined)
      else await this.#asked.until(() => this.#isAsked || signal.aborted, pauseMs)
    }
  }

  async settled(waitMs: number): Promise<boolean> {
    const { phase } = await this.#sides.new.state({})
    const side = fedSide(phase)
    if (side === undefined) return true
    const { position } = await this.#sides[side === 'old' ? 'new' : 'old'].head({})
    this.#isAsked = true
    this.#asked.notify()
    return this.#turned.until(() => this.#fed?.side === side && this.#fed.position >= position, waitMs)
  }

  /** One at a time: the feed's batches, and decisions. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work)
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  /** Does what the ownership that it finds asks for. */
  async #look(): Promise<'busy' | 'idle'> {
    const state = await this.#sides.new.state({})
    if (state.phase === 'switching') return this.#lookAtSwitch(state)
    this.#foreign = undefined
    this.#isFirstLook = false
    if (state.phase === 'switching-back') {
      await this.#moves.release(state)
      return 'busy'
    }
    const old = await this.#moves.follow(state)
    await this.#tellStrays(state, old)
    const fed = fedSide(state.phase)
    if (fed === undefined) return 'idle'
    const target = fed === 'new' ? state : old
    this.#fed = { side: fed, position: target.copy.stage === 'done' ? target.position : -1 }
    const progress = await this.#feeds[fed].step(target)
    if (progress === 'idle' && state.phase === 'old') this.#verifyOnce(state)
    if (progress === 'idle' && state.phase === 'returning') return this.#moves.endReturn(state, old)
    return progress === 'busy' ? 'busy' : 'idle'
  }

  /** Beside the feed, which goes on: once for each copy, and again after a while where something differs. */
  #verifyOnce(state: SideState): void {
    if (state.copy.stage !== 'done' || state.verifiedAtMs > 0 || this.#clock.monotonicMs() < this.#verifyAtMs) return
    // What is known to be missing need not be looked for.
    if (state.hasParked) return
    this.#verifyAtMs = Number.POSITIVE_INFINITY
    const again = () => (this.#verifyAtMs = this.#clock.monotonicMs() + this.#limits.verifyAgainMs)
    this.#verifying = this.verify().then(again, again)
  }

  /** Nobody in this process is switching, or this would not run. Whoever began it has died, or is another process, which is given its time. */
  async #lookAtSwitch(state: SideState): Promise<'busy' | 'idle'> {
    const nowMs = this.#clock.monotonicMs()
    if (this.#foreign?.epoch !== state.epoch) this.#foreign = { epoch: state.epoch, sinceMs: nowMs }
    const isOver = this.#isFirstLook || nowMs - this.#foreign.sinceMs > 2 * this.#limits.switchMaxMs
    if (!isOver) return 'idle'
    await this.#moves.giveUp(state)
    return 'busy'
  }

  async #tellStrays(state: SideState, old: SideState): Promise<void> {
    if (state.phase === 'old' || old.strayAt <= this.#strayAfter) return
    const { strays } = await this.#sides.old.strays({ after: this.#strayAfter, max: SHOWN_MAX })
    for (const stray of strays) {
      this.#strayAfter = stray.position
      this.#onStray?.(stray)
      if (strayChannel.hasSubscribers) strayChannel.publish({ name: this.#mapping.name, stray })
    }
  }

  switch(): Promise<Moved> {
    return this.#alone(() => this.#moves.switch(() => this.readiness()))
  }

  rollBack(): Promise<Moved> {
    return this.#alone(() => this.#moves.rollBack())
  }

  retire(): Promise<Moved> {
    return this.#alone(() => this.#moves.retire())
  }

  copyAgain(): Promise<void> {
    return this.#alone(async () => {
      const state = await this.#sides.new.state({})
      const fed = fedSide(state.phase)
      if (fed !== undefined) await this.#feeds[fed].copyAgain()
      this.#verifyAtMs = 0
    })
  }

  async readiness(): Promise<Readiness> {
    return (await this.#standing()).readiness
  }

  async #standing() {
    const state = await this.#sides.new.state({})
    const fed = fedSide(state.phase)
    const target = fed === 'old' ? await this.#sides.old.state({}) : state
    const source = fed === 'old' ? this.#sides.new : this.#sides.old
    const none = { changes: 0, ageMs: 0 }
    const lag = fed === undefined ? none : await source.lag({ after: target.position, max: this.#limits.heldKeysMax })
    const { keys: parked } = target.hasParked ? await this.#sides[target.side].setAside({ kind: 'parked', max: SHOWN_MAX }) : NO_KEYS
    const standing = { phase: state.phase, copy: target.copy, verifiedAtMs: state.verifiedAtMs, lag, parked, failure: this.#failure }
    return { state, fed, ...standing, readiness: readinessOf(standing, this.#limits) }
  }

  async status(): Promise<CutOverStatus> {
    const { state, ...standing } = await this.#standing()
    const { old } = this.#sides
    const { keys: held } = state.phase === 'returning' ? await old.setAside({ kind: 'held', max: SHOWN_MAX }) : NO_KEYS
    const { strays } = state.phase === 'old' ? { strays: [] } : await old.strays({ after: 0, max: SHOWN_MAX })
    return { name: this.#mapping.name, ...standing, ...ownershipOf(state), verification: this.#verification, held, strays }
  }

  route(question: RouteQuestion = {}): Promise<Route> {
    const { followedEpoch } = this.#moves
    return routeOf({ sides: this.#sides, followedEpoch, heldKeys: () => this.#moves.heldKeys() }, question)
  }

  async held(): Promise<Held> {
    const { phase, epoch, settled } = await this.route()
    return { phase, epoch, settled, keys: phase === 'returning' ? await this.#moves.heldKeys() : [] }
  }

  async token(side: SideName): Promise<string> {
    return formatToken({ side, position: (await this.#sides[side].head({})).position })
  }

  async verify(signal: AbortSignal = this.#stopping.signal): Promise<Verification> {
    const state = await this.#sides.new.state({})
    const to = fedSide(state.phase) ?? 'new'
    const from = to === 'new' ? 'old' : 'new'
    const [source, target] = [this.#sides[from], this.#sides[to]]
    const verification = await compareSides({
      mapping: directed(this.#mapping, to),
      tables: this.#mapping[to],
      source,
      target,
      limits: this.#limits,
      settle: () => this.#caughtUp(source, target, signal),
      signal,
    })
    this.#verification = verification
    if (verification.kind === 'equal' && to === 'new') await target.verified({ epoch: state.epoch, atMs: this.#clock.now() })
    return verification
  }

  /** Until the target has what the source has now; or not, where the feed stands still. */
  async #caughtUp(source: Side, target: Side, signal: AbortSignal): Promise<void> {
    const { position } = await source.head({})
    const startedMs = this.#clock.monotonicMs()
    while (this.#clock.monotonicMs() - startedMs < this.#limits.readyAgeMaxMs) {
      signal.throwIfAborted()
      const { changes } = await source.lag({ after: (await target.state({})).position, max: 1 })
      if (changes === 0 || (await target.state({})).position >= position) return
      const turn = this.#turns
      await this.#turned.until(() => this.#turns > turn, this.#limits.pollMs)
    }
  }
}
