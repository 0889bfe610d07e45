import type {
  DeclaredStep,
  HandAction,
  SagaChoices,
  SagaCursor,
  SagaParent,
  SagaRecord,
  SagaState,
  SagaStatus,
  SagaSummary,
  StepHistory,
} from 'seaworthy/saga'

/** What a process can be asked about its sagas. */
export interface SagaQuestions {
  /** A page of them, the newest first, and how many there are of each state. */
  readonly sagas: { readonly parameters: SagaPage; readonly answer: SagaList }
  /** One of them with all that its journal says. */
  readonly saga: { readonly parameters: { readonly id: string; readonly after?: number }; readonly answer: SagaDetails }
  /** Tries again what it was parked for, takes a step for done, or turns it back. Who did so, and why, stands in its journal from the same transaction on. */
  readonly 'change-saga': {
    readonly parameters: SagaChange
    readonly answer: { readonly id: string; readonly status: SagaStatus }
  }
}

export interface SagaPage {
  readonly state?: SagaState
  /** Of this name alone. */
  readonly saga?: string
  /** Goes on behind this one. */
  readonly before?: SagaCursor
}

export interface SagaList {
  readonly sagas: readonly SagaSummary[]
  readonly isMore: boolean
  /** Whatever the state that was asked for; of the name that was asked for. */
  readonly counts: Readonly<Record<SagaState, number>>
  /** A count that has come to this means: so many, or more. */
  readonly countMax: number
  /** Every version that the process has code for. */
  readonly definitions: readonly { readonly name: string; readonly version: number }[]
}

export interface SagaDetails extends Omit<SagaRecord, 'input' | 'context' | 'reason' | 'parent'> {
  readonly reason: string | null
  readonly parent: SagaParent | null
  readonly prunedAtMs: number | null
  readonly correlationId: string
  /** The trace of whoever started it, if it was traced. */
  readonly traceId: string | null
  /** JSON as text, with secrets replaced as in logs. */
  readonly input: string
  readonly isInputCut: boolean
  /** What it declares; null when the process has no code for its version. */
  readonly outline: readonly DeclaredStep[] | null
  /** In the order in which they began, behind the first `after`. */
  readonly steps: readonly ShownStep[]
  /** Whether there are more steps. */
  readonly isMore: boolean
  readonly decisions: readonly HandDecision[]
  readonly choices: SagaChoices
}

export interface ShownStep extends Omit<StepHistory, 'result'> {
  /** JSON as text, with secrets replaced as in logs; cut where it is long, null without one. */
  readonly result: string | null
}

/** What a person decided. */
export interface HandDecision {
  readonly action: HandAction
  /** Empty where it is about the whole saga. */
  readonly step: string
  readonly actor: string
  readonly note: string
  readonly atMs: number
}

export type SagaChange =
  | { readonly id: string; readonly note: string; readonly action: 'retry' | 'abort' }
  | {
      readonly id: string
      readonly note: string
      readonly action: 'skip'
      readonly step: string
      /** What the step is taken to have come to. */
      readonly result?: unknown
    }
