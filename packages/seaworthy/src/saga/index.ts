/**
 * Sagas: one business transaction over several services.
 *
 * The problem: no transaction spans services. The process dies between two steps, an answer is lost, a refund overtakes its charge, and money
 * is gone or taken twice.
 * The guarantee: a step is journaled before it is called and its outcome after it, so a saga goes on after any crash; a step whose outcome is
 * unknown is asked again under its key, and undone if it stays unknown; steps are undone in reverse order; after the pivot there is
 * only forward; what cannot be done nor undone is parked with its evidence. A participant does each key once, or never if it was compensated first.
 * Not promised: isolation. Others see a saga's steps before it ends. And nothing is known about a service that does not honour the key.
 */
export { saga } from './chain.ts'
export {
  type CompensationContext,
  type Each,
  type Facts,
  type Phase,
  type Saga,
  type SagaAfterPivot,
  type SagaBeforePivot,
  type SagaChain,
  type StepContext,
  type Undo,
} from './definition.ts'
export type { Call, Child, ForEach, Parallel, SagaNode, Sleep, Step, WaitFor, When } from './graph.ts'
export { type Orchestrator, type OrchestratorOptions, type WaitOptions, orchestrator } from './orchestrator.ts'
export { type ByHand, type SagaChoices, sagaChoices } from './by-hand.ts'
export { type SagaCheck, type StrandedSaga, checkSagas } from './check.ts'
export { sagaGraph } from './mermaid.ts'
export { type DeclaredStep, sagaOutline } from './outline.ts'
export { type StepAttempt, type StepHistory, type StepState, stepHistories } from './step-history.ts'
export type { SagaRetention } from './retention.ts'
export { type StepPolicy, ACTION_POLICY, COMPENSATION_POLICY, FORWARD_POLICY } from './policy.ts'
export { type ActionOptions, type Participant, type ParticipantOptions, participant } from './participant.ts'
export { fingerprintOf } from './fingerprint.ts'
export { ItemsError, StepResultError, StrandedSagaError } from './errors.ts'
export {
  type HandAction,
  type JournalEntry,
  type SagaAdvance,
  type SagaClaim,
  type SagaCursor,
  type SagaParent,
  type SagaPruning,
  type SagaQuery,
  type SagaReader,
  type SagaRecord,
  type SagaState,
  type SagaStatus,
  type SagaStore,
  type SagaSummary,
  type StoredSaga,
  type Told,
  isOver,
  isSettled,
  versionOf,
} from './saga-store.ts'
export { type ParticipantRecord, type ParticipantStore, type StoredRefusal } from './participant-store.ts'
