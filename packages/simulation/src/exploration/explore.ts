import { ConfigurationError, setEnvironment } from 'seaworthy/core'
import { DatabasePool } from '../engines/sqlite.ts'
import { InvariantViolatedError, NoFaultStruckError, NotRepeatableError } from '../errors.ts'
import { FAULT_KINDS, type Fault, type FaultKind, formatHistory, parseHistory } from '../faults/fault.ts'
import { type FaultPlan, exactly, noFaults, randomFaults } from '../faults/fault-plan.ts'
import { type DrainKind, checkpointOf } from '../kernel/drain.ts'
import { type EscapeGuard, guardEscapes } from '../guard/escape-guard.ts'
import { ExecutionCounters } from '../kernel/execution-index.ts'
import { drawUnit, hashText } from '../kernel/hash.ts'
import type { HistoryOutcome } from '../world/history-run.ts'
import { acting } from '../world/incarnation.ts'
import type { Invariant } from '../world/invariant.ts'
import type { System } from '../world/system.ts'
import { type RejectionWatch, watchRejections } from './rejections.ts'
import type { ExplorationResult, Failure, Point } from './result.ts'
import { type RunOutcome, runHistory, tellMistake, tellUncaught } from './run-history.ts'
import { shrink } from './shrink.ts'

export interface ExploreOptions {
  readonly system: System
  readonly invariants: readonly Invariant[]
  /** Random histories, with this many seeds from `firstSeed` on. */
  readonly seeds?: number
  /** Default 1. Also the seed of the exhaustive exploration. */
  readonly firstSeed?: number
  /** Every point with every fault that is possible there; `2`: and every second point after it, too. */
  readonly exhaustive?: 1 | 2
  /**
   * The share of an exhaustive exploration that is run, above 0 and up to 1, for a test that has less time than there are histories: chosen by a hash of
   * each fault and its point, so that it is the same share each time, and spread over all points. Default 1.
   */
  readonly share?: number
  /** One history, as a failure prints it. */
  readonly replay?: string
  /** Which faults may strike. Default `all`. `none` is for looking at a system without any. */
  readonly faults?: readonly FaultKind[] | 'all' | 'none'
  /** Faults in one random history at most. Default 4. */
  readonly faultsMax?: number
  /** Virtual milliseconds after which no more faults strike. Default 120,000. */
  readonly chaosMs?: number
  /** Virtual milliseconds that the system has to come to rest when the faults are over. Default 600,000. */
  readonly healMs?: number
  /** Events of one history at most. Default 200,000. */
  readonly stepsMax?: number
  /** Histories at most. Default: as many as there are. */
  readonly runsMax?: number
  /** Histories that are run to make a failing one smaller, at most. Default 400. 0 for whoever asks only whether it fails. */
  readonly shrinkRunsMax?: number
  readonly drain?: DrainKind
  /** Told of each history that was run. */
  readonly onHistory?: (outcome: HistoryOutcome) => void
}

/**
 * Runs a system through its histories, and stops at the first that breaks an invariant, which it makes as small as it can.
 * @throws NotRepeatableError, EscapeError, NodeStartError, BrokenInvariantError, EndlessHistoryError, NoFaultStruckError: what it says is no verdict on the system
 */
export async function explore(options: ExploreOptions): Promise<ExplorationResult> {
  if (underWay)
    throw new ConfigurationError(
      'Another exploration is under way in this process. Await it first: both would take the place of its clock.',
    )
  const exploration = new Exploration(options)
  underWay = true
  const restoreEnvironment = setEnvironment(() => acting.getStore()?.environment)
  const watch = watchRejections()
  const guard = guardEscapes(tellMistake)
  try {
    return await exploration.run(watch, guard)
  } finally {
    guard.remove()
    watch.stop()
    restoreEnvironment()
    exploration.dispose()
    underWay = false
  }
}

let underWay = false

/**
 * The same, for a test: throws when an invariant does not hold.
 * @throws InvariantViolatedError, and what {@link explore} throws
 */
export async function simulate(options: ExploreOptions): Promise<ExplorationResult> {
  const result = await explore(options)
  if (result.failure !== undefined) throw new InvariantViolatedError(result.failure)
  return result
}

const SHRINK_RUNS_MAX = 400
// Handles are looked at in one of so many histories, the first ones among them; in the others by what is left open at the end.
const HANDLES_WATCHED_EVERY = 16

class Exploration {
  readonly #options: ExploreOptions
  readonly #pool = new DatabasePool()
  readonly #counters = new ExecutionCounters()
  readonly #allowed: ReadonlySet<FaultKind>
  readonly #seed: number
  readonly #startedMs = performance.now()
  readonly #struck: Partial<Record<FaultKind, number>> = {}
  #runs = 0
  #points = 0
  #missed = 0
  #trace = ''
  #failure: Failure | undefined
  #guard!: EscapeGuard

  constructor(options: ExploreOptions) {
    this.#options = options
    this.#seed = options.firstSeed ?? 1
    const { faults = 'all' } = options
    this.#allowed = new Set(faults === 'all' ? FAULT_KINDS : faults === 'none' ? [] : faults)
    if (options.seeds === undefined && options.exhaustive === undefined && options.replay === undefined && faults !== 'none') {
      throw new ConfigurationError('Nothing was asked for: give seeds, exhaustive or replay, or say faults: none.')
    }
    const { share = 1 } = options
    if (!(share > 0 && share <= 1)) throw new ConfigurationError(`A share of ${share} is none: above 0, and 1 at most.`)
    if (options.invariants.length === 0) throw new ConfigurationError('Without an invariant nothing can fail. Say what must hold.')
    const names = [...options.system.nodes, ...options.system.clients].map(({ name }) => name)
    for (const name of names) {
      if (!/^[a-z][a-z0-9-]*$/i.test(name))
        throw new ConfigurationError(`'${name}' cannot name a node or client: letters, digits and dashes.`)
    }
    if (new Set(names).size < names.length) throw new ConfigurationError('Two nodes or clients have one name. Give each its own.')
  }

  async run(watch: RejectionWatch, guard: EscapeGuard): Promise<ExplorationResult> {
    watch.onRejection(tellUncaught)
    this.#guard = guard
    const { replay, exhaustive, seeds, faults } = this.#options
    if (replay !== undefined) await this.#replay(replay)
    else {
      const base = await this.#base()
      if (this.#failure === undefined && exhaustive !== undefined) await this.#exhaust([], base.points, exhaustive)
      if (this.#failure === undefined && seeds !== undefined) await this.#random(seeds)
      const nothingStruck = Object.keys(this.#struck).length === 0
      if (nothingStruck && this.#failure === undefined && faults !== 'none') throw new NoFaultStruckError(this.#runs, this.#points)
    }
    return {
      runs: this.#runs,
      points: this.#points,
      struck: this.#struck,
      missed: this.#missed,
      failure: this.#failure,
      traceHash: hashText(this.#trace).toString(16).padStart(8, '0'),
      elapsedMs: performance.now() - this.#startedMs,
    }
  }

  dispose(): void {
    this.#pool.close()
  }

  /** The history in which nothing goes wrong, twice: two runs that differ would make every other verdict worthless. */
  async #base(): Promise<HistoryOutcome> {
    const first = await this.#one(this.#seed, noFaults)
    this.#points = first.points.length
    if (this.#failure !== undefined) return first
    const second = await this.#one(this.#seed, noFaults)
    if (first.traceHash !== second.traceHash) {
      const at = first.entries.findIndex((entry, index) => JSON.stringify(entry) !== JSON.stringify(second.entries[index]))
      const show = (entries: typeof first.entries) => JSON.stringify(entries[at === -1 ? entries.length - 1 : at])
      throw new NotRepeatableError(formatHistory({ seed: this.#seed, faults: [] }), show(first.entries), show(second.entries))
    }
    return first
  }

  /** Every point of a history with every fault, on top of those it has already. */
  async #exhaust(before: readonly Fault[], points: readonly Point[], depth: number): Promise<void> {
    const { share = 1 } = this.#options
    for (const { index, possible } of points) {
      for (const kind of possible) {
        if (this.#isOver) return
        if (share < 1 && drawUnit(this.#seed, `share ${kind} ${index}`) >= share) continue
        const faults = [...before, { kind, index }]
        const outcome = await this.#one(this.#seed, exactly(faults))
        if (outcome.struck.length < faults.length) this.#missed++
        if (this.#failure !== undefined) return
        if (depth > 1) {
          // What comes before the first fault was another history's second fault already.
          const at = outcome.points.findIndex((point) => point.index === index)
          await this.#exhaust(faults, outcome.points.slice(at + 1), depth - 1)
        }
      }
    }
  }

  async #random(seeds: number): Promise<void> {
    const { faultsMax = 4 } = this.#options
    for (let seed = this.#seed; seed < this.#seed + seeds && !this.#isOver; seed++) {
      await this.#one(seed, randomFaults(seed, { faultsMax }))
    }
  }

  async #replay(text: string): Promise<void> {
    const { seed, faults } = parseHistory(text)
    const outcome = await this.#one(seed, exactly(faults))
    this.#points = outcome.points.length
    this.#missed = faults.length - outcome.struck.length
  }

  get #isOver(): boolean {
    return this.#failure !== undefined || this.#runs >= (this.#options.runsMax ?? Number.POSITIVE_INFINITY)
  }

  /** Runs one history, and shrinks it when it fails. */
  async #one(seed: number, plan: FaultPlan): Promise<HistoryOutcome> {
    const outcome = await this.#run(seed, plan)
    this.#runs++
    this.#trace = hashText(outcome.traceHash, hashText(this.#trace)).toString(16)
    for (const { kind } of outcome.struck) this.#struck[kind] = (this.#struck[kind] ?? 0) + 1
    this.#options.onHistory?.(outcome)
    if (outcome.violation !== undefined) this.#failure = await this.#shrunk(outcome, outcome.violation)
    return outcome
  }

  async #shrunk(found: HistoryOutcome, violation: NonNullable<HistoryOutcome['violation']>): Promise<Failure> {
    const { shrinkRunsMax = SHRINK_RUNS_MAX } = this.#options
    let smallest = found
    let shrinkRuns = 0
    await shrink(found.struck, async (faults) => {
      if (shrinkRuns >= shrinkRunsMax) return false
      shrinkRuns++
      const outcome = await this.#run(found.seed, exactly(faults))
      // The same invariant: a smaller history of another failure would explain nothing.
      if (outcome.violation?.invariant !== violation.invariant) return false
      smallest = outcome
      return true
    })
    const { seed, struck, entries } = smallest
    return {
      ...(smallest.violation ?? violation),
      seed,
      faults: struck,
      history: formatHistory({ seed, faults: struck }),
      entries,
      runs: this.#runs,
      shrinkRuns,
    }
  }

  async #run(seed: number, plan: FaultPlan): Promise<HistoryOutcome> {
    const { drain = 'checkpoint' } = this.#options
    const watched = checkpointOf(drain) === undefined || this.#runs < 2 || this.#runs % HANDLES_WATCHED_EVERY === 0
    const outcome = await this.#history(watched, seed, plan, drain)
    // Once more, to see whose it is: that of a node ends the exploration with its place, and anything else is this process's own affair.
    return outcome.leftOpen && !watched ? this.#history(true, seed, exactly(outcome.struck), drain) : outcome
  }

  #history(watched: boolean, seed: number, plan: FaultPlan, drain: DrainKind): Promise<RunOutcome> {
    const { system, invariants, chaosMs = 120_000, healMs = 600_000, stepsMax = 200_000 } = this.#options
    this.#guard.watchHandles(watched)
    const kept = { pool: this.#pool, counters: this.#counters }
    return runHistory({ system, seed, plan, allowed: this.#allowed, invariants, limits: { chaosMs, healMs, stepsMax }, ...kept }, drain)
  }
}
