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
export {
  type CompensationContext,
  type Saga,
  type SagaAfterPivot,
  type SagaBeforePivot,
  type Step,
  type StepContext,
  type Undo,
  saga,
} from './definition.ts'
export { type Orchestrator, type OrchestratorOptions, type WaitOptions, isSettled, orchestrator } from './orchestrator.ts'
export { type StepPolicy, ACTION_POLICY, COMPENSATION_POLICY, FORWARD_POLICY } from './policy.ts'
export { type ActionOptions, type Participant, type ParticipantOptions, participant } from './participant.ts'
export { fingerprintOf } from './fingerprint.ts'
export { StepResultError, StrandedSagaError } from './errors.ts'
export { type JournalEntry, type SagaRecord, type SagaStatus, type SagaStore, type StatusChange } from './saga-store.ts'
export { type ParticipantRecord, type ParticipantStore, type StoredRefusal } from './participant-store.ts'
