import type { SagaDetails, ShownStep } from '@seaworthy/supervisor/management'
import type { SagaState, StepAttempt, StepState } from 'seaworthy/saga'
import { formatDuration, plural } from './format.ts'
import type { Condition } from './messages.ts'
import { type SagaGraph, sagaGraph } from './saga-graph.ts'
import { type TimeScale, timeScale } from './saga-time.ts'

/** How a saga stands, in a word. */
export const SAGA_CONDITIONS: Readonly<Record<SagaState, Condition>> = {
  running: { tone: 'ok', text: 'running', title: 'A step is being done, or tried again' },
  waiting: { tone: 'quiet', text: 'waiting', title: 'It lets time pass, or waits to be told something; no process has it in memory' },
  compensating: { tone: 'warn', text: 'compensating', title: 'It turned back: what was done is being undone' },
  parked: { tone: 'error', text: 'parked', title: 'It can neither go on nor turn back: a person decides' },
  completed: { tone: 'ok', text: 'completed', title: 'All of its steps are done' },
  compensated: { tone: 'quiet', text: 'compensated', title: 'It turned back, and all that was done is undone' },
}

const STEP_CONDITIONS: Readonly<Record<StepState, Condition>> = {
  open: { tone: 'warn', text: 'being done', title: 'An attempt began, and no line of the journal tells its end yet' },
  waiting: { tone: 'quiet', text: 'waiting', title: 'For its time, its event or its child' },
  done: { tone: 'ok', text: 'done', title: 'Done' },
  failed: { tone: 'error', text: 'failed', title: 'The last attempt surely had no effect' },
  unknown: { tone: 'warn', text: 'unknown', title: 'Nobody knows whether the last attempt had an effect' },
  undoing: { tone: 'warn', text: 'being undone', title: 'It is being compensated' },
  'undo-failed': { tone: 'error', text: 'not undone', title: 'The last attempt to compensate it failed' },
  undone: { tone: 'quiet', text: 'undone', title: 'It was compensated' },
}

export interface AttemptRow {
  readonly key: string
  readonly what: string
  /** Since the saga began. */
  readonly afterMs: number
  readonly took: string
  readonly condition: Condition
  readonly error: string | undefined
  readonly startedAtMs: number
}

export interface StepRow {
  readonly step: string
  readonly condition: Condition
  readonly tried: string
  readonly attempts: readonly AttemptRow[]
  readonly bars: readonly StepBar[]
  readonly result: string | undefined
  /** What needs to be looked at is shown at once. */
  readonly isOpenFirst: boolean
}

/** One attempt on the time axis; shares of its width. */
export interface StepBar {
  readonly key: string
  readonly from: number
  readonly to: number
  readonly look: 'done' | 'failed' | 'unknown' | 'open' | 'wait' | 'undo' | 'undo-failed'
  readonly title: string
}

export interface SagaView {
  readonly details: SagaDetails
  readonly condition: Condition
  readonly steps: readonly StepRow[]
  readonly scale: TimeScale
  readonly graph: SagaGraph | undefined
  /** From its start to its last line. */
  readonly tookMs: number
  readonly isOver: boolean
}

/** What the page shows of one saga. */
export function sagaView(details: SagaDetails, nowMs = Date.now()): SagaView {
  const { status, steps, startedAtMs, updatedAtMs, outline } = details
  const isOver = status === 'completed' || status === 'compensated'
  const attempts = steps.flatMap((step) => step.attempts)
  const ends = attempts.map(({ startedAtMs: began, endedAtMs, outcome }) => endedAtMs ?? (outcome === 'open' && !isOver ? nowMs : began))
  const lastMs = Math.max(updatedAtMs, startedAtMs, ...ends)
  const busy = attempts.flatMap((attempt) => (attempt.what === 'wait' ? [] : [spanOf(attempt, lastMs)]))
  const scale = timeScale({
    fromMs: startedAtMs,
    toMs: lastMs,
    busy,
    marks: attempts.flatMap((attempt) => Object.values(spanOf(attempt, lastMs))),
  })
  return {
    details,
    condition: SAGA_CONDITIONS[stateOf(details)],
    steps: steps.map((step) => stepRow(step, startedAtMs, lastMs, scale)),
    scale,
    graph: outline === null ? undefined : sagaGraph(outline, details),
    tookMs: lastMs - startedAtMs,
    isOver,
  }
}

/** One that runs and has nothing in hand waits. */
export function stateOf({ status, steps }: Pick<SagaDetails, 'status' | 'steps'>): SagaState {
  const isWaiting = steps.some(({ state }) => state === 'waiting') && !steps.some(({ state }) => state === 'open')
  return status === 'running' && isWaiting ? 'waiting' : status
}

export function stepCondition(state: StepState): Condition {
  return STEP_CONDITIONS[state]
}

function spanOf({ startedAtMs, endedAtMs, outcome }: StepAttempt, lastMs: number): { readonly fromMs: number; readonly toMs: number } {
  return { fromMs: startedAtMs, toMs: endedAtMs ?? (outcome === 'open' ? lastMs : startedAtMs) }
}

function stepRow({ step, state, attempts, result }: ShownStep, beganMs: number, lastMs: number, scale: TimeScale): StepRow {
  const tries = attempts.filter(({ what }) => what === 'action').length
  const undos = attempts.filter(({ what }) => what === 'compensation').length
  const parts = [tries > 0 ? plural(tries, 'attempt') : '', undos > 0 ? plural(undos, 'compensation') : ''].filter((part) => part !== '')
  return {
    step,
    condition: STEP_CONDITIONS[state],
    tried: parts.join(', '),
    attempts: attempts.map((attempt, index) => attemptRow(attempt, index, beganMs)),
    bars: attempts.map((attempt, index) => {
      const { fromMs, toMs } = spanOf(attempt, lastMs)
      const row = attemptRow(attempt, index, beganMs)
      const title = `${row.what}: ${row.condition.text}${row.took === '' ? '' : ` after ${row.took}`}`
      return { key: String(index), from: scale.at(fromMs), to: scale.at(toMs), look: lookOf(attempt), title }
    }),
    result: result ?? undefined,
    isOpenFirst: attempts.some(({ outcome }) => outcome === 'failed' || outcome === 'unknown') || attempts.length > 1,
  }
}

function attemptRow(
  { what, number, startedAtMs, endedAtMs, outcome, executed, error, untilMs, isByHand }: StepAttempt,
  index: number,
  beganMs: number,
): AttemptRow {
  const names = {
    action: `attempt ${number}`,
    compensation: `compensation ${number}`,
    wait: 'wait',
    decision: isByHand === true ? 'by hand' : 'decision',
  }
  return {
    key: String(index),
    what: names[what],
    afterMs: startedAtMs - beganMs,
    took: endedAtMs === undefined || what === 'decision' ? '' : formatDuration((endedAtMs - startedAtMs) * 1_000),
    condition: attemptCondition({ what, outcome, executed, untilMs }),
    error,
    startedAtMs,
  }
}

const EFFECTS = { no: 'surely had no effect', maybe: 'may have had its effect', yes: 'had its effect' } as const

function attemptCondition({
  what,
  outcome,
  executed,
  untilMs,
}: {
  what: StepAttempt['what']
  outcome: StepAttempt['outcome']
  executed: StepAttempt['executed']
  untilMs: StepAttempt['untilMs']
}): Condition {
  switch (outcome) {
    case 'open':
      if (what !== 'wait') return { tone: 'warn', text: 'in progress', title: 'No line tells how it ended yet' }
      return {
        tone: 'quiet',
        text: 'waiting',
        title:
          untilMs === undefined || untilMs === 'never' ? 'However long it takes' : `Until ${new Date(untilMs).toLocaleString()} at most`,
      }
    case 'done':
      return { tone: 'ok', text: what === 'compensation' ? 'undone' : 'done', title: 'It succeeded' }
    case 'unknown':
      return {
        tone: 'warn',
        text: 'unknown',
        title: 'No line tells how it ended: the process was gone before. It was asked again under its key, or undone',
      }
    case 'failed':
      return executed === undefined || executed === 'no'
        ? { tone: 'error', text: 'failed', title: `It ${EFFECTS.no}` }
        : { tone: 'warn', text: 'failed, unknown', title: `It ${EFFECTS[executed]}` }
  }
}

function lookOf({ what, outcome, executed }: StepAttempt): StepBar['look'] {
  if (what === 'wait') return 'wait'
  if (what === 'compensation') return outcome === 'failed' ? 'undo-failed' : outcome === 'open' ? 'open' : 'undo'
  return outcome === 'failed' && executed !== 'no' && executed !== undefined ? 'unknown' : outcome
}
