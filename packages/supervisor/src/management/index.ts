/**
 * Management: what a supervised process tells of itself, and lets itself be told, beyond whether it is ready.
 *
 * The problem: dead letters, outboxes and lag lie in databases that only their service may open, and whoever is on call must see and requeue them.
 * The guarantee: a process answers its own supervisor alone, over the channel between the two; bodies are redacted as logs are; a requeue keeps the order of
 * its key, and each letter is told in that order, for the audit.
 * Not promised: an account system: whoever may use the supervisor's control socket (its own user) may ask.
 */
export { type Answer, type SupervisorChannel, answerSupervisor } from './answering.ts'
export { type MessageManagement, type MessageManagementOptions, messageManagement } from './messages.ts'
export { type EventManagementOptions, eventAnswers } from './events.ts'
export { erasureAnswers } from './erasure.ts'
export { type ProjectionManagementOptions, projectionAnswers } from './projections.ts'
export { resilienceAnswers } from './resilience.ts'
export { type SagaManagementOptions, sagaAnswers } from './sagas.ts'
export type { HandDecision, SagaChange, SagaDetails, SagaList, SagaPage, SagaQuestions, ShownStep } from './saga-questions.ts'
export { type StateChange } from './state-changes.ts'
export type { ManagedConsumer } from './letter-source.ts'
export {
  type DeadLetterDetails,
  type DeadLetterList,
  type DeadLetterName,
  type DeadLetterPage,
  type DeadLetterSource,
  type DeadLetterSummary,
  type ErasureQuestions,
  type EventQuestions,
  type EventStreamHistory,
  type EventStreamPage,
  type GuardedCall,
  type ManagedConsumerStatus,
  type ManagedProjectionStatus,
  type MessagesStatus,
  type ProjectionQuestions,
  type QuestionName,
  type MessageQuestions,
  type Questions,
  type RebuildAnswer,
  type RebuildableStatus,
  type RequeueAnswer,
  type RequeueParameters,
  type ShownEvent,
} from './questions.ts'
