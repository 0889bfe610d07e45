import { NotFoundError, RejectedError } from 'seaworthy/core'
import { whyStranded } from './check.ts'
import type { Saga } from './definition.ts'
import { type Place, ahead, behind } from './frontier.ts'
import { type SagaNode, nodesOf } from './graph.ts'
import { fold, mayHaveRun, progressOf } from './progress.ts'
import type { HandAction, JournalEntry, SagaStatus, StoredSaga } from './saga-store.ts'

/** Who decided something about a saga, and why. It stays in the journal. */
export interface ByHand {
  readonly actor: string
  readonly note: string
}

/** What a person's decision comes to. */
export interface Decision {
  readonly to: SagaStatus
  readonly reason?: string
  readonly entries: readonly JournalEntry[]
}

/** Tries again what the saga was parked for. @throws RejectedError when it is not parked */
export function decideRetry({ record, journal }: StoredSaga, by: ByHand, atMs: number): Decision {
  if (record.status !== 'parked') throw refused(record.id, 'not-parked', `is ${record.status}: there is nothing to be tried again by hand`)
  return { to: wayOf(journal), entries: [line('retry', '', by, atMs)] }
}

/**
 * Takes a step that the saga was parked for as done, or as undone, because a person saw to it.
 * @throws RejectedError when the saga is not parked, or not for this step
 */
export function decideSkip(
  saga: Saga<never>,
  stored: StoredSaga,
  what: { step: string; result: unknown },
  by: ByHand,
  atMs: number,
): Decision {
  const { record, journal } = stored
  const { step, result } = what
  if (record.status !== 'parked') throw refused(record.id, 'not-parked', `is ${record.status}: only what it was parked for can be skipped`)
  const to = wayOf(journal)
  const places = dueOf(saga, stored)
  if (!places.some(({ name }) => name === step)) {
    throw refused(record.id, 'not-due', `does not stand at "${step}", but at ${places.map(({ name }) => `"${name}"`).join(', ')}`)
  }
  const outcome: JournalEntry = to === 'running' ? { step, kind: 'done', result, atMs } : { step, kind: 'compensated', atMs }
  return { to, entries: [line('skip', step, by, atMs), outcome] }
}

/**
 * Turns a saga back for a reason of a person's own.
 * @throws RejectedError `past-pivot` when it may have been decided already: nothing after that can be undone
 */
export function decideAbort(saga: Saga<never>, stored: StoredSaga, by: ByHand, atMs: number, reason = 'aborted'): Decision {
  const { record, journal } = stored
  const way = record.status === 'parked' ? wayOf(journal) : record.status
  if (way !== 'running') throw refused(record.id, 'not-running', `is ${record.status}: it has turned back, or is over`)
  const decided = decidedBy(saga, stored)
  if (decided !== undefined)
    throw refused(record.id, 'past-pivot', `has come to "${decided.name}", which cannot be undone: let it go on, or skip a step`)
  return { to: 'compensating', reason, entries: [line('abort', '', by, atMs)] }
}

/** What a person may decide about a saga as it stands. */
export interface SagaChoices {
  readonly retry: boolean
  /** The steps that it was parked for. */
  readonly skip: readonly string[]
  readonly abort: boolean
}

/** @param saga its declaration; without one nothing can be decided about it here */
export function sagaChoices(saga: Saga<never> | undefined, stored: StoredSaga): SagaChoices {
  const { record, journal } = stored
  if (saga === undefined || whyStranded(saga, record, journal) !== undefined) return { retry: false, skip: [], abort: false }
  const isParked = record.status === 'parked'
  const way = isParked ? wayOf(journal) : record.status
  const skip = isParked ? dueOf(saga, stored).map(({ name }) => name) : []
  return { retry: isParked, skip, abort: way === 'running' && decidedBy(saga, stored) === undefined }
}

/** Where a parked saga stands. */
function dueOf(saga: Saga<never>, { journal }: StoredSaga): readonly Place[] {
  const progress = fold(new Map(), journal)
  return wayOf(journal) === 'running' ? ahead(saga.steps, progress) : behind(saga.steps, progress, { treatUnknownAsFailed: false })
}

/** The pivot that may have decided already. */
function decidedBy(saga: Saga<never>, { journal }: StoredSaga): SagaNode | undefined {
  const progress = fold(new Map(), journal)
  return nodesOf(saga.steps).find((node) => node.kind === 'pivot' && mayHaveRun(progressOf(progress, node.name)))
}

/** Which way a parked saga was going. */
function wayOf(journal: readonly JournalEntry[]): 'running' | 'compensating' {
  return journal.some(({ kind }) => kind === 'compensation-started') ? 'compensating' : 'running'
}

function line(action: HandAction, step: string, { actor, note }: ByHand, atMs: number): JournalEntry {
  return { step, kind: 'by-hand', action, actor, note, atMs }
}

function refused(id: string, reason: string, why: string): RejectedError {
  return new RejectedError(reason, `Saga ${id} ${why}.`)
}

export function noSuchSaga(id: string): NotFoundError {
  return new NotFoundError(`There is no saga ${id}. It was never started, or its start was rolled back.`)
}
