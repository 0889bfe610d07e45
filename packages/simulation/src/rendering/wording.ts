import type { FaultKind } from '../faults/fault.ts'
import { parseIndex } from '../kernel/execution-index.ts'
import type { EventName, Outcome } from '../kernel/history.ts'

const VALUE_LENGTH_MAX = 120

/** Where a decision point is, in words: `after its commit`. */
export function pointText(index: string): string {
  const { operation, label } = parseIndex(index)
  const [, what = label, side = ''] = /^(.*?)(?::(before|after|request|reply))?$/.exec(label) ?? []
  switch (operation) {
    case 'database':
      return what === 'begin' ? 'at the beginning of a transaction' : `${side || 'at'} its commit`
    case 'transport':
      return side === 'reply' ? `before it answers ${what}` : `before it sends ${what}`
    case 'event-log': {
      const group = /^(poll|offsets)-(.*)$/.exec(what)
      const doing = group === null ? what : `${group[1] === 'poll' ? 'a poll' : 'storing the offsets'} of group ${group[2]}`
      return `${side || 'at'} ${doing === 'append' ? 'its append' : doing}`
    }
    case 'queue':
      return `${side || 'at'} ${what.slice(what.indexOf(':') + 1)} at queue ${what.slice(0, what.indexOf(':'))}`
    case 'fault-point':
      return `at its fault point ${what}`
    default:
      return `at ${operation}:${label}`
  }
}

/** What a fault does, as a heading for a person: `crash of orders after its commit`. */
export function faultText({ kind, index }: { readonly kind: FaultKind; readonly index: string }): string {
  const { node } = parseIndex(index)
  return `${FAULT_NAMES[kind]} at ${node}, ${pointText(index)}`
}

/** What it took: `Run 6 fails, with one fault:`. */
export function foundText({ faults, runs }: { readonly faults: readonly unknown[]; readonly runs: number }): string {
  if (faults.length === 0) return `Run ${runs} fails, without any fault.`
  return `Run ${runs} fails, with ${faults.length === 1 ? 'one fault' : `${faults.length} faults`}:`
}

/** What is said of a message that a fault struck. */
export const FAULT_NAMES: Readonly<Record<FaultKind, string>> = {
  crash: 'crash',
  pause: 'pause',
  busy: 'database busy',
  'disk-full': 'disk full',
  lose: 'message lost',
  'lose-reply': 'answer lost',
  duplicate: 'message doubled',
  reorder: 'message overtaken',
  delay: 'message late',
  partition: 'partition',
  'partition-one-way': 'one-way partition',
  'restart-broker': 'broker restarts',
  'clock-forward': 'clock jumps ahead',
  'clock-back': 'clock jumps back',
}

/** A value on one line, cut where it is long. */
export function valueText(value: unknown): string {
  if (value === undefined) return ''
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}…` : text
}

export function outcomeText(outcome: Outcome): string {
  if (outcome.kind === 'done') return outcome.result === undefined || outcome.result === null ? 'done' : `done ${valueText(outcome.result)}`
  const known = { no: 'not executed', maybe: 'may have been executed', yes: 'executed' }[outcome.executed]
  return `failed, ${known}: ${valueText(outcome.error)}`
}

/** `order.placed order-1 #1`, and how many more. */
export function eventsText(events: readonly EventName[]): string {
  const shown = events.slice(0, 3).map(({ type, key, sequence }) => `${type} ${key}${sequence > 0 ? ` #${sequence}` : ''}`)
  return shown.join(', ') + (events.length > 3 ? ` and ${events.length - 3} more` : '')
}

/** Virtual time as it stands beside a step: milliseconds, or seconds and minutes where they are many. */
export function timeText(atMs: number): string {
  if (atMs < 10_000) return `${atMs.toFixed(1)} ms`
  if (atMs < 600_000) return `${(atMs / 1_000).toFixed(2)} s`
  return `${(atMs / 60_000).toFixed(2)} min`
}

/** A duration in words: `45 s`. */
export function durationText(ms: number): string {
  const size = Math.abs(ms)
  return size < 1_000 ? `${Math.round(ms)} ms` : size < 120_000 ? `${(ms / 1_000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`
}
