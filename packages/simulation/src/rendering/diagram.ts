import type { Failure } from '../exploration/result.ts'

/** What a history is drawn from: a {@link Failure}, or what was kept of one. */
export type RenderedFailure = Pick<Failure, 'invariant' | 'message' | 'seed' | 'faults' | 'history' | 'entries' | 'runs' | 'shrinkRuns'>

/** What a step looks like. */
type StepKind =
  /** A message that arrives, or, if `lost`, does not. */
  | 'message'
  /** An answer, drawn in another line. */
  | 'answer'
  | 'commit'
  | 'start'
  | 'crash'
  | 'pause'
  | 'note'
  /** Something went wrong, or somebody gave up. */
  | 'trouble'
  /** Concerns all lanes. */
  | 'phase'

/** One line of a sequence diagram. */
export interface Step {
  readonly atMs: number
  readonly kind: StepKind
  /** The lane it happens in, or starts from. */
  readonly lane: string
  /** The lane that an arrow points to. */
  readonly to?: string
  readonly lost?: boolean
  /** What happens, in words, without the names of the lanes of an arrow. */
  text: string
  /** A fault struck here. */
  readonly isFault: boolean
  /** The same in every run: first starts, and what happens before a node is ready. */
  readonly isRoutine: boolean
  /** The call it belongs to. */
  readonly callId?: number
  /** Ids and keys that it is about. */
  readonly about: readonly string[]
}

/** A run of steps that are not on the way to the violation. */
export interface Fold {
  readonly kind: 'fold'
  readonly steps: readonly Step[]
}

export interface Diagram {
  /** Clients, nodes and brokers, in the order in which messages reach them. */
  readonly lanes: readonly string[]
  readonly rows: readonly (Step | Fold)[]
  /** The subjects of the violation: ids and keys that its message names. */
  readonly subjects: readonly string[]
}

/** Whether a step is more than the frame of the others: no first start, and no start or phase after which nothing happened. */
export function tellsSomething({ isRoutine, kind }: Step): boolean {
  return !isRoutine && kind !== 'start' && kind !== 'phase'
}

/** What a fold says of itself: nothing, where none of it tells something. */
export function foldText(fold: Fold): string | undefined {
  const steps = fold.steps.filter(tellsSomething)
  if (steps.length === 0) return undefined
  const lanes = [...new Set(steps.map(({ lane }) => lane))].filter((lane) => lane !== 'world')
  const shown = lanes.length > 4 ? `${lanes.slice(0, 3).join(', ')} and ${lanes.length - 3} others` : lanes.join(', ')
  return `${steps.length} ${steps.length === 1 ? 'step' : 'steps'}${shown === '' ? '' : ` of ${shown}`}`
}
