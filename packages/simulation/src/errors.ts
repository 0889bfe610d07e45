import { SeaworthyError } from 'seaworthy/core'
import type { Failure } from './exploration/result.ts'
import { historyAsText } from './rendering/text.ts'

/** An invariant does not hold. Carries the smallest history found; its message shows it as a sequence diagram, with the line that runs it again. */
export class InvariantViolatedError extends SeaworthyError {
  readonly failure: Failure

  constructor(failure: Failure) {
    super('invariant-violated', historyAsText(failure), { executed: 'no', final: true, cause: failure.cause })
    this.failure = failure
  }
}

/** An invariant threw something that is no verdict: a mistake in the invariant, and not in the system. */
export class BrokenInvariantError extends SeaworthyError {
  constructor(invariant: string, history: string, options: { cause: unknown }) {
    super(
      'broken-invariant',
      `The invariant '${invariant}' threw ${String(options.cause)}, which is no verdict. Throw an AssertionError (node:assert) or call violated() when it does not hold, and mend it otherwise. In history '${history}'.`,
      { ...options, executed: 'no', final: true },
    )
  }
}

/** Faults were asked for, and none struck: nothing was tested. */
export class NoFaultStruckError extends SeaworthyError {
  constructor(runs: number, points: number) {
    super(
      'no-fault-struck',
      `No fault struck in ${runs} runs with ${points} decision points. Let the nodes do their work through the ports they are given, let a client call them, and allow faults that are possible there; or say faults: 'none'.`,
      { executed: 'no', final: true },
    )
  }
}

/** Code inside a simulation reached for the real world. */
export class EscapeError extends SeaworthyError {
  /** What it called, as in `Date.now`. */
  readonly escape: string

  constructor(escape: string, where: string) {
    super(
      'simulation-escape',
      `${where} called ${escape} inside a simulation, which nothing can repeat. Take it from the ports that the node's factory is given (clock, random, newId, transport, eventLog, queue, database).`,
      { executed: 'no', final: true },
    )
    this.escape = escape
  }
}

/** Two runs of one history differ: something outlives a process that should have died with it, or comes from outside the simulation. */
export class NotRepeatableError extends SeaworthyError {
  constructor(history: string, first: string, second: string) {
    super(
      'not-repeatable',
      `Two runs of the history '${history}' differ. First: ${first}. Then: ${second}. State at module level survives a crash that should have ended it: keep it inside the node's factory. Or something random or timed comes from outside the ports.`,
      { executed: 'no', final: true },
    )
  }
}

/** A node's factory threw though nothing had gone wrong, or throws at every start. */
export class NodeStartError extends SeaworthyError {
  constructor(node: string, history: string, options: { cause: unknown }) {
    super('node-start', `Node '${node}' cannot start: ${String(options.cause)}. Mend its factory. In history '${history}'.`, {
      ...options,
      executed: 'no',
      final: true,
    })
  }
}

/** A history did not come to its end: code that waits for nothing goes round and round, or a client never finishes. */
export class EndlessHistoryError extends SeaworthyError {
  constructor(history: string, steps: number, last: string) {
    super(
      'endless-history',
      `After ${steps} steps the history '${history}' had not ended; the last was ${last}. Look for a loop without a wait, or raise stepsMax.`,
      { executed: 'no', final: true },
    )
  }
}

/** What an invariant throws to say that it does not hold. */
export class Violation extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'Violation'
  }
}

/** Says that an invariant does not hold. */
export function violated(message: string): never {
  throw new Violation(message)
}
