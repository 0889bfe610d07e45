/**
 * Core: what every pattern stands on.
 *
 * The problem: a call over a network ends done, failed, or unknown, and most code knows only the first two.
 * The guarantee: every error says what is known about the effect; every wait can be aborted; time, randomness and ids
 * come from ports, so that a run can be repeated exactly.
 * Not promised: core does no input or output of its own.
 */
export {
  type CallContext,
  type Propagated,
  type SpanReference,
  type TraceHeaders,
  assertTimeLeft,
  contextOrRoot,
  currentContext,
  noTimeLeft,
  propagated,
  recordedSpan,
  remainingMs,
  rootContext,
  setTraceContextOwner,
  shielded,
  traceHeaders,
  tracedService,
  withBudget,
  withContext,
} from './call-context.ts'
export {
  type Executed,
  type InvalidField,
  type SeaworthyErrorOptions,
  ConfigurationError,
  ConflictError,
  executedOf,
  InvalidInputError,
  isFinal,
  LimitExceededError,
  NotFoundError,
  RejectedError,
  SeaworthyError,
  TimeoutError,
  UnavailableError,
  UnknownOutcomeError,
  UnsupportedError,
} from './errors.ts'
export { type Backoff, type Jitter, backoffMs, constant, exponential } from './backoff.ts'
export { type Database, type SqlValue, type Statement, type Transaction, runAfterCommit } from './database.ts'
export { type Lease, type LeaseStore } from './lease-store.ts'
export { type PartitionShareOptions, PartitionShare } from './partition-share.ts'
export { type Infer, type Schema, type SchemaIssue, type SchemaResult, validate } from './standard-schema.ts'
export { type Clock, type Timer, sleep, systemClock } from './clock.ts'
export { ConditionVariable } from './condition-variable.ts'
export { nextMacrotask } from './event-loop.ts'
export { type Environment, environment, faultPoint, setEnvironment } from './environment.ts'
export { Wakeup } from './wakeup.ts'
export { type Random, seededRandom, systemRandom } from './random.ts'
export { type NewId, newId, uuidV7 } from './ids.ts'
export {
  type Observed,
  type Operation,
  type OperationChannel,
  type OperationLink,
  type Wait,
  countedWait,
  observed,
  watchOperations,
} from './diagnostics.ts'
