import type { Each } from './definition.ts'
import { type ForEach, type SagaNode, isCall, undoOf } from './graph.ts'
import { type Progress, mayHaveRun, progressOf } from './progress.ts'
import type { SagaStatus } from './saga-store.ts'

/** A node of the declaration where a saga meets it: inside of a `forEach`, once for each item. */
export interface Place<Node extends SagaNode = SagaNode> {
  readonly node: Node
  /** As in the journal: the node's name, and the indices of the items around it. */
  readonly name: string
  readonly around: readonly Turn[]
}

/** One item of a `forEach`. */
interface Turn {
  readonly of: ForEach
  readonly index: number
}

const placeOf = (node: SagaNode, around: readonly Turn[]): Place => ({ node, name: nameIn(node.name, around), around })

function nameIn(name: string, around: readonly Turn[]): string {
  return around.reduce((text, { index }) => `${text}[${index}]`, name)
}

/** The node's name that a name in the journal stands for. */
export function declaredName(name: string): string {
  return name.replace(/(\[\d+\])+$/, '')
}

function turnsOf(place: Place<ForEach>, progress: Progress): readonly (readonly Turn[])[] {
  const { node, name, around } = place
  const items = progressOf(progress, name).result as readonly unknown[]
  return items.map((_, index) => [...around, { of: node, index }])
}

/** Those of the first `max` turns that have something to do: the others wait for them. */
function firstBusy(
  turns: readonly (readonly Turn[])[],
  max: number,
  placesIn: (turn: readonly Turn[]) => readonly Place[],
): readonly Place[] {
  const found: Place[] = []
  let busy = 0
  for (const turn of turns) {
    const places = placesIn(turn)
    if (places.length === 0) continue
    found.push(...places)
    if (++busy === max) break
  }
  return found
}

/** Where a saga stands going forward: of each line of steps the first that is not done. Empty when all is done. */
export function ahead(steps: readonly SagaNode[], progress: Progress, around: readonly Turn[] = []): readonly Place[] {
  for (const node of steps) {
    const places = aheadIn(placeOf(node, around), progress)
    if (places.length > 0) return places
  }
  return []
}

function aheadIn(place: Place, progress: Progress): readonly Place[] {
  const { node, name, around } = place
  if (node.kind === 'parallel') return Object.values(node.branches).flatMap((line) => ahead(line, progress, around))
  const { done, result } = progressOf(progress, name)
  if (!done) return [place]
  if (node.kind === 'when') return result === true ? ahead(node.steps, progress, around) : []
  if (node.kind !== 'for-each') return []
  return firstBusy(turnsOf({ node, name, around }, progress), node.concurrencyMax, (turn) => ahead(node.steps, progress, turn))
}

/** Where a saga stands turning back: of each line of steps the last that is still to be undone. Empty when all is undone. */
export function behind(
  steps: readonly SagaNode[],
  progress: Progress,
  options: { readonly treatUnknownAsFailed: boolean },
  around: readonly Turn[] = [],
): readonly Place[] {
  for (const node of steps.toReversed()) {
    const places = behindIn(placeOf(node, around), progress, options)
    if (places.length > 0) return places
  }
  return []
}

function behindIn(place: Place, progress: Progress, options: { readonly treatUnknownAsFailed: boolean }): readonly Place[] {
  const { node, name, around } = place
  const at = progressOf(progress, name)
  switch (node.kind) {
    case 'parallel':
      return Object.values(node.branches).flatMap((line) => behind(line, progress, options, around))
    case 'when':
      return at.result === true ? behind(node.steps, progress, options, around) : []
    case 'for-each': {
      if (!at.done) return []
      const turns = turnsOf({ node, name, around }, progress).toReversed()
      return firstBusy(turns, node.concurrencyMax, (turn) => behind(node.steps, progress, options, turn))
    }
    default: {
      const toUndo = options.treatUnknownAsFailed ? at.done : mayHaveRun(at)
      return undoOf(node) !== undefined && toUndo && !at.compensated ? [place] : []
    }
  }
}

/** What a step sees of the steps before it: their results by name, those of its own items among them, and of a `forEach` that is over a list. */
export function resultsOf(steps: readonly SagaNode[], progress: Progress, around: readonly Turn[] = []): Record<string, unknown> {
  const results: Record<string, unknown> = {}
  collect(steps, progress, { before: [], inside: around }, results)
  return results
}

function collect(
  steps: readonly SagaNode[],
  progress: Progress,
  turns: { readonly before: readonly Turn[]; readonly inside: readonly Turn[] },
  into: Record<string, unknown>,
): void {
  const { before, inside } = turns
  for (const node of steps) {
    const name = nameIn(node.name, before)
    const { done, result } = progressOf(progress, name)
    switch (node.kind) {
      case 'parallel':
        for (const line of Object.values(node.branches)) collect(line, progress, turns, into)
        break
      case 'when':
        if (done) into[node.name] = result
        collect(node.steps, progress, turns, into)
        break
      case 'for-each': {
        if (!done) break
        const [current, ...deeper] = inside
        if (current?.of === node) {
          collect(node.steps, progress, { before: [...before, current], inside: deeper }, into)
          break
        }
        into[node.name] = turnsOf({ node, name, around: before }, progress).map((turn) => {
          const own: Record<string, unknown> = {}
          collect(node.steps, progress, { before: turn, inside: [] }, own)
          return own
        })
        break
      }
      default:
        if (done) into[node.name] = result
    }
  }
}

/** The item that a place is about, and its number; nothing outside of a `forEach`. */
export function itemOf({ around }: Place, progress: Progress): Each<unknown> | undefined {
  const turn = around.at(-1)
  if (turn === undefined) return undefined
  const items = progressOf(progress, nameIn(turn.of.name, around.slice(0, -1))).result as readonly unknown[]
  return { item: items[turn.index], index: turn.index }
}

export type Move =
  | { readonly kind: 'go'; readonly places: readonly Place[] }
  | { readonly kind: 'undo'; readonly places: readonly Place[] }
  | { readonly kind: 'turn-back'; readonly reason: string }
  | { readonly kind: 'settle'; readonly status: 'completed' | 'compensated' }
  | { readonly kind: 'over' }

/** What to do next. Steps go forward in their order and are undone in the reverse of it. */
export function nextMove(
  steps: readonly SagaNode[],
  status: SagaStatus,
  progress: Progress,
  options: { readonly treatUnknownAsFailed: boolean },
): Move {
  switch (status) {
    case 'running': {
      const places = ahead(steps, progress)
      if (places.length === 0) return { kind: 'settle', status: 'completed' }
      const interrupted = ({ node, name }: Place) => isCall(node) && node.kind !== 'forward' && progressOf(progress, name).open
      if (options.treatUnknownAsFailed && places.some(interrupted)) return { kind: 'turn-back', reason: 'unknown-outcome' }
      return { kind: 'go', places }
    }
    case 'compensating': {
      const places = behind(steps, progress, options)
      return places.length === 0 ? { kind: 'settle', status: 'compensated' } : { kind: 'undo', places }
    }
    case 'completed':
    case 'compensated':
    case 'parked':
      return { kind: 'over' }
  }
}
