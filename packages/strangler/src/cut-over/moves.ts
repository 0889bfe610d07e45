import { channel } from 'node:diagnostics_channel'
import { type Clock, TimeoutError, UnknownOutcomeError, sleep } from 'seaworthy/core'
import { SwitchRefusedError } from './errors.ts'
import type { Feed } from './feed.ts'
import type { CutOverLimits } from './limits.ts'
import type { Mapping, SideName } from './mapping.ts'
import { type Ownership, fedSide } from './ownership.ts'
import type { Readiness } from './readiness.ts'
import type { SetAsideKey, Side, SideState, Step, StepTaken } from './side.ts'

/** What became of a switch or a rollback. */
export interface Moved extends Ownership {
  /** How long nobody could write, in milliseconds. */
  readonly heldMs: number
  /** Keys that the monolith does not have yet. */
  readonly held: readonly SetAsideKey[]
}

export interface MovesParts {
  readonly mapping: Pick<Mapping, 'name' | 'topic'>
  readonly sides: Readonly<Record<SideName, Side>>
  /** By the side that they feed. */
  readonly feeds: Readonly<Record<SideName, Feed>>
  readonly limits: CutOverLimits
  readonly clock: Clock
  /** Ends what waits. */
  readonly signal: AbortSignal
}

const ROLLBACK_PAUSE_MS = 20
const SENT_PAUSE_MS = 5
const NO_KEYS: { readonly keys: readonly SetAsideKey[] } = { keys: [] }
const movedChannel = channel('seaworthy:cut-over.moved')

/** The steps of the ownership, with what has to be done between them. Called one at a time, and never while a batch of the feed is under way. */
export class Moves {
  readonly #name: string
  /** Whether whoever owns the data tells of it by events. */
  readonly #tells: boolean
  readonly #sides: MovesParts['sides']
  readonly #feeds: MovesParts['feeds']
  readonly #limits: CutOverLimits
  readonly #clock: Clock
  readonly #signal: AbortSignal
  #followed: SideState | undefined

  constructor({ mapping, sides, feeds, limits, clock, signal }: MovesParts) {
    this.#name = mapping.name
    this.#tells = mapping.topic !== undefined
    this.#sides = sides
    this.#feeds = feeds
    this.#limits = limits
    this.#clock = clock
    this.#signal = signal
  }

  /** Up to which epoch the old side has surely heard. */
  get followedEpoch(): number {
    return this.#followed?.epoch ?? 0
  }

  /** Has the old side know what the new side's row says. @returns what it knows then */
  async follow(state: SideState, held?: readonly string[]): Promise<SideState> {
    // Its epoch only grows, and as long as the new side is fed nothing else of it is asked for.
    if (state.phase === 'old' && this.#followed !== undefined && this.#followed.epoch >= state.epoch) return this.#followed
    this.#followed = undefined
    const old = await this.#sides.old.state({})
    this.#followed = old
    if (old.epoch >= state.epoch) return old
    const step: Step = { phase: state.phase, epoch: state.epoch, ...stepOf(state, old), ...(held && { held }) }
    const isHeldUnknown = held === undefined && state.phase === 'returning'
    const taken = isHeldUnknown ? { ...step, held: await this.#feedBack(state, Number.NEGATIVE_INFINITY) } : step
    this.#followed = (await this.#sides.old.take(taken)).state
    return this.#followed
  }

  async switch(readinessNow: () => Promise<Readiness>): Promise<Moved> {
    const before = await this.#sides.new.state({})
    if (before.phase === 'new' || before.phase === 'retired') return { ...ownershipOf(before), heldMs: 0, held: [] }
    const readiness = await readinessNow()
    if (!readiness.ready) throw new SwitchRefusedError(this.#name, readiness.reason)
    return this.#switch(before)
  }

  async #switch(before: SideState): Promise<Moved> {
    const startedMs = this.#clock.monotonicMs()
    const left = () => this.#limits.switchMaxMs - (this.#clock.monotonicMs() - startedMs)
    const began = await this.#sides.new.take({ phase: 'switching', epoch: before.epoch + 1 })
    if (!began.taken) throw new SwitchRefusedError(this.#name, 'another process has decided meanwhile')
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
    throw new SwitchRefusedError(this.#name, (why as Error).message, { cause: why })
  }

  /** Closes the monolith's side, brings over what it had written until then, and gives the ownership to the new side: only that is the decision. */
  async #drainAndDecide(began: SideState, left: () => number): Promise<StepTaken> {
    const { old, new: target } = this.#sides
    const closed = await old.take({ phase: 'switching', epoch: began.epoch })
    // The monolith has heard of a later decision, and may write.
    if (!closed.taken) return closed
    const drainedTo = closed.head
    while (left() > 0) {
      const state = await target.state({})
      if (state.position >= drainedTo || state.epoch !== began.epoch) break
      // Its engine has not told of everything yet; or somebody else feeds, too.
      if ((await this.#feeds.new.step(state, drainedTo)) !== 'busy') await sleep(this.#clock, 1, this.#signal)
    }
    if (this.#tells) await this.#untilSent(left)
    return target.take({ phase: 'new', epoch: began.epoch + 1, drainedTo })
  }

  /** What the monolith has told goes out before the new side tells anything: of each key in the order of its numbers. Closed, it tells no more. */
  async #untilSent(left: () => number): Promise<void> {
    for (;;) {
      const { events } = await this.#sides.old.unsent({})
      if (events === 0) return
      if (left() <= 0) throw new Error(`${events} events of the monolith were not sent in time`)
      await sleep(this.#clock, SENT_PAUSE_MS, this.#signal)
    }
  }

  async #settleNew(state: SideState, startedMs: number): Promise<Moved> {
    const heldMs = this.#clock.monotonicMs() - startedMs
    this.#tell(state)
    // The decision stands. The monolith's side is told as often as it takes, by the loop.
    await this.follow(state).catch(() => undefined)
    return { ...ownershipOf(state), heldMs, held: [] }
  }

  /** What stands after a switch that did not come to its end. @throws UnknownOutcomeError when the new side, whose row decides, does not answer */
  async #afterSwitch(began: SideState): Promise<SideState> {
    try {
      return await this.#within(this.#limits.switchMaxMs, () => this.giveUp(began))
    } catch (cause) {
      throw new UnknownOutcomeError(
        `Whether ${this.#name} was moved is not known: the new side does not answer. Hold writes, and ask for the status.`,
        { cause },
      )
    }
  }

  /** Gives the ownership back, unless it was decided otherwise meanwhile. */
  async giveUp(began: SideState): Promise<SideState> {
    const { state } = await this.#sides.new.take({ phase: 'old', epoch: began.epoch + 1 })
    if (state.phase === 'old') await this.follow(state).catch(() => undefined)
    return state
  }

  async rollBack(): Promise<Moved> {
    const state = await this.#sides.new.state({})
    if (state.phase === 'old' || state.phase === 'returning') return { ...ownershipOf(state), heldMs: 0, held: await this.heldKeys() }
    if (state.phase === 'retired') throw new SwitchRefusedError(this.#name, 'the way back was given up: the monolith is retired')
    if (state.phase === 'switching') {
      const after = await this.giveUp(state)
      if (after.phase === 'old') return { ...ownershipOf(after), heldMs: 0, held: [] }
    }
    const startedMs = this.#clock.monotonicMs()
    const closed = await this.#sides.new.take({ phase: 'switching-back', epoch: state.epoch + 1 })
    if (!closed.taken && closed.state.phase !== 'switching-back')
      throw new SwitchRefusedError(this.#name, 'another process has decided meanwhile')
    return this.release(closed.state, startedMs)
  }

  /** Opens the monolith's side for every key that it has whole. */
  async release(state: SideState, startedMs = this.#clock.monotonicMs()): Promise<Moved> {
    await this.follow(state)
    if (this.#tells) await this.#tellBack()
    const unfed = await this.#feedBack(state, startedMs + this.#limits.rollbackDrainMs)
    const taken = await this.#sides.new.take({ phase: 'returning', epoch: state.epoch + 1 })
    if (taken.state.phase !== 'returning') throw new SwitchRefusedError(this.#name, 'another process has decided meanwhile')
    await this.follow(taken.state, unfed)
    this.#tell(taken.state)
    return { ...ownershipOf(taken.state), heldMs: this.#clock.monotonicMs() - startedMs, held: await this.heldKeys() }
  }

  /** Until the new side has told everything. Its events go out through the old side, each after the rows that it tells of; so those are fed back meanwhile. */
  async #tellBack(): Promise<void> {
    while ((await this.#sides.new.unsent({})).events > 0) {
      const progress = await this.#feeds.old.step(await this.#sides.old.state({}))
      if (progress !== 'busy') await sleep(this.#clock, SENT_PAUSE_MS, this.#signal)
    }
  }

  /**
   * Feeds back until a time, and on until what is missing can be named.
   * @param state of the new side, which is closed: from here on there are only ever fewer
   * @returns the keys that the old side does not have yet
   */
  async #feedBack(state: SideState, untilMs: number): Promise<readonly string[]> {
    for (;;) {
      const behind = await this.#sides.old.state({})
      const unfed = await this.#unfed(state, behind)
      const mayDrain = unfed.keys.length > 0 && this.#clock.monotonicMs() < untilMs
      if (!unfed.all && unfed.keys.length <= this.#limits.heldKeysMax && !mayDrain) return unfed.keys
      // What cannot be fed back now is held, where it can be named.
      const progress = await this.#feeds.old.step(behind).catch((error: unknown) => {
        if (unfed.all) throw error
        return 'idle' as const
      })
      if (progress === 'idle') await sleep(this.#clock, ROLLBACK_PAUSE_MS, this.#signal)
    }
  }

  /** The keys under which the new side has something that the old side has not. `all`: any may be one, as long as the new side has not told of everything that it wrote. */
  async #unfed(state: SideState, old: SideState): Promise<{ readonly keys: readonly string[]; readonly all: boolean }> {
    const max = this.#limits.heldKeysMax
    const page = await this.#sides.new.changes({ after: old.position, max: max + 1 })
    const { keys: parked } = old.hasParked ? await this.#sides.old.setAside({ kind: 'parked', max: max + 1 }) : NO_KEYS
    const keys = new Set([...page.changes, ...parked].map(({ key }) => key))
    // A side of an older release does not say when it was closed.
    const isTold = !(page.upTo < state.closedAt)
    return { keys: [...keys], all: !isTold || page.all || page.changes.length > max || old.copy.stage !== 'done' }
  }

  /** Once everything has been fed back, the monolith owns all keys. */
  async endReturn(state: SideState, old: SideState): Promise<'busy' | 'idle'> {
    const unfed = await this.#unfed(state, old)
    if (unfed.all || unfed.keys.length > 0) return 'idle'
    const { state: after } = await this.#sides.new.take({ phase: 'old', epoch: state.epoch + 1 })
    await this.follow(after)
    this.#tell(after)
    return 'busy'
  }

  async heldKeys(): Promise<readonly SetAsideKey[]> {
    return (await this.#sides.old.setAside({ kind: 'held', max: this.#limits.heldKeysMax })).keys
  }

  async retire(): Promise<Moved> {
    const state = await this.#sides.new.state({})
    if (state.phase !== 'retired') {
      const taken = await this.#sides.new.take({ phase: 'retired', epoch: state.epoch + 1 })
      if (!taken.taken)
        throw new SwitchRefusedError(this.#name, `only the new service retires the monolith, and the cut-over is at '${state.phase}'`)
      await this.follow(taken.state)
      this.#tell(taken.state)
      return { ...ownershipOf(taken.state), heldMs: 0, held: [] }
    }
    return { ...ownershipOf(state), heldMs: 0, held: [] }
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
    if (movedChannel.hasSubscribers) movedChannel.publish({ name: this.#name, ...ownershipOf(state) })
  }
}

/** Where the way back begins, where the old side has not heard of it: at what the new side had when it was given the ownership. */
function stepOf(state: SideState, old: SideState): Pick<Step, 'resumeAt'> {
  const isBack = fedSide(state.phase) === 'old' || state.phase === 'retired'
  const hasHeard = fedSide(old.phase) === 'old'
  return isBack && !hasHeard ? { resumeAt: state.switchedAt } : {}
}

export function ownershipOf({ phase, epoch }: Ownership): Ownership {
  return { phase, epoch }
}
