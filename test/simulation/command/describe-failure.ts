import type { Failure, HistoryEntry, Outcome } from '@seaworthy/simulation'

const LINES_MAX = 70

/** A failing history for a person: what does not hold, which faults it took, and what happened, line by line. */
export function describeFailure(failure: Failure): string {
  const { invariant, message, faults, runs, shrinkRuns, history, entries } = failure
  const lines = entries.flatMap((entry) => {
    const text = happened(entry)
    return text === undefined ? [] : [`  ${entry.atMs.toFixed(1).padStart(9)} ms  ${entry.node.padEnd(12)} ${text}`]
  })
  return [
    `Does not hold: ${invariant}.`,
    message,
    '',
    faults.length === 0 ? 'It takes no fault.' : `It takes ${faults.length === 1 ? 'this fault' : `these ${faults.length} faults`}:`,
    ...faults.map(({ kind, index }) => `  ${kind} at ${index}`),
    '',
    'What happened:',
    ...(lines.length > LINES_MAX ? [...lines.slice(0, LINES_MAX), `  … and ${lines.length - LINES_MAX} lines more`] : lines),
    '',
    `Found in run ${runs}, shrunk in ${shrinkRuns} more. To run it again: --replay '${history}'`,
  ].join('\n')
}

/** What an entry says; undefined for what explains nothing. */
function happened(entry: HistoryEntry): string | undefined {
  const peer = entry.peer ?? ''
  switch (entry.kind) {
    case 'start':
      return entry.incarnation > 1 ? `starts again, life ${entry.incarnation}` : undefined
    case 'ready':
    case 'offsets':
    case 'fault-point':
    case 'delivery':
      return undefined
    case 'crash':
      return '✖ crashes'
    case 'pause':
      return `✖ stands still for ${Math.round(entry.forMs)} ms`
    case 'resume':
      return 'goes on'
    case 'clock-jump':
      return `✖ its wall clock jumps by ${entry.byMs} ms`
    case 'partition':
      return `✖ cut off from ${peer}${entry.both ? '' : ' in one direction'} for ${entry.forMs} ms`
    case 'broker-down':
      return `✖ ${entry.broker} is away for ${entry.forMs} ms`
    case 'broker-up':
      return `${entry.broker} is back`
    case 'disturbed':
      return `✖ ${entry.what}${peer === '' ? '' : `, to ${peer}`}`
    case 'request':
      return `→ ${peer}: ${entry.method} ${JSON.stringify(entry.request)}`
    case 'reply':
      return `answers ${peer}: ${entry.method} ${outcomeOf(entry.outcome)}`
    case 'answer':
      return `← ${peer}: ${entry.method} ${outcomeOf(entry.outcome)}`
    case 'commit':
      return 'commits'
    case 'append':
      return `→ log: ${namesOf(entry.events)}`
    case 'poll':
      return `← log: ${namesOf(entry.events)}`
    case 'send':
      return `→ queue ${entry.queue}: ${entry.messageId}`
    case 'receive':
      return `← queue ${entry.queue}: ${entry.messageId}, attempt ${entry.attempt}`
    case 'acknowledge':
    case 'reject':
    case 'lease-lost':
      return `→ queue ${entry.queue}: ${entry.kind} ${entry.messageId}`
    case 'acknowledged':
      return `knows that ${entry.method} was done`
    case 'refused':
      return `gives up on ${entry.method}: ${outcomeOf(entry.outcome)}`
    case 'note':
      return `notes: ${entry.text}`
    case 'warning':
      return `warns: ${entry.text}`
    case 'phase':
      return entry.phase === 'heal' ? 'the faults are over' : undefined
  }
}

function namesOf(events: readonly { readonly type: string; readonly key: string; readonly sequence: number }[]): string {
  return events.map(({ type, key, sequence }) => `${type} of ${key}, number ${sequence}`).join('; ')
}

function outcomeOf(outcome: Outcome): string {
  if (outcome.kind === 'failed') return `failed (${outcome.error.slice(0, 80)}; executed: ${outcome.executed})`
  return outcome.result === undefined || outcome.result === null ? 'done' : `done ${JSON.stringify(outcome.result).slice(0, 60)}`
}
