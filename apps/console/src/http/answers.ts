/** What the console answers, for its server and its pages alike. Types alone, so that neither brings the other along. */
import type { LabRunSummary } from '@seaworthy/supervisor'
import type { Format } from '../import/formats.ts'
import type { IngestStatus } from '../ingest-queue.ts'
import type { TraceSummary } from '../store/trace-list.ts'
import type { ServiceMessages } from '../system/messages.ts'
import type { SagasView } from '../system/sagas.ts'
import type { ServiceResilience } from '../system/resilience.ts'
import type { ServiceView } from '../system/overview.ts'

/** `GET /api/services`. */
export interface SystemState {
  readonly system: string | null
  readonly startedAt: string | null
  readonly services: readonly ServiceView[]
  readonly ingest: IngestStatus & { readonly traces: number; readonly spans: number }
}

/** `GET /api/messages`. */
export interface MessagesState {
  readonly services: readonly ServiceMessages[]
}

/** `GET /api/resilience`. */
export interface ResilienceState {
  readonly services: readonly ServiceResilience[]
}

/** `GET /api/sagas`. */
export type SagasState = SagasView

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
