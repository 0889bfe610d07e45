import type { Executed } from 'seaworthy/core'
import type { JournalEntry } from './saga-store.ts'

/** What the journal says of one step. */
export interface StepProgress {
  /** Attempts that the journal knows of. */
  readonly attempts: number
  readonly firstStartedAtMs: number | undefined
  /** The last attempt began, and no line tells how it ended. */
  readonly open: boolean
  /** Until when it waits, or has waited, if it is a wait. */
  readonly untilMs: number | 'never' | undefined
  /** Some attempt ended without it being sure that it had no effect. */
  readonly doubtful: boolean
  readonly done: boolean
  readonly result: unknown
  readonly compensationAttempts: number
  readonly compensationFirstStartedAtMs: number | undefined
  readonly compensated: boolean
}

export type Progress = ReadonlyMap<string, StepProgress>

const UNTOUCHED: StepProgress = {
  attempts: 0,
  firstStartedAtMs: undefined,
  open: false,
  untilMs: undefined,
  doubtful: false,
  done: false,
  result: undefined,
  compensationAttempts: 0,
  compensationFirstStartedAtMs: undefined,
  compensated: false,
}

export function progressOf(progress: Progress, step: string): StepProgress {
  return progress.get(step) ?? UNTOUCHED
}

/** Where a saga stands after the entries. A line that is there twice changes nothing: a commit whose answer was lost is written again. */
export function fold(progress: Progress, entries: readonly JournalEntry[]): Progress {
  if (entries.length === 0) return progress
  const next = new Map(progress)
  for (const entry of entries) next.set(entry.step, evolve(progressOf(next, entry.step), entry))
  return next
}

function evolve(before: StepProgress, entry: JournalEntry): StepProgress {
  switch (entry.kind) {
    case 'started':
      return {
        ...before,
        attempts: entry.attempt,
        open: true,
        // An attempt that was open when the next one began is one whose end was never learnt.
        doubtful: before.doubtful || (before.open && entry.attempt !== before.attempts),
        firstStartedAtMs: before.firstStartedAtMs ?? entry.atMs,
      }
    case 'waiting':
      return { ...before, open: true, untilMs: entry.untilMs, firstStartedAtMs: before.firstStartedAtMs ?? entry.atMs }
    case 'done':
      return { ...before, open: false, done: true, result: entry.result }
    case 'failed':
      return { ...before, open: false, doubtful: before.doubtful || entry.executed !== 'no' }
    case 'compensation-started':
      return {
        ...before,
        compensationAttempts: entry.attempt,
        compensationFirstStartedAtMs: before.compensationFirstStartedAtMs ?? entry.atMs,
      }
    case 'compensated':
      return { ...before, compensated: true }
    case 'compensation-failed':
    case 'by-hand':
      return before
  }
}

/** Whether the step has, or could have, an effect. A start without an end is an unknown outcome. */
export function mayHaveRun(step: StepProgress): boolean {
  return step.done || step.open || step.doubtful
}

/** The less certain of two pieces of knowledge. */
export function lessCertain(one: Executed, other: Executed): Executed {
  return one === 'no' ? other : one
}
