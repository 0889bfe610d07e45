/** What the console answers, for its server and its pages alike. Types alone, so that neither brings the other along. */
import type { Cause, DoubtfulFact, LockHolder, PopulationDifference } from 'seaworthy/trace-analysis'
import type { LabRunSummary } from '@seaworthy/supervisor'
import type { Format } from '../import/formats.ts'
import type { IngestStatus } from '../ingest-queue.ts'
import type { Edge, HistogramBucket } from '../map/edge-window.ts'
import type { TraceSummary } from '../store/trace-list.ts'
import type { TrimmedCounts } from '../store/trimming.ts'
import type { ServiceMessages } from '../system/messages.ts'
import type { SagasView } from '../system/sagas.ts'
import type { ServiceResilience } from '../system/resilience.ts'
import type { ShownGateway } from '../system/gateways.ts'
import type { ServiceView } from '../system/overview.ts'

/** `GET /api/services`. */
export interface SystemState {
  readonly system: string | null
  readonly startedAt: string | null
  readonly services: readonly ServiceView[]
  readonly ingest: IngestStatus & {
    readonly traces: number
    readonly spans: number
    /** Of the traces, those that outlive others because they were slow or failed. */
    readonly kept: number
    /** What was deleted to keep within the limits, since the start. */
    readonly trimmed: TrimmedCounts
  }
  readonly logs: IngestStatus & {
    readonly records: number
    /** Deleted to keep within the limits, since the start. */
    readonly trimmed: { readonly size: number; readonly age: number }
  }
}

/** `GET /api/messages`. */
export interface MessagesState {
  readonly services: readonly ServiceMessages[]
}

/** `GET /api/resilience`. */
export interface ResilienceState {
  readonly services: readonly ServiceResilience[]
}

/** `GET /api/gateways`. */
export interface GatewaysState {
  readonly gateways: readonly ShownGateway[]
}

/** `GET /api/map`. */
export interface MapState {
  /** The window. */
  readonly minutes: number
  readonly edges: readonly Edge[]
  /** Calls of pairs beyond the limit, which are on no map. */
  readonly passedOver: number
}

/** `GET /api/map/edge`. */
export interface EdgeState {
  readonly minutes: number
  /** Null when there was no call in the window. */
  readonly edge: Edge | null
  readonly histogram: readonly HistogramBucket[]
}
/** `GET /api/sagas`. */
export type SagasState = SagasView

/** `GET /api/logs`. */
export interface LogsPage {
  /** The last to arrive first. */
  readonly logs: readonly ShownLog[]
  /** Where the next page begins: hand it back as `before`. Absent on the last page. */
  readonly nextBefore?: string
}

export interface ShownLog {
  readonly id: number
  /** RFC 3339, UTC. */
  readonly time: string
  readonly service: string
  readonly instance: string | null
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'unknown'
  readonly traceId: string | null
  readonly spanId: string | null
  readonly correlationId: string | null
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** `GET /api/labs`. */
export interface LabsState {
  /** The newest first. */
  readonly runs: readonly LabRunSummary[]
}

/** `POST /api/import` and `POST /api/v2/spans`. */
export interface ImportAnswer {
  readonly format: Format
  readonly spans: number
  /** Spans that break the specification, and are not kept. */
  readonly rejected: number
  /** The first hundred. */
  readonly traceIds: readonly string[]
}

/** `GET /api/traces`. */
export interface TracePage {
  readonly traces: readonly ListedTrace[]
  /** Where the next page begins: hand it back as `before`. Absent on the last page. */
  readonly nextBefore?: string
}

export type ListedTrace = Omit<TraceSummary, 'startUs'>

/** `GET /api/traces/:id/verdict`. */
export interface VerdictAnswer extends PathAnswer {
  readonly traceId: string
  /** Until the end of all that the request set off; null where that was no later than its answer. */
  readonly whole: PathAnswer | null
  /** Facts that cannot be, and were cut or left out. */
  readonly doubts: readonly DoubtfulFact[]
}

/** Where the time of one path through a trace went. */
export interface PathAnswer {
  readonly sentence: string
  readonly durationMs: number
  /** Sum to the duration. */
  readonly parts: readonly CausePart[]
  /** The same by who spent it. */
  readonly findings: readonly FoundCause[]
  readonly repetitions: readonly RepeatedCall[]
}

export interface CausePart {
  readonly cause: Cause
  readonly ms: number
  readonly ratio: number
}

export interface FoundCause extends CausePart {
  readonly service: string
  readonly peer: string | null
  /** The span with the most of it. */
  readonly spanId: string
  readonly name: string
  readonly spanCount: number
  readonly lockHolder: LockHolder | null
}

interface RepeatedCall {
  readonly service: string
  readonly peer: string | null
  readonly name: string
  readonly spanId: string
  readonly count: number
  readonly failed: number
  readonly ms: number
  readonly ratio: number
}

/** `GET /api/operations`. */
export interface OperationsAnswer {
  readonly operations: readonly OperationSummary[]
}

interface OperationSummary {
  readonly service: string
  readonly name: string
  readonly traces: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly slowestMs: number
}

/** `GET /api/operation?service=…&name=…`. */
export interface OperationAnswer {
  readonly service: string
  readonly name: string
  /** That were looked at. */
  readonly traces: number
  /** With too many spans to be looked at. */
  readonly leftOut: number
  /** Null, as `difference`, for too few traces. */
  readonly sentence: string | null
  readonly difference: PopulationDifference | null
  readonly slowest: readonly { readonly traceId: string; readonly durationMs: number }[]
}
