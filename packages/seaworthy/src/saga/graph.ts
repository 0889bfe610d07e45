import type { CompensationContext, Facts, Saga, StepContext } from './definition.ts'
import type { StepPolicy } from './policy.ts'

type Run = (s: StepContext<unknown, unknown>) => Promise<unknown>
type Compensate = (s: CompensationContext<unknown, unknown, unknown>) => Promise<unknown>
type AnyFacts = Facts<unknown, unknown>

/** How something is undone, with the types erased. */
export interface ErasedUndo {
  readonly compensate: Compensate
  readonly compensationPolicy: StepPolicy
}

/** A step that calls something. */
export type Call =
  | ({ readonly kind: 'compensatable'; readonly name: string; readonly run: Run; readonly policy: StepPolicy } & ErasedUndo)
  | { readonly kind: 'no-compensation'; readonly name: string; readonly run: Run; readonly policy: StepPolicy }
  | { readonly kind: 'pivot'; readonly name: string; readonly run: Run; readonly policy: StepPolicy }
  | { readonly kind: 'forward'; readonly name: string; readonly run: Run; readonly policy: StepPolicy }

/** A step that lets time pass. While it does, the saga is in the database alone. */
export interface Sleep {
  readonly kind: 'sleep'
  readonly name: string
  readonly afterPivot: boolean
  readonly ms: (s: AnyFacts) => number
}

/** A step that waits to be told something. */
export interface WaitFor {
  readonly kind: 'wait'
  readonly name: string
  readonly afterPivot: boolean
  readonly event: string
  readonly key: ((s: AnyFacts) => string) | undefined
  readonly timeoutMs: number | 'never'
  readonly onTimeout: 'turn-back' | 'park' | 'go-on'
}

/** A step that is a saga of its own. */
export interface Child {
  readonly kind: 'child'
  readonly name: string
  readonly afterPivot: boolean
  readonly saga: Saga<never>
  readonly input: (s: AnyFacts) => unknown
  readonly undo: ErasedUndo | undefined
}

/** Lines of steps side by side. It is over when all of them are. */
export interface Parallel {
  readonly kind: 'parallel'
  readonly name: string
  readonly branches: Readonly<Record<string, readonly SagaNode[]>>
}

/** Steps that are done only if a condition holds. The decision is journaled: a deploy does not change it. */
export interface When {
  readonly kind: 'when'
  readonly name: string
  readonly afterPivot: boolean
  readonly condition: (s: AnyFacts) => boolean
  readonly steps: readonly SagaNode[]
}

/** Steps that are done for each of some items. The items are journaled, so that their numbers stay the same. */
export interface ForEach {
  readonly kind: 'for-each'
  readonly name: string
  readonly afterPivot: boolean
  readonly items: (s: AnyFacts) => readonly unknown[]
  readonly concurrencyMax: number
  readonly itemsMax: number
  readonly steps: readonly SagaNode[]
}

/** What is done, or waited for. */
export type Step = Call | Sleep | WaitFor | Child

/** What a declared saga is made of. */
export type SagaNode = Step | Parallel | When | ForEach

export function isCall(node: SagaNode): node is Call {
  return node.kind === 'compensatable' || node.kind === 'no-compensation' || node.kind === 'pivot' || node.kind === 'forward'
}

/** How the node is undone, if it is. */
export function undoOf(node: SagaNode): ErasedUndo | undefined {
  if (node.kind === 'compensatable') return node
  return node.kind === 'child' ? node.undo : undefined
}

/** The lines of steps inside a node. */
export function linesOf(node: SagaNode): readonly (readonly SagaNode[])[] {
  if (node.kind === 'parallel') return Object.values(node.branches)
  return node.kind === 'when' || node.kind === 'for-each' ? [node.steps] : []
}

/** Every node, however deep, in the order of its declaration. */
export function nodesOf(steps: readonly SagaNode[]): readonly SagaNode[] {
  return steps.flatMap((node) => [node, ...linesOf(node).flatMap(nodesOf)])
}
