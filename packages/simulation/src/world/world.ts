import type { FaultKind } from '../faults/fault.ts'
import type { FaultPlan } from '../faults/fault-plan.ts'
import type { Fault } from '../faults/fault.ts'
import type { Point } from '../exploration/result.ts'
import type { ExecutionCounters, ExecutionIndex } from '../kernel/execution-index.ts'
import { basisOf, drawBetween } from '../kernel/hash.ts'
import { type Happening, HistoryRecorder } from '../kernel/history.ts'
import { Scheduler } from '../kernel/scheduler.ts'
import { stackless } from '../kernel/stackless.ts'
import type { Incarnation } from './incarnation.ts'
import { Network } from './network.ts'

const PAUSE_MS = [35_000, 65_000] as const
const PARTITION_MS = [500, 20_000] as const
const BROKER_DOWN_MS = [200, 5_000] as const
const CLOCK_JUMP_MS = [1_000, 3_600_000] as const

const AT_BEGIN: readonly FaultKind[] = ['busy']
const BEFORE_COMMIT: readonly FaultKind[] = ['crash', 'disk-full']
const AFTER_COMMIT: readonly FaultKind[] = ['crash']

// A client is whoever uses the system: only its messages go astray.
const OF_NODES: ReadonlySet<FaultKind> = new Set(['crash', 'pause', 'clock-forward', 'clock-back'])

/** What more a decision point may say. */
export interface PointOptions {
  /** The other side, which a partition cuts off, or which goes down. */
  readonly peer?: string
  /** What has happened when the point is reached: it stands in the history before the fault that strikes there. */
  readonly happening?: Happening
}

/** An engine that all nodes share and that survives their crashes: a broker, a database, whatever a system brings. */
export interface SharedEngine {
  /** Called when the faults are over: what is away comes back. */
  heal?(): void
  /** Whether it still has something to do by itself, such as handing out a message again when its lease ends. */
  readonly busy?: boolean
  /** Goes away for a while. What it acknowledged stays. */
  goDown?(forMs: number): void
  /** Called when the history is over. */
  dispose?(): void
}

/** One history: its time, its faults, its record, and what outlives a process in it. */
export class World {
  readonly seed: number
  /** What every latency is drawn from. */
  readonly latencyBasis: number
  readonly scheduler = new Scheduler()
  readonly recorder = new HistoryRecorder()
  readonly network: Network
  /** Points reached while faults were possible, in their order. */
  readonly points: Point[] = []
  readonly struck: Fault[] = []
  readonly #counters: ExecutionCounters
  readonly #plan: FaultPlan
  readonly #allowed: ReadonlySet<FaultKind>
  readonly #allowedOfNodes = new Map<readonly FaultKind[], readonly FaultKind[]>()
  readonly #allowedOfClients = new Map<readonly FaultKind[], readonly FaultKind[]>()
  readonly #shared = new Map<string, SharedEngine>()
  readonly #wallOffsets = new Map<string, number>()
  readonly #onCrash: (incarnation: Incarnation) => void
  #lastActivityMs = 0
  #callIds = 0
  #faultsArePossible = true

  constructor(options: {
    readonly seed: number
    readonly plan: FaultPlan
    readonly allowed: ReadonlySet<FaultKind>
    /** Kept from one history to the next. */
    readonly counters: ExecutionCounters
    readonly onCrash: (incarnation: Incarnation) => void
  }) {
    this.seed = options.seed
    this.latencyBasis = basisOf(options.seed, 'latency ')
    this.#plan = options.plan
    this.#allowed = options.allowed
    this.#counters = options.counters
    this.#counters.begin()
    this.#onCrash = options.onCrash
    this.network = new Network(this.scheduler)
  }

  /** When something was last written down. */
  get lastActivityMs(): number {
    return this.#lastActivityMs
  }

  get faultsArePossible(): boolean {
    return this.#faultsArePossible
  }

  record(node: string, incarnation: number, happening: Happening, index?: ExecutionIndex): void {
    this.#lastActivityMs = this.scheduler.nowMs
    this.recorder.record(this.scheduler.nowMs, node, incarnation, happening, index)
  }

  nextCallId(): number {
    return ++this.#callIds
  }

  /** The engine of this name, made when it is first asked for. */
  shared<T extends object>(name: string, create: () => T): T {
    let engine = this.#shared.get(name)
    // Whatever it is: it may have methods of an engine, and need not.
    if (engine === undefined) this.#shared.set(name, (engine = create() as SharedEngine))
    return engine as T
  }

  /** The engine of this name, if a node has asked for it. */
  find(name: string): SharedEngine | undefined {
    return this.#shared.get(name)
  }

  get enginesAreBusy(): boolean {
    for (const engine of this.#shared.values()) if (engine.busy === true) return true
    return false
  }

  wallOffsetOf(node: string, first: () => number): number {
    let offset = this.#wallOffsets.get(node)
    if (offset === undefined) this.#wallOffsets.set(node, (offset = first()))
    return offset
  }

  setWallOffset(node: string, offsetMs: number): void {
    this.#wallOffsets.set(node, offsetMs)
  }

  /** Nothing goes wrong from here on, and what is away comes back. */
  heal(): void {
    this.#faultsArePossible = false
    this.network.heal()
    for (const engine of this.#shared.values()) engine.heal?.()
  }

  dispose(): void {
    for (const engine of this.#shared.values()) engine.dispose?.()
  }

  point(
    at: Incarnation,
    name: string,
    possible: readonly FaultKind[],
    { peer, happening }: PointOptions,
  ): { readonly index: string; readonly fault: FaultKind | undefined } {
    const index = this.#counters.next(at.node, name)
    if (happening !== undefined) at.record(happening, index)
    if (!this.#faultsArePossible || !at.alive) return { index, fault: undefined }
    const allowed = this.#allowedOf(possible, at.number === 0)
    this.points.push({ index, possible: allowed })
    const fault = this.#plan.at(index, allowed)
    if (fault !== undefined) {
      this.struck.push({ kind: fault, index })
      this.#strike(at, index, fault, peer)
    }
    return { index, fault }
  }

  /** Those of the faults that may strike in this exploration, and a client or a node. Engines ask with the same few lists again and again. */
  #allowedOf(possible: readonly FaultKind[], isClient: boolean): readonly FaultKind[] {
    const known = isClient ? this.#allowedOfClients : this.#allowedOfNodes
    let allowed = known.get(possible)
    if (allowed === undefined) {
      allowed = possible.filter((kind) => this.#allowed.has(kind) && !(isClient && OF_NODES.has(kind)))
      known.set(possible, allowed)
    }
    return allowed
  }

  /** A point of the embedded database, named by the library: `database:begin`, `database:commit:before`, `database:commit:after`. */
  databasePoint(at: Incarnation, name: string): Promise<void> | undefined {
    switch (name) {
      case 'database:begin': {
        const { index, fault } = at.point(name, AT_BEGIN)
        return at.later(at.latency(index, 0.05, 3), () => {
          if (fault === 'busy') throw sqliteFailure(5, 'database is locked')
        })
      }
      case 'database:commit:before': {
        const { fault } = at.point(name, BEFORE_COMMIT)
        if (!at.alive) return at.never()
        return fault === 'disk-full' ? Promise.reject(sqliteFailure(13, 'database or disk is full')) : undefined
      }
      default: {
        at.point(name, AFTER_COMMIT, { happening: { kind: 'commit', database: at.node } })
        return at.alive ? undefined : at.never()
      }
    }
  }

  /** What concerns the whole process, or all of the wire, happens here; the rest is its caller's part. */
  #strike(at: Incarnation, index: string, fault: FaultKind, peer: string | undefined): void {
    const between = ([from, to]: readonly [number, number]) => Math.round(drawBetween(this.seed, `${fault} ${index}`, from, to))
    switch (fault) {
      case 'crash':
        at.record({ kind: 'crash', index, fault })
        this.#onCrash(at)
        return
      case 'pause': {
        const forMs = between(PAUSE_MS)
        at.pausedUntilMs = this.scheduler.nowMs + forMs
        at.record({ kind: 'pause', forMs, index, fault })
        this.scheduler.after(forMs, () => at.record({ kind: 'resume' }), { owner: at })
        return
      }
      case 'partition':
      case 'partition-one-way': {
        if (peer === undefined) return
        const forMs = between(PARTITION_MS)
        const both = fault === 'partition'
        at.record({ kind: 'partition', both, forMs, peer, index, fault })
        this.network.cut(at.node, peer, forMs, both)
        return
      }
      case 'restart-broker': {
        if (peer === undefined) return
        const forMs = between(BROKER_DOWN_MS)
        this.record('world', 0, { kind: 'broker-down', broker: peer, forMs, index, fault })
        this.#shared.get(peer)?.goDown?.(forMs)
        return
      }
      case 'clock-forward':
      case 'clock-back': {
        const byMs = between(CLOCK_JUMP_MS) * (fault === 'clock-back' ? -1 : 1)
        at.jumpWallClock(byMs)
        at.record({ kind: 'clock-jump', byMs, index, fault })
        return
      }
      case 'busy':
      case 'disk-full':
      case 'lose':
      case 'lose-reply':
      case 'duplicate':
      case 'reorder':
      case 'delay':
        at.record({ kind: 'disturbed', what: fault, peer, index, fault })
    }
  }
}

/** As node:sqlite throws it. */
function sqliteFailure(errcode: number, message: string): Error {
  return Object.assign(
    stackless(() => new Error(message)),
    { code: 'ERR_SQLITE_ERROR', errcode, errstr: message },
  )
}
