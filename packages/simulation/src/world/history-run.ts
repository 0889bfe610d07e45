import { AssertionError } from 'node:assert'
import { RejectedError, isFinal } from 'seaworthy/core'
import { BrokenInvariantError, EndlessHistoryError, NodeStartError, Violation } from '../errors.ts'
import type { DatabasePool } from '../engines/sqlite.ts'
import type { Point } from '../exploration/result.ts'
import { type Fault, type FaultKind, formatHistory } from '../faults/fault.ts'
import type { FaultPlan } from '../faults/fault-plan.ts'
import type { ExecutionCounters } from '../kernel/execution-index.ts'
import type { HistoryEntry } from '../kernel/history.ts'
import { type Acknowledged, RunningClient } from './client.ts'
import { isOfDeadProcess } from './dead-process.ts'
import { acting } from './incarnation.ts'
import { type Invariant, viewOf } from './invariant.ts'
import { Nodes } from './nodes.ts'
import type { System } from './system.ts'
import { World } from './world.ts'

interface HistoryLimits {
  /** Virtual milliseconds after which no more faults strike. */
  readonly chaosMs: number
  /** Virtual milliseconds that the system has to come to rest once the faults are over; then the invariants are checked in any case. */
  readonly healMs: number
  readonly stepsMax: number
}

export interface HistoryOptions {
  readonly system: System
  readonly seed: number
  readonly plan: FaultPlan
  readonly allowed: ReadonlySet<FaultKind>
  readonly invariants: readonly Invariant[]
  readonly limits: HistoryLimits
  readonly pool: DatabasePool
  readonly counters: ExecutionCounters
}

/** What came of a history. */
export interface HistoryOutcome {
  readonly seed: number
  readonly points: readonly Point[]
  readonly struck: readonly Fault[]
  readonly entries: readonly HistoryEntry[]
  readonly traceHash: string
  readonly violation: { readonly invariant: string; readonly message: string; readonly cause: unknown } | undefined
}

// Waits that end later than this are for a day to come, such as a nightly clean-up, and do not keep the system from being at rest.
const REST_HORIZON_MS = 1_800_000

/** One history, step by step: chaos, then heal, then check. */
export class HistoryRun {
  readonly #options: HistoryOptions
  readonly #world: World
  readonly #nodes: Nodes
  readonly #clients: readonly RunningClient[]
  readonly #acknowledged: Acknowledged[] = []
  #phase: 'chaos' | 'heal' | 'check' | 'over' = 'chaos'
  #healUntilMs = 0
  #checking = ''
  #violation: HistoryOutcome['violation']
  /** A mistake in how the simulation is used: it ends the exploration. */
  #mistake: { readonly error: unknown } | undefined

  constructor(options: HistoryOptions) {
    const { system, seed, plan, allowed, pool, counters } = options
    this.#options = options
    this.#world = new World({ seed, plan, allowed, counters, onCrash: (incarnation) => this.#nodes.crash(incarnation) })
    this.#nodes = new Nodes(this.#world, system.nodes, pool, (node, cause) =>
      this.mistaken(new NodeStartError(node, this.#text, { cause })),
    )
    this.#clients = system.clients.map(
      (definition) =>
        new RunningClient(this.#world, definition, this.#nodes, {
          acknowledged: (acknowledged) => this.#acknowledged.push(acknowledged),
          failure: (error) => this.#clientFailed(definition.name, error),
        }),
    )
  }

  start(): void {
    this.#world.record('world', 0, { kind: 'phase', phase: 'chaos' })
    this.#nodes.startAll()
    for (const client of this.#clients) this.#world.scheduler.after(0, () => client.start())
  }

  /** One step: an event, or a change of phase. Drain the microtasks after it. False when the history is over. */
  step(): boolean {
    if (this.#phase === 'over' || this.#mistake !== undefined) return false
    const { scheduler } = this.#world
    const { chaosMs, stepsMax } = this.#options.limits
    if (scheduler.steps >= stepsMax) {
      this.mistaken(new EndlessHistoryError(this.#text, stepsMax, this.#lastEntry()))
      return false
    }
    switch (this.#phase) {
      case 'chaos':
        if (this.#atRest() || scheduler.nowMs >= chaosMs || !scheduler.step()) this.#heal()
        return true
      case 'heal':
        if (this.#atRest() || scheduler.nowMs >= this.#healUntilMs || !scheduler.step()) this.#check()
        return true
      case 'check':
        // Nothing is left to happen, and a check that waits for something would wait for ever.
        if (scheduler.step()) return true
        this.mistaken(
          new BrokenInvariantError(this.#checking, this.#text, { cause: new Error('it waits for something that never happens') }),
        )
        return false
    }
  }

  /** @throws the mistake that ended the run, if one did */
  end(): HistoryOutcome {
    this.#nodes.endAll()
    for (const client of this.#clients) client.end()
    this.#world.dispose()
    if (this.#mistake !== undefined) throw this.#mistake.error
    const { points, struck, recorder } = this.#world
    return {
      seed: this.#options.seed,
      points,
      struck,
      entries: recorder.entries,
      traceHash: recorder.traceHash,
      violation: this.#violation,
    }
  }

  /** What a node's code threw where nobody caught it: a process would have died of it. */
  uncaught(error: unknown): void {
    if (isOfDeadProcess(error)) return
    this.#violation ??= {
      invariant: 'no rejection goes unhandled',
      message: `A process would have died of it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      cause: error,
    }
  }

  /** Ends the run for something that is not the system's fault. */
  mistaken(error: unknown): void {
    this.#mistake ??= { error }
  }

  get #text(): string {
    return formatHistory({ seed: this.#options.seed, faults: this.#world.struck })
  }

  #atRest(): boolean {
    const { scheduler, lastActivityMs } = this.#world
    if (scheduler.nowMs <= lastActivityMs || this.#clients.some((client) => !client.done)) return false
    if (!this.#nodes.allReady || this.#world.enginesAreBusy) return false
    return scheduler.allWaitsBeganAfter(lastActivityMs, scheduler.nowMs + REST_HORIZON_MS)
  }

  #heal(): void {
    this.#phase = 'heal'
    this.#healUntilMs = this.#world.scheduler.nowMs + this.#options.limits.healMs
    const wasAtRest = this.#world.struck.length === 0
    this.#world.heal()
    this.#nodes.heal()
    if (!wasAtRest) this.#world.record('world', 0, { kind: 'phase', phase: 'heal' })
  }

  #check(): void {
    this.#phase = 'check'
    this.#world.record('world', 0, { kind: 'phase', phase: 'check' })
    const idle = this.#options.system.clients.filter((_, index) => !this.#clients[index]!.done).map(({ name }) => name)
    if (idle.length > 0) {
      const message = `Long after the faults were over, ${idle.join(' and ')} still waited for an answer.`
      this.#violation ??= { invariant: 'clients do their work', message, cause: undefined }
    }
    const view = viewOf(this.#world, this.#acknowledged)
    void acting.exit(async () => {
      for (const { name, check } of this.#options.invariants) {
        this.#checking = name
        try {
          await check(view)
        } catch (error) {
          this.#judge(name, error)
          break
        }
      }
      this.#phase = 'over'
    })
  }

  #judge(name: string, error: unknown): void {
    if (error instanceof AssertionError || error instanceof Violation) {
      this.#violation ??= { invariant: name, message: error.message, cause: error }
    } else this.mistaken(new BrokenInvariantError(name, this.#text, { cause: error }))
  }

  /** A client may give up on what was refused. Anything else that it throws is a mistake in the client. */
  #clientFailed(client: string, error: unknown): void {
    if (error instanceof RejectedError || isFinal(error)) return
    this.#violation ??= { invariant: 'clients do their work', message: `Client ${client} failed: ${String(error)}`, cause: error }
  }

  #lastEntry(): string {
    const last = this.#world.recorder.entries.at(-1)
    return last === undefined ? 'nothing' : `${last.kind} at ${last.node}`
  }
}
