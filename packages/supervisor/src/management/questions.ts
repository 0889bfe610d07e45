import type { AuditReport, Forgotten, SubjectReport } from 'seaworthy/event-sourcing'
import type { ConsumerStatus, DeadLetterKind, QueueStatus, TopicStatus } from 'seaworthy/messaging'
import type { RelayStatus } from 'seaworthy/outbox'
import type { PolicyDeclaration, PolicySnapshot } from 'seaworthy/resilience'
import type { SwitchReport } from 'seaworthy/projections'
import type { SagaQuestions } from './saga-questions.ts'
import type { StateChange } from './state-changes.ts'

/** What a process can be asked, and what it answers. JSON-able throughout. */
export interface Questions extends MessageQuestions, EventQuestions, ErasureQuestions, ProjectionQuestions, SagaQuestions {
  /** How the policies of its calls stand. */
  readonly resilience: { readonly parameters: Readonly<Record<string, never>>; readonly answer: { readonly calls: readonly GuardedCall[] } }
}

/** What it can be asked about its messages. */
export interface MessageQuestions {
  /** How its outbox, consumers, queues and topics stand. */
  readonly messages: { readonly parameters: Readonly<Record<string, never>>; readonly answer: MessagesStatus }
  /** Its dead letters, the oldest of each source first, without bodies. */
  readonly 'dead-letters': { readonly parameters: DeadLetterPage; readonly answer: { readonly sources: readonly DeadLetterList[] } }
  /** One of them, with its body. */
  readonly 'dead-letter': { readonly parameters: DeadLetterName; readonly answer: DeadLetterDetails }
  /** Handles dead letters again: those of a key in their order, or some of a queue. */
  readonly 'requeue-dead-letters': { readonly parameters: RequeueParameters; readonly answer: RequeueAnswer }
}

/** What it can be asked about its event store. */
export interface EventQuestions {
  /** A stream, event by event, with what each changed. */
  readonly 'event-stream': { readonly parameters: EventStreamPage; readonly answer: EventStreamHistory }
  /** Whether all of its history is right. */
  readonly 'audit-events': { readonly parameters: Readonly<Record<string, never>>; readonly answer: AuditReport }
}

/** What it can be asked about its read models. */
export interface ProjectionQuestions {
  /** The read models that can be built again while they answer, and the versions of each. */
  readonly projections: {
    readonly parameters: Readonly<Record<string, never>>
    readonly answer: { readonly projections: readonly RebuildableStatus[] }
  }
  /** Builds one again as its next version, and switches to that. */
  readonly 'rebuild-projection': { readonly parameters: { readonly projection: string }; readonly answer: RebuildAnswer }
  /** Lets the version answer again that did before the last switch. */
  readonly 'go-back-projection': {
    readonly parameters: { readonly projection: string }
    readonly answer: { readonly from: number; readonly to: number }
  }
}

export interface RebuildableStatus {
  readonly projection: string
  /** The version that answers; 0 as long as none does. */
  readonly live: number
  /** The one to go back to; 0 when there is none. */
  readonly previous: number
  /** Those that are built by this process. */
  readonly versions: readonly { readonly version: number; readonly lag: number; readonly parked: number; readonly failing: number }[]
}

/** `building`: it takes longer than anybody waits for an answer, and goes on; `projections` shows how far it is. */
export type RebuildAnswer = ({ readonly kind: 'switched' } & SwitchReport) | { readonly kind: 'building' }

/** What it can be asked about people. */
export interface ErasureQuestions {
  /** Where it has something of somebody. */
  readonly 'erasure-report': { readonly parameters: { readonly subject: string }; readonly answer: SubjectReport }
  /** Forgets somebody, as far as it has something of them. */
  readonly 'forget-subject': {
    readonly parameters: { readonly subject: string }
    readonly answer: Forgotten & { readonly report: SubjectReport }
  }
}

export interface EventStreamPage {
  readonly stream: string
  /** Up to this moment. Default: now. */
  readonly at?: { readonly version: number } | { readonly timeMs: number }
  /** Goes on after this version. */
  readonly after?: number
}

export interface EventStreamHistory {
  readonly stream: string
  readonly archivedAtMs: number | null
  readonly events: readonly ShownEvent[]
  /** The state after the last of them, with secrets replaced as in logs. */
  readonly state: unknown
  /** Whether there are more up to the moment. */
  readonly isMore: boolean
}

export interface ShownEvent {
  readonly version: number
  readonly position: number
  readonly id: string
  readonly type: string
  readonly recordedAtMs: number
  /** In today's shape, with secrets replaced as in logs. */
  readonly data: unknown
  /** What it changed in the state. */
  readonly changes: readonly StateChange[]
}

export interface GuardedCall {
  /** The callee, or what is asked of it: `inventory`, `monolith/reviews`. */
  readonly call: string
  readonly declaration: PolicyDeclaration
  readonly snapshot: PolicySnapshot
}

export type QuestionName = keyof Questions

/** Where dead letters lie: `consumer:GROUP`, `queue:NAME` or `projection:NAME/VERSION`. */
export type DeadLetterSource = `consumer:${string}` | `queue:${string}` | `projection:${string}`

export interface MessagesStatus {
  /** Null for a process without an outbox. */
  readonly outbox: RelayStatus | null
  readonly consumers: readonly ManagedConsumerStatus[]
  readonly queues: readonly (QueueStatus & { readonly name: string })[]
  /** Those into documents, from an event store. */
  readonly projections: readonly ManagedProjectionStatus[]
  /** Names of the topics that it publishes. */
  readonly publishes: readonly string[]
  /** Those that it publishes or consumes. */
  readonly topics: readonly TopicStatus[]
}

export interface ManagedConsumerStatus extends ConsumerStatus {
  readonly deadLetters: number
  /** How many keys are held up; `parked` names the first hundred. */
  readonly parkedKeys: number
  readonly parked: readonly { readonly topic: string; readonly key: string; readonly letters: number }[]
}

export interface ManagedProjectionStatus {
  readonly source: DeadLetterSource
  readonly projection: string
  readonly version: number
  /** Positions of the event store that it is behind. */
  readonly lag: number
  /** Partitions that get no further. The position is null where it is not an event that they fail at. */
  readonly failing: readonly {
    readonly partition: number
    readonly attempts: number
    readonly position: number | null
    readonly reason: string
  }[]
  /** Events that wait for documents which stand still. */
  readonly deadLetters: number
  /** How many documents those are; `parked` names the first hundred. */
  readonly parkedKeys: number
  readonly parked: readonly { readonly topic: string; readonly key: string; readonly letters: number }[]
}

export interface DeadLetterPage {
  /** One source alone. Default: the first page of each. */
  readonly source?: string
  /** Goes on after this position; not of a queue's letters. */
  readonly after?: number
}

export interface DeadLetterList {
  readonly source: DeadLetterSource
  readonly letters: readonly DeadLetterSummary[]
  /** Whether there are more. */
  readonly isMore: boolean
}

export interface DeadLetterSummary {
  readonly source: DeadLetterSource
  readonly id: string
  /** Null for a message of a queue. */
  readonly topic: string | null
  readonly key: string | null
  readonly type: string | null
  readonly sequence: number | null
  readonly kind: DeadLetterKind | 'queued'
  readonly attempts: number
  readonly reason: string
  readonly diedAtMs: number
  /** Null for a message of a queue, which has no order. */
  readonly position: number | null
}

export interface DeadLetterName {
  readonly id: string
  readonly source?: string
}

export interface DeadLetterDetails extends DeadLetterSummary {
  readonly correlationId: string | null
  /** JSON as text, with secrets replaced as in logs. */
  readonly body: string
  /** Whether the end of the body was left out. */
  readonly isCut: boolean
}

export type RequeueParameters =
  | { readonly source: string; readonly topic: string; readonly key: string }
  | { readonly source: string; readonly ids: readonly string[] }

export interface RequeueAnswer {
  /** What was tried, in this order. `requeued`: a worker will take it from the queue. */
  readonly letters: readonly {
    readonly id: string
    readonly outcome: 'handled' | 'failed' | 'requeued'
    readonly attempt: number | null
    readonly reason: string | null
  }[]
  /** How many of those that were asked for still lie there. */
  readonly left: number
}
