import type { Saga } from './definition.ts'
import { declaredName } from './frontier.ts'
import { type SagaNode, isCall, linesOf, nodesOf, undoOf } from './graph.ts'
import { type Progress, fold, progressOf } from './progress.ts'
import { type JournalEntry, type SagaReader, type SagaRecord, isOver, versionOf } from './saga-store.ts'

/** A saga that is under way and that the code cannot bring to its end. */
export interface StrandedSaga {
  readonly id: string
  readonly saga: string
  readonly version: number
  readonly status: SagaRecord['status']
  readonly why: string
}

export interface SagaCheck {
  /** How many sagas are running, compensating or parked. */
  readonly checked: number
  readonly stranded: readonly StrandedSaga[]
}

const UNDER_WAY = ['running', 'compensating', 'parked'] as const
const CHECKED_MAX = 100_000

/**
 * Holds the journals of all sagas that are under way against declared ones, as a deploy of these would find them. Reads only.
 * @param options `sagas`: every version that the new code has
 */
export async function checkSagas(options: { readonly sagas: readonly Saga<never>[]; readonly store: SagaReader }): Promise<SagaCheck> {
  const { store } = options
  const declared = new Map(options.sagas.map((saga) => [versionOf({ saga: saga.name, version: saga.version }), saga]))
  const stranded: StrandedSaga[] = []
  let checked = 0
  for (const status of UNDER_WAY) {
    for (const { id } of await store.list({ status, max: CHECKED_MAX })) {
      const stored = await store.load(id)
      if (stored === undefined || isOver(stored.record.status)) continue
      checked++
      const { record, journal } = stored
      const why = whyStranded(declared.get(versionOf(record)), record, journal)
      if (why !== undefined) stranded.push({ id, saga: record.saga, version: record.version, status: record.status, why })
    }
  }
  return { checked, stranded }
}

/** Why the declaration cannot go on from the journal; undefined when it can. */
export function whyStranded(saga: Saga<never> | undefined, record: SagaRecord, journal: readonly JournalEntry[]): string | undefined {
  if (saga === undefined) return 'the code has no such version'
  // There is nothing to go on with; and its journal may be pruned.
  if (isOver(record.status)) return undefined
  const nodes = new Map(nodesOf(saga.steps).map((node) => [node.name, node]))
  for (const entry of journal) {
    if (entry.step === '') continue
    const node = nodes.get(declaredName(entry.step))
    if (node === undefined) return `its journal has a step "${entry.step}" that the declaration lacks`
    const misfit = whyMisfit(node, entry)
    if (misfit !== undefined) return `"${entry.step}" ${misfit}`
  }
  if (record.status === 'compensating') return undefined
  const progress = fold(new Map(), journal)
  const reached = new Set<string>()
  reach(saga.steps, progress, '', reached)
  const early = [...progress.keys()].find((name) => name !== '' && !reached.has(name))
  return early === undefined ? undefined : `"${early}" has begun, and the declaration puts something before it that is not done`
}

function whyMisfit(node: SagaNode, { kind, ...entry }: JournalEntry): string | undefined {
  switch (kind) {
    case 'started':
      return isCall(node) ? undefined : `was called, and is declared as ${node.kind}`
    case 'waiting':
      return node.kind === 'sleep' || node.kind === 'wait' || node.kind === 'child'
        ? undefined
        : `was waited for, and is declared as ${node.kind}`
    case 'compensation-started':
    case 'compensated':
      return undoOf(node) === undefined ? 'was being undone, and the declaration does not say how' : undefined
    case 'done': {
      const { result } = entry as { readonly result?: unknown }
      if (node.kind === 'parallel') return 'is declared as parallel, and was not'
      if (node.kind === 'when' && typeof result !== 'boolean') return 'is declared as when, and was not'
      return node.kind === 'for-each' && !Array.isArray(result) ? 'is declared as for-each, and was not' : undefined
    }
    case 'failed':
    case 'compensation-failed':
    case 'by-hand':
      return undefined
  }
}

/** Collects the names that a saga can have got to. @returns whether the line is over */
function reach(steps: readonly SagaNode[], progress: Progress, suffix: string, into: Set<string>): boolean {
  for (const node of steps) {
    const name = `${node.name}${suffix}`
    const lines = linesOf(node)
    if (node.kind === 'parallel') {
      if (lines.map((line) => reach(line, progress, suffix, into)).includes(false)) return false
      continue
    }
    into.add(name)
    const { done, result } = progressOf(progress, name)
    if (!done) return false
    if (node.kind === 'when' && result === true && !reach(node.steps, progress, suffix, into)) return false
    if (node.kind !== 'for-each') continue
    const turns = (result as readonly unknown[]).map((_, index) => reach(node.steps, progress, `${suffix}[${index}]`, into))
    if (turns.includes(false)) return false
  }
  return true
}
