/**
 * Simulation: whole systems in one process, in virtual time, crashed at every boundary.
 *
 * The problem: a crash between two writes, a lost answer, a message that comes twice happen once a month in production and never in a test.
 * The guarantee: node code is the code that runs in production, over ports; every commit, send, publish and acknowledgement is a decision point with
 * a name (`service.operation:label#n`); latency and faults are functions of the seed and that name, so a history can be run again from one line of text
 * and shrunk to the faults that matter; what cannot be repeated (real time, real sockets, state that survives its process) is an error.
 * Not promised: that what no history reached is right; that a real broker or database behaves as the model of it; anything about the speed of a system.
 *
 * A system is nodes and clients. {@link node} takes a factory, called for each life of the node, that wires the service over {@link NodePorts} and
 * returns what it answers to. {@link client} takes a function that calls nodes. {@link simulate} runs histories and throws at the first that
 * breaks an {@link invariant}; {@link explore} returns it. Checkers such as {@link noLostEvents} are what invariants are made of. Everything that happens is a {@link HistoryEntry}.
 */
export { type ExploreOptions, explore, simulate } from './exploration/explore.ts'
export { type ExplorationResult, type Failure, type Point } from './exploration/result.ts'
export {
  type ClientCallOptions,
  type ClientDefinition,
  type ClientPorts,
  type NodeDefinition,
  type NodePorts,
  type System,
  client,
  node,
} from './world/system.ts'
export { type Acknowledged } from './world/client.ts'
export { type Invariant, type WorldView, invariant } from './world/invariant.ts'
export { type EventRef, noDuplicateEffects, noLostEvents, noPhantomEvents, orderPerKey } from './checkers/events.ts'
export { conserved } from './checkers/conservation.ts'
export { type Reading, monotoneProjection } from './checkers/projection.ts'
export { sagasEnd } from './checkers/saga.ts'
export { type LeaseHold, leaseHolds, noStaleWrites, oneHolderPerLease } from './checkers/lease.ts'
export { type RenderedFailure } from './rendering/diagram.ts'
export { historyAsHtml } from './rendering/html.ts'
export { historyAsText } from './rendering/text.ts'
export { type HistoryOutcome } from './world/history-run.ts'
export { type EventName, type HistoryEntry, type Happening, type Outcome } from './kernel/history.ts'
export { type ExecutionIndex, parseIndex } from './kernel/execution-index.ts'
export { type DrainKind } from './kernel/drain.ts'
export { FAULT_KINDS, type Fault, type FaultKind, type HistoryText, formatHistory, parseHistory } from './faults/fault.ts'
export { type ClientOf, type Handlers, type Transport } from './engines/transport.ts'
export { type DatabaseOptions } from './engines/sqlite.ts'
export { type QueueOptions } from './engines/stored-queue.ts'
export { type SharedEngine } from './world/world.ts'
export { type Incarnation } from './world/incarnation.ts'
export {
  BrokenInvariantError,
  EndlessHistoryError,
  EscapeError,
  InvariantViolatedError,
  NodeStartError,
  NoFaultStruckError,
  NotRepeatableError,
  Violation,
  violated,
} from './errors.ts'
