import type { Fault, FaultKind } from '../faults/fault.ts'
import type { ExecutionIndex } from '../kernel/execution-index.ts'
import type { HistoryEntry } from '../kernel/history.ts'

/** A history in which an invariant does not hold. */
export interface Failure {
  /** The name of the invariant. */
  readonly invariant: string
  readonly message: string
  readonly cause: unknown
  readonly seed: number
  /** As few as were found to be enough. */
  readonly faults: readonly Fault[]
  /** As text: `replay` runs it again. */
  readonly history: string
  /** What happened, line by line. */
  readonly entries: readonly HistoryEntry[]
  /** Runs until it was found. */
  readonly runs: number
  /** Runs that shrinking it took. */
  readonly shrinkRuns: number
}

/** A decision point that was reached, and what can go wrong there. */
export interface Point {
  readonly index: ExecutionIndex
  readonly possible: readonly FaultKind[]
}

export interface ExplorationResult {
  /** Histories that were run. */
  readonly runs: number
  /** Decision points of the history without faults. */
  readonly points: number
  /** How often each kind of fault struck. */
  readonly struck: Readonly<Partial<Record<FaultKind, number>>>
  /** Histories in which a fault was asked for that did not come about, because an earlier one changed the course. */
  readonly missed: number
  /** The first history that broke an invariant, shrunk; undefined when all held. */
  readonly failure: Failure | undefined
  /** Of all traces together: equal for two explorations that saw the same. */
  readonly traceHash: string
  readonly elapsedMs: number
}
