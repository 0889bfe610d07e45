import type { Saga } from './definition.ts'
import { type SagaNode, linesOf, undoOf } from './graph.ts'

/** A declared step or block without its functions: JSON-able, for whoever draws it. */
export interface DeclaredStep {
  readonly kind: SagaNode['kind']
  readonly name: string
  /** Whether the declaration says how it is undone. */
  readonly isUndone: boolean
  /** What a wait waits for, or which saga a child is: `payment.received`, `refund 2`. */
  readonly of?: string
  /** The lines of a block: of `parallel` one for each branch, with its name. */
  readonly lines?: readonly { readonly name?: string; readonly steps: readonly DeclaredStep[] }[]
}

/** What a saga declares, as data: its graph. */
export function sagaOutline(saga: Saga<never>): readonly DeclaredStep[] {
  return saga.steps.map(declaredStep)
}

function declaredStep(node: SagaNode): DeclaredStep {
  const { kind, name } = node
  const isUndone = undoOf(node) !== undefined
  switch (node.kind) {
    case 'wait':
      return { kind, name, isUndone, of: node.event }
    case 'child':
      return { kind, name, isUndone, of: `${node.saga.name} ${node.saga.version}` }
    case 'parallel':
      return {
        kind,
        name,
        isUndone,
        lines: Object.entries(node.branches).map(([branch, steps]) => ({ name: branch, steps: steps.map(declaredStep) })),
      }
    case 'when':
    case 'for-each':
      return { kind, name, isUndone, lines: linesOf(node).map((steps) => ({ steps: steps.map(declaredStep) })) }
    default:
      return { kind, name, isUndone }
  }
}
