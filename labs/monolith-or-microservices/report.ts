import { KINDS, READS } from './arrivals.ts'
import { type Figures, LATE_MS, type Memory, type Met, sumOf } from './figures.ts'
import type { BothSides } from './verdict.ts'

/** Both sides beside each other. */
export function table({ monolith, microservices }: BothSides): string {
  const rows: readonly (readonly [string, (figures: Figures) => string])[] = [
    ...KINDS.map(
      (kind) => [`${kind}: p50, p99`, ({ latencyMs }: Figures) => `${ms(latencyMs[kind].p50)}, ${ms(latencyMs[kind].p99)}`] as const,
    ),
    ['arrivals a second that it held', ({ held }) => heldOf(held)],
    ['CPU of a read', ({ cpuMs }) => `${cpuMs.read.toFixed(2)} ms`],
    ['CPU of a checkout', ({ cpuMs }) => `${cpuMs.checkout.toFixed(2)} ms`],
    ['CPU while nobody comes', ({ cpuMs }) => `${(cpuMs.idlePerSecond / 10).toFixed(1)} % of a processor`],
    ['processes, databases', ({ memory, databases }) => `${memory.processes}, ${databases}`],
    ['memory', ({ memory }) => memoryOf(memory)],
    ['start of everything', ({ startMs }) => seconds(startMs)],
    ['deploy: a changed payments answers after', ({ deploy }) => answeredOf(deploy)],
    [`  readers: waited over ${seconds(LATE_MS)}, failed`, ({ deploy }) => lateAndFailed(sumOf(deploy.met, READS))],
    [`  checkout: waited over ${seconds(LATE_MS)}, failed`, ({ deploy }) => lateAndFailed(deploy.met.checkout)],
    ['crash in payments: away for', ({ crash }) => seconds(crash.awayMs)],
    ...KINDS.map(
      (kind) => [`  ${kind}: waited over ${seconds(LATE_MS)}, failed`, ({ crash }: Figures) => lateAndFailed(crash.met[kind])] as const,
    ),
    ['two more of what does payments', ({ more }) => memoryOf(more)],
    ['checkouts, sent again, lost, paid twice', ({ audit }) => auditOf(audit)],
  ]
  const cells = [['', 'monolith', 'microservices'], ...rows.map(([title, of]) => [title, of(monolith), of(microservices)])]
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column]!.length)))
  return cells.map((row) => `   ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('   ')}`.trimEnd()).join('\n')
}

function answeredOf({ answeredAfterMs }: Figures['deploy']): string {
  return answeredAfterMs === undefined ? 'nobody came so late' : seconds(answeredAfterMs)
}

function heldOf({ perSecond, missed }: Figures['held']): string {
  return missed === undefined ? `${perSecond}; more was not tried` : `${perSecond}, and not ${missed}`
}

function lateAndFailed({ late, failed, requests }: Met): string {
  return `${late}, ${failed} of ${requests}`
}

function auditOf({ wanted, repeated, missing, unasked, chargedCents, orderedCents }: Figures['audit']): string {
  return `${wanted}, ${repeated}, ${missing.length}, ${unasked.length > 0 || chargedCents !== orderedCents ? `${unasked.length} OR MORE` : 0}`
}

function memoryOf({ rssMb, netMb }: Memory): string {
  return `${rssMb.toFixed(0)} MB${netMb === undefined ? '' : `, net ${netMb.toFixed(0)} MB`}`
}

const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`

export const seconds = (value: number): string => `${(value / 1_000).toFixed(1)} s`
