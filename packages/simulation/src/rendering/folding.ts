import type { HistoryEntry } from '../kernel/history.ts'
import { type Diagram, type Fold, type RenderedFailure, type Step, tellsSomething } from './diagram.ts'
import { stepsOf } from './steps.ts'

/** Steps shown at most, besides those around the faults. */
const SHOWN_MAX = 80
const BEFORE_FAULT = 8
const AFTER_FAULT = 16
const AT_THE_ENDS = 10
/** A fold of fewer would save no room. */
const FOLDED_MIN = 3

/** A failing history as a diagram in which what is not on the way to the violation is folded away. */
export function diagramOf(failure: RenderedFailure): Diagram {
  const steps = stepsOf(failure.entries)
  const subjects = withKeys(subjectsOf(failure.message, steps), steps, failure.entries)
  const relevant = withoutEpilogue(steps, narrowed(steps, relevance(steps, failure.entries, subjects)))
  return { lanes: lanesOf(steps), rows: folded(steps, relevant), subjects }
}

/** Clients first, then whoever messages reach, in that order, then those that no message reaches. */
function lanesOf(steps: readonly Step[]): readonly string[] {
  const lanes = new Set<string>()
  for (const { lane, to } of steps) if (to !== undefined) lanes.add(lane).add(to)
  for (const { lane, kind } of steps) if (kind !== 'phase') lanes.add(lane)
  return [...lanes]
}

/** Ids and keys of the history that the message names. Short ones count only where they are set off, for `a` is a word too. */
function subjectsOf(message: string, steps: readonly Step[]): readonly string[] {
  const known = new Set(steps.flatMap(({ about }) => about))
  return [...known].filter((text) => {
    if (text.length === 0 || !message.includes(text)) return false
    const literal = text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    const pattern = text.length < 3 ? `(['"\`]|\\bkey )${literal}(?![\\w-])` : `(?<![\\w-])${literal}(?![\\w-])`
    return new RegExp(pattern).test(message)
  })
}

/** With an event its key, and with a request that names a subject the keys of events that it names too: by these the rest tells what it is about. */
function withKeys(subjects: readonly string[], steps: readonly Step[], entries: readonly HistoryEntry[]): readonly string[] {
  const named = new Set(subjects)
  const keys = new Set<string>()
  for (const entry of entries) {
    if (entry.kind !== 'append') continue
    for (const { id, key } of entry.events) {
      keys.add(key)
      if (named.has(id)) named.add(key)
    }
  }
  for (const { about, callId } of steps) {
    if (callId === undefined || !about.some((text) => subjects.includes(text))) continue
    for (const text of about) if (keys.has(text)) named.add(text)
  }
  return [...named]
}

/** Which steps are on the way: those with a fault, those about the subjects, the calls that these belong to, and what was done for these calls. */
function relevance(steps: readonly Step[], entries: readonly HistoryEntry[], subjects: readonly string[]): readonly boolean[] {
  if (subjects.length === 0) return steps.map(({ isRoutine, isFault }) => !isRoutine || isFault)
  const named = new Set(subjects)
  const isNamed = ({ about }: Step) => about.some((text) => named.has(text))
  const calls = new Set<number>()
  for (const step of steps) if (step.callId !== undefined && (step.isFault || isNamed(step))) calls.add(step.callId)
  const parents = parentCalls(entries)
  for (const callId of calls) {
    const parent = parents.get(callId)
    if (parent !== undefined) calls.add(parent)
  }
  // What a lane is at work on: a commit is for that.
  const atWork = new Map<string, boolean>()
  const openAt = new Map<string, Set<number>>()
  return steps.map((step) => {
    const { lane, to, kind, callId } = step
    const isOn = step.isFault || isNamed(step) || (callId !== undefined && calls.has(callId))
    if (kind === 'message' && callId !== undefined && isOn && to !== undefined) openAt.set(to, (openAt.get(to) ?? new Set()).add(callId))
    if (kind === 'answer' && callId !== undefined) openAt.get(lane)?.delete(callId)
    if (kind === 'answer' && callId === undefined && to !== undefined) atWork.set(to, isOn)
    if (kind === 'crash') {
      openAt.delete(lane)
      atWork.delete(lane)
    }
    if (isOn || kind === 'start' || kind === 'phase') return isOn || !step.isRoutine
    return kind === 'commit' && !step.isRoutine && (atWork.get(lane) === true || (openAt.get(lane)?.size ?? 0) > 0)
  })
}

/** The call during which another was made, as far as can be told: the one that its caller took last and has not answered. */
function parentCalls(entries: readonly HistoryEntry[]): ReadonlyMap<number, number> {
  const parents = new Map<number, number>()
  const open = new Map<string, number[]>()
  for (const entry of entries) {
    if (entry.kind === 'delivery') open.set(entry.node, [...(open.get(entry.node) ?? []), entry.callId])
    if (entry.kind === 'crash') open.delete(entry.node)
    if (entry.kind === 'reply')
      open.set(
        entry.node,
        (open.get(entry.node) ?? []).filter((callId) => callId !== entry.callId),
      )
    if (entry.kind !== 'request') continue
    const parent = open.get(entry.node)?.at(-1)
    if (parent !== undefined) parents.set(entry.callId, parent)
  }
  return parents
}

/** Where still too much is on the way: the ends, and what is around the faults. */
function narrowed(steps: readonly Step[], relevant: readonly boolean[]): readonly boolean[] {
  const shown = [...steps.keys()].filter((at) => relevant[at])
  if (shown.length <= SHOWN_MAX) return relevant
  const kept = new Set([...shown.slice(0, AT_THE_ENDS), ...shown.slice(-AT_THE_ENDS)])
  for (const [order, at] of shown.entries()) {
    if (steps[at]!.isFault) for (const near of shown.slice(Math.max(0, order - BEFORE_FAULT), order + AFTER_FAULT + 1)) kept.add(near)
  }
  return steps.map((_, at) => kept.has(at))
}

/** Who starts again at the end, and has nothing more to do, explains nothing. */
function withoutEpilogue(steps: readonly Step[], relevant: readonly boolean[]): readonly boolean[] {
  const last = steps.findLastIndex((step, at) => relevant[at] && tellsSomething(step))
  return relevant.map((isOn, at) => isOn && at <= last)
}

function folded(steps: readonly Step[], relevant: readonly boolean[]): readonly (Step | Fold)[] {
  const rows: (Step | Fold)[] = []
  let run: Step[] = []
  const close = () => {
    const isShort = run.length < FOLDED_MIN && run.every(tellsSomething)
    if (isShort) rows.push(...run)
    else rows.push({ kind: 'fold', steps: run })
    run = []
  }
  for (const [at, step] of steps.entries()) {
    if (!relevant[at]) {
      run.push(step)
      continue
    }
    close()
    rows.push(step)
  }
  close()
  return rows
}
