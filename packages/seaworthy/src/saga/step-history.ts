import type { JournalEntry } from './saga-store.ts'

/** One try to do a step, to undo it, or to wait; or a decision, which takes no time. */
export interface StepAttempt {
  readonly what: 'action' | 'compensation' | 'wait' | 'decision'
  /** From 1. */
  readonly number: number
  readonly startedAtMs: number
  /** Absent while it is open, and where nobody knows when it ended. */
  readonly endedAtMs?: number
  /** `unknown`: no line says how it ended, and another began. */
  readonly outcome: 'open' | 'done' | 'failed' | 'unknown'
  /** What is known of the effect of one that failed. */
  readonly executed?: 'no' | 'maybe' | 'yes'
  readonly error?: string
  /** Of a wait: until when at most. */
  readonly untilMs?: number | 'never'
  /** A person took the step as done, or as undone. */
  readonly isByHand?: true
}

/** How a step stands. */
export type StepState = 'open' | 'waiting' | 'done' | 'failed' | 'unknown' | 'undoing' | 'undo-failed' | 'undone'

/** All that the journal says of one step, in a form to be shown. */
export interface StepHistory {
  /** As in the journal, with its index inside of a `forEach`. */
  readonly step: string
  readonly state: StepState
  readonly attempts: readonly StepAttempt[]
  /** Of one that was done. */
  readonly result?: unknown
}

/** The journal by steps, in the order in which they began. After the twentieth attempt of a step only some have lines of their own. */
export function stepHistories(journal: readonly JournalEntry[]): readonly StepHistory[] {
  const steps = new Map<string, StepHistory>()
  const byHand = new Set<string>()
  for (const entry of journal) {
    if (entry.step === '') continue
    if (entry.kind === 'by-hand') {
      byHand.add(entry.step)
      continue
    }
    const before = steps.get(entry.step) ?? { step: entry.step, state: 'open', attempts: [] }
    steps.set(entry.step, evolve(before, entry, byHand.delete(entry.step)))
  }
  return [...steps.values()]
}

type StepEntry = Exclude<JournalEntry, { kind: 'by-hand' }>

function evolve(before: StepHistory, entry: StepEntry, isByHand: boolean): StepHistory {
  const { attempts } = before
  const { atMs } = entry
  switch (entry.kind) {
    case 'started':
      return begun(before, 'open', { what: 'action', number: entry.attempt, startedAtMs: atMs, outcome: 'open' })
    case 'waiting': {
      const { untilMs } = entry
      return begun(before, 'waiting', { what: 'wait', number: 1, startedAtMs: atMs, outcome: 'open', untilMs })
    }
    case 'compensation-started':
      return begun(before, 'undoing', { what: 'compensation', number: entry.attempt, startedAtMs: atMs, outcome: 'open' })
    case 'done':
      return { ...before, state: 'done', attempts: ended(attempts, { outcome: 'done', atMs, isByHand }), result: entry.result }
    case 'failed': {
      const { executed, error } = entry
      const state = executed === 'no' ? 'failed' : 'unknown'
      return { ...before, state, attempts: ended(attempts, { outcome: 'failed', atMs, isByHand, executed, error }) }
    }
    case 'compensated':
      return { ...before, state: 'undone', attempts: ended(attempts, { outcome: 'done', atMs, isByHand }) }
    case 'compensation-failed':
      return { ...before, state: 'undo-failed', attempts: ended(attempts, { outcome: 'failed', atMs, isByHand, error: entry.error }) }
  }
}

/** An attempt begins. One that was open is one whose end was never learnt. */
function begun(before: StepHistory, state: StepState, attempt: StepAttempt): StepHistory {
  const last = before.attempts.at(-1)
  const attempts = last?.outcome === 'open' ? [...before.attempts.slice(0, -1), { ...last, outcome: 'unknown' as const }] : before.attempts
  return { ...before, state, attempts: [...attempts, attempt] }
}

interface End {
  readonly outcome: 'done' | 'failed'
  readonly atMs: number
  readonly isByHand: boolean
  readonly executed?: 'no' | 'maybe' | 'yes'
  readonly error?: string
}

function ended(attempts: readonly StepAttempt[], { outcome, atMs, isByHand, executed, error }: End): readonly StepAttempt[] {
  const last = attempts.at(-1)
  const end = {
    outcome,
    endedAtMs: atMs,
    ...(executed !== undefined && { executed }),
    ...(error !== undefined && { error }),
    ...(isByHand && { isByHand: true as const }),
  }
  // What a person or a block decides has no attempt before it.
  if (last?.outcome !== 'open' || isByHand) {
    const decided: StepAttempt = { what: 'decision', number: 1, startedAtMs: atMs, ...end }
    return [...(last?.outcome === 'open' ? [...attempts.slice(0, -1), { ...last, outcome: 'unknown' as const }] : attempts), decided]
  }
  return [...attempts.slice(0, -1), { ...last, ...end }]
}
