import { channel } from 'node:diagnostics_channel'
import {
  type Clock,
  ConditionVariable,
  TimeoutError,
  UnknownOutcomeError,
  backoffMs,
  exponential,
  sleep,
  systemClock,
  systemRandom,
} from 'seaworthy/core'
import { SwitchRefusedError } from './errors.ts'
import { Feed } from './feed.ts'
import { type CutOverLimits, limitsOf } from './limits.ts'
import { type Mapping, type SideName, directed } from './mapping.ts'
import { type Ownership, type Phase, fedSide, writerOf } from './ownership.ts'
import { type Readiness, readinessOf } from './readiness.ts'
import { type WriteToken, formatToken, parseToken, readerOf } from './routing.ts'
import { type SetAsideKey, type Side, type SideState, type Step, type StepTaken, type StrayWrite } from './side.ts'
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

/** What became of a switch or a rollback. */
export interface Moved extends Ownership {
  /** How long nobody could write, in milliseconds. */
  readonly heldMs: number
  /** Keys that the monolith does not have yet. */
  readonly held: readonly SetAsideKey[]
}

export interface Route extends Ownership {
  /** Whether both sides act as the phase says. While it is false, a decision has been made that the monolith's side has not heard of yet. */
  readonly settled: boolean
  /** Where to write. `hold`: wait, and ask again. */
  readonly write: SideName | 'hold'
  readonly read: SideName
}

/** Moves the data of a route, and says who owns it. */
export interface CutOver {
  status(): Promise<CutOverStatus>
  readiness(): Promise<Readiness>
  /** Where to write and read now. */
  route(question?: { readonly key?: string; readonly wish?: SideName; readonly token?: string }): Promise<Route>
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
const ROLLBACK_PAUSE_MS = 20
const RETRY = exponential({ baseMs: 20, maxMs: 2_000, jitter: 'full' })
const strayChannel = channel('seaworthy:cut-over.stray')
const movedChannel = channel('seaworthy:cut-over.moved')

/** Begins to feed, from where the sides say that it had come. Several processes may do so; each batch and decision is one's alone. */
export function startCutOver(options: CutOverOptions): CutOver {
  return new RunningCutOver(options)
}

class RunningCutOver implements CutOver {
  readonly #mapping: Mapping
  readonly #sides: Readonly<Record<SideName, Side>>
  readonly #feeds: Readonly<Record<SideName, Feed>>
  readonly #limits: CutOverLimits
  readonly #clock: Clock
  readonly #onStray: ((stray: StrayWrite) => void) | undefined
  readonly #stopping = new AbortController()
  readonly #turned: ConditionVariable
  readonly #running: Promise<void>
  #turn: Promise<unknown> = Promise.resolve()
  #turns = 0
  #failure: string | undefined
  #strayAfter = 0
  #followed: SideState | undefined
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
    const feedInto = (to: SideName) => {
      const from = to === 'new' ? 'old' : 'new'
      const parts = { source: this.#sides[from], target: this.#sides[to], limits: this.#limits, clock }
      return new Feed({ mapping: directed(mapping, to), tables: mapping[to], ...parts })
    }
    this.#feeds = { old: feedInto('old'), new: feedInto('new') }
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await this.#turn
    await this.#verifying
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    let failures = 0
    while (!signal.aborted) {
      let pauseMs: number
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
      await sleep(this.#clock, pauseMs, signal).catch(() => undefined)
    }
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
      await this.#release(state)
      return 'busy'
    }
    const old = await this.#follow(state)
    await this.#tellStrays(state, old)
    const fed = fedSide(state.phase)
    if (fed === undefined) return 'idle'
    const progress = await this.#feeds[fed].step(fed === 'new' ? state : old)
    if (progress === 'idle' && state.phase === 'old') this.#verifyOnce(state)
    if (progress === 'idle' && state.phase === 'returning') return this.#endReturn(state, old)
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
    await this.#giveUp(state)
    return 'busy'
  }

  /** Has the old side know what the new side's row says. @returns what it knows then */
  async #follow(state: SideState, held?: readonly string[]): Promise<SideState> {
    // Its epoch only grows, and as long as the new side is fed nothing else of it is asked for.
    if (state.phase === 'old' && this.#followed !== undefined && this.#followed.epoch >= state.epoch) return this.#followed
    this.#followed = undefined
    const old = await this.#sides.old.state({})
    this.#followed = old
    if (old.epoch >= state.epoch) return old
    const step: Step = { phase: state.phase, epoch: state.epoch, ...(await this.#stepOf(state, old)), ...(held && { held }) }
    const taken = held === undefined && state.phase === 'returning' ? { ...step, held: (await this.#unfed(old)).keys } : step
    this.#followed = (await this.#sides.old.take(taken)).state
    return this.#followed
  }

  /** Where the way back begins, where the old side has not heard of it: at what the new side had when it was given the ownership. */
  async #stepOf(state: SideState, old: SideState): Promise<Pick<Step, 'resumeAt'>> {
    const isBack = fedSide(state.phase) === 'old' || state.phase === 'retired'
    const hasHeard = fedSide(old.phase) === 'old'
    return isBack && !hasHeard ? { resumeAt: state.switchedAt } : {}
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
    return this.#alone(async () => {
      const before = await this.#sides.new.state({})
      if (before.phase === 'new' || before.phase === 'retired') return { ...ownershipOf(before), heldMs: 0, held: [] }
      const readiness = await this.readiness()
      if (!readiness.ready) throw new SwitchRefusedError(this.#mapping.name, readiness.reason)
      return this.#switch(before)
    })
  }

  async #switch(before: SideState): Promise<Moved> {
    const startedMs = this.#clock.monotonicMs()
    const left = () => this.#limits.switchMaxMs - (this.#clock.monotonicMs() - startedMs)
    const began = await this.#sides.new.take({ phase: 'switching', epoch: before.epoch + 1 })
    if (!began.taken) throw new SwitchRefusedError(this.#mapping.name, 'another process has decided meanwhile')
    let why: unknown
    try {
      const decided = await this.#within(left(), () => this.#drainAndDecide(began.state, left))
      if (decided.taken) return await this.#settleNew(decided.state, startedMs)
      why = new Error('it was not drained, or somebody else has decided')
    } catch (error) {
      why = error
    }
    const after = await this.#afterSwitch(began.state)
    if (after.phase === 'new') return this.#settleNew(after, startedMs)
    throw new SwitchRefusedError(this.#mapping.name, (why as Error).message, { cause: why })
  }

  /** Closes the monolith's side, brings over what it had written until then, and gives the ownership to the new side: only that is the decision. */
  async #drainAndDecide(began: SideState, left: () => number): Promise<StepTaken> {
    const { old, new: target } = this.#sides
    const closed = await old.take({ phase: 'switching', epoch: began.epoch })
    const drainedTo = closed.head
    let isDrained = closed.taken
    while (isDrained && left() > 0) {
      const state = await target.state({})
      if (state.position >= drainedTo) break
      if (state.epoch !== began.epoch) isDrained = false
      const progress = isDrained ? await this.#feeds.new.step(state, drainedTo) : 'outdated'
      if (progress === 'outdated') isDrained = false
      // Its engine has not told of everything yet.
      if (progress === 'idle') await sleep(this.#clock, 1, this.#stopping.signal)
    }
    return target.take({ phase: 'new', epoch: began.epoch + 1, drainedTo })
  }

  async #settleNew(state: SideState, startedMs: number): Promise<Moved> {
    const heldMs = this.#clock.monotonicMs() - startedMs
    this.#tell(state)
    // The decision stands. The monolith's side is told as often as it takes, by the loop.
    await this.#follow(state).catch(() => undefined)
    return { ...ownershipOf(state), heldMs, held: [] }
  }

  /** What stands after a switch that did not come to its end. @throws UnknownOutcomeError when the new side, whose row decides, does not answer */
  async #afterSwitch(began: SideState): Promise<SideState> {
    try {
      return await this.#within(this.#limits.switchMaxMs, () => this.#giveUp(began))
    } catch (cause) {
      throw new UnknownOutcomeError(
        `Whether ${this.#mapping.name} was moved is not known: the new side does not answer. Hold writes, and ask for the status.`,
        { cause },
      )
    }
  }

  /** Gives the ownership back, unless it was decided otherwise meanwhile. */
  async #giveUp(began: SideState): Promise<SideState> {
    const { state } = await this.#sides.new.take({ phase: 'old', epoch: began.epoch + 1 })
    if (state.phase === 'old') await this.#follow(state).catch(() => undefined)
    return state
  }

  rollBack(): Promise<Moved> {
    return this.#alone(async () => {
      const state = await this.#sides.new.state({})
      if (state.phase === 'old' || state.phase === 'returning') return { ...ownershipOf(state), heldMs: 0, held: await this.#heldKeys() }
      if (state.phase === 'retired') throw new SwitchRefusedError(this.#mapping.name, 'the way back was given up: the monolith is retired')
      if (state.phase === 'switching') {
        const after = await this.#giveUp(state)
        if (after.phase === 'old') return { ...ownershipOf(after), heldMs: 0, held: [] }
      }
      const startedMs = this.#clock.monotonicMs()
      const closed = await this.#sides.new.take({ phase: 'switching-back', epoch: state.epoch + 1 })
      if (!closed.taken && closed.state.phase !== 'switching-back')
        throw new SwitchRefusedError(this.#mapping.name, 'another process has decided meanwhile')
      return this.#release(closed.state, startedMs)
    })
  }

  /** Opens the monolith's side for every key that it has whole. */
  async #release(state: SideState, startedMs = this.#clock.monotonicMs()): Promise<Moved> {
    const { old, new: source } = this.#sides
    for (let behind = await this.#follow(state); ; behind = await old.state({})) {
      // The new side is closed: from here on there are only ever fewer.
      const unfed = await this.#unfed(behind)
      const mayDrain = unfed.keys.length > 0 && this.#clock.monotonicMs() - startedMs < this.#limits.rollbackDrainMs
      if (unfed.all || unfed.keys.length > this.#limits.heldKeysMax || mayDrain) {
        // What cannot be fed back now is held, where it can be named.
        const progress = await this.#feeds.old.step(behind).catch((error: unknown) => {
          if (unfed.all) throw error
          return 'idle' as const
        })
        if (progress === 'idle') await sleep(this.#clock, ROLLBACK_PAUSE_MS, this.#stopping.signal)
        continue
      }
      const taken = await source.take({ phase: 'returning', epoch: state.epoch + 1 })
      if (taken.state.phase !== 'returning') throw new SwitchRefusedError(this.#mapping.name, 'another process has decided meanwhile')
      await this.#follow(taken.state, unfed.keys)
      this.#tell(taken.state)
      return { ...ownershipOf(taken.state), heldMs: this.#clock.monotonicMs() - startedMs, held: await this.#heldKeys() }
    }
  }

  /** The keys under which the new side has something that the old side has not. */
  async #unfed(old: SideState): Promise<{ readonly keys: readonly string[]; readonly all: boolean }> {
    const max = this.#limits.heldKeysMax
    const page = await this.#sides.new.changes({ after: old.position, max: max + 1 })
    const { keys: parked } = old.hasParked ? await this.#sides.old.setAside({ kind: 'parked', max: max + 1 }) : NO_KEYS
    const keys = new Set([...page.changes, ...parked].map(({ key }) => key))
    return { keys: [...keys], all: page.all || page.changes.length > max || old.copy.stage !== 'done' }
  }

  /** Once everything has been fed back, the monolith owns all keys. */
  async #endReturn(state: SideState, old: SideState): Promise<'busy' | 'idle'> {
    const unfed = await this.#unfed(old)
    if (unfed.all || unfed.keys.length > 0) return 'idle'
    const { state: after } = await this.#sides.new.take({ phase: 'old', epoch: state.epoch + 1 })
    await this.#follow(after)
    this.#tell(after)
    return 'busy'
  }

  async #heldKeys(): Promise<readonly SetAsideKey[]> {
    return (await this.#sides.old.setAside({ kind: 'held', max: this.#limits.heldKeysMax })).keys
  }

  retire(): Promise<Moved> {
    return this.#alone(async () => {
      const state = await this.#sides.new.state({})
      if (state.phase !== 'retired') {
        const taken = await this.#sides.new.take({ phase: 'retired', epoch: state.epoch + 1 })
        if (!taken.taken)
          throw new SwitchRefusedError(
            this.#mapping.name,
            `only the new service retires the monolith, and the cut-over is at '${state.phase}'`,
          )
        await this.#follow(taken.state)
        this.#tell(taken.state)
        return { ...ownershipOf(taken.state), heldMs: 0, held: [] }
      }
      return { ...ownershipOf(state), heldMs: 0, held: [] }
    })
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

  async route({ key, wish, token }: { readonly key?: string; readonly wish?: SideName; readonly token?: string } = {}): Promise<Route> {
    const state = await this.#sides.new.state({})
    const isOpening = state.phase === 'old' || state.phase === 'returning'
    const isAsking = wish !== undefined || token !== undefined || (isOpening && (this.#followed?.epoch ?? 0) < state.epoch)
    const old = isAsking || state.phase === 'returning' ? await this.#sides.old.state({}) : undefined
    // Until its side has heard of it, the monolith takes no writes.
    const isBehind = isOpening && old !== undefined && old.epoch < state.epoch
    const settled = !isBehind && state.phase !== 'switching' && state.phase !== 'switching-back'
    // Whoever does not say whose key it is waits with the held ones.
    const isHeld = isBehind || (state.phase === 'returning' && (await this.#isHeld(key)))
    const write = isBehind ? 'hold' : writerOf(state, isHeld)
    const owner = isOpening || state.phase === 'switching' ? 'old' : 'new'
    const answer = { ...ownershipOf(state), settled, write }
    // What is held is read where it was written.
    if (state.phase === 'returning' && isHeld) return { ...answer, read: 'new' }
    if (old === undefined || (wish === undefined && token === undefined)) return { ...answer, read: owner }
    const fed = { new: fedTo(state), old: fedTo(old) }
    const parsed: WriteToken | undefined = token === undefined ? undefined : parseToken(token)
    return { ...answer, read: readerOf({ ownership: state, fed, wish: wish ?? owner, token: parsed }) }
  }

  async #isHeld(key: string | undefined): Promise<boolean> {
    const held = await this.#heldKeys()
    return key === undefined ? held.length > 0 : held.some((one) => one.key === key)
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

  /** What does not answer in time is left to itself: whatever it does comes under an epoch that is over. */
  async #within<T>(waitMs: number, work: () => Promise<T>): Promise<T> {
    const bound = new AbortController()
    const late = sleep(this.#clock, Math.max(0, waitMs), bound.signal).then(
      () => Promise.reject(new TimeoutError(`it was not done within ${this.#limits.switchMaxMs} ms`, this.#limits.switchMaxMs)),
      () => undefined as never,
    )
    try {
      return await Promise.race([work(), late])
    } finally {
      bound.abort()
    }
  }

  #tell(state: SideState): void {
    if (movedChannel.hasSubscribers) movedChannel.publish({ name: this.#mapping.name, ...ownershipOf(state) })
  }
}

function ownershipOf({ phase, epoch }: { readonly phase: Phase; readonly epoch: number }): Ownership {
  return { phase, epoch }
}

/** While a side is copied, changes up to its position may be missing in it. */
function fedTo({ copy, position }: SideState): number {
  return copy.stage === 'done' ? position : -1
}
