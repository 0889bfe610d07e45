import { KINDS, type Kind } from './arrivals.ts'
import type { Audit } from './audit.ts'
import type { Answer } from './customers.ts'
import type { Measured, Step } from './measure.ts'
import type { SideName } from './sides.ts'
import type { Usage } from './usage.ts'

/** A request that takes so long was kept waiting. */
export const LATE_MS = 1_000

/** A rate is held if nearly everybody is served within this time, and nobody not at all. */
const HELD_P99_MS = 500

/** No process of Node answers anything so soon after it was started. */
const STARTS_TAKE_MS = 300

/** What requests of a kind met while something was replaced, or had crashed. */
export interface Met {
  readonly requests: number
  readonly failed: number
  /** Served, and kept waiting. */
  readonly late: number
  readonly longestMs: number
}

export interface Memory {
  readonly processes: number
  /** Of all, one by one. */
  readonly rssMb: number
  /** With what they share counted once, where the system tells it; of further processes, what comes on top. */
  readonly netMb?: number
}

/** What a side comes to. */
export interface Figures {
  readonly side: SideName
  /** Of customers who came by themselves, in all phases but the ladder, which ends where a side does. */
  readonly arrivals: number
  /** Of those who came by themselves and undisturbed. */
  readonly failed: number
  readonly databases: number
  readonly startMs: number
  readonly latencyMs: Readonly<Record<Kind, { readonly p50: number; readonly p99: number }>>
  /** The highest rate that was held, and the lowest that was not, if one was tried. */
  readonly held: { readonly perSecond: number; readonly missed?: number }
  readonly cpuMs: { readonly read: number; readonly checkout: number; readonly idlePerSecond: number }
  readonly memory: Memory
  readonly deploy: {
    /** From the command to the first checkout that the new release answered; undefined where none came that late. */
    readonly answeredAfterMs?: number
    readonly met: Readonly<Record<Kind, Met>>
  }
  readonly crash: {
    /** From the end of the process until its successor took work. */
    readonly awayMs: number
    /** Whether it was the planted defect that ended it. */
    readonly wasPlanted: boolean
    readonly met: Readonly<Record<Kind, Met>>
    /** Answers to those who came while the process was surely away, in that time; and how many came. */
    readonly meanwhile: Readonly<Record<Kind, { readonly came: number; readonly served: number }>>
  }
  /** What two more of what does payments take. */
  readonly more: Memory
  readonly audit: Audit
}

export function figuresOf(measured: Measured): Figures {
  const { side, databases, startMs, mixed, usage, idleCpuMs, cpuMs, ladder, deploy, crash, more, audit } = measured
  const missed = ladder.find((step) => !isHeld(step))?.perSecond
  const replaced = deploy.answers.filter(
    ({ kind, outcome, atMs, tookMs }) => kind === 'checkout' && outcome === 'served' && atMs + tookMs >= deploy.readyAtMs,
  )
  const { away } = crash
  return {
    side,
    arrivals: mixed.length + deploy.answers.length + crash.answers.length,
    failed: mixed.filter(({ outcome }) => outcome === 'failed').length,
    databases,
    startMs,
    latencyMs: byKind((kind) => {
      const took = mixed.filter((answer) => answer.kind === kind).map(({ tookMs }) => tookMs)
      return { p50: quantile(took, 0.5), p99: quantile(took, 0.99) }
    }),
    held: {
      perSecond: Math.max(0, ...ladder.filter(isHeld).map(({ perSecond }) => perSecond)),
      ...(missed !== undefined && { missed }),
    },
    cpuMs: { ...cpuMs, idlePerSecond: idleCpuMs },
    memory: memoryOf(usage, { sharedMb: sharedMbOf(usage) }),
    deploy: {
      ...(replaced.length > 0 && {
        answeredAfterMs: Math.min(...replaced.map(({ atMs, tookMs }) => atMs + tookMs)) - deploy.commandAtMs,
      }),
      met: metBy(deploy.answers),
    },
    crash: {
      awayMs: away.readyAtMs - away.diedAtMs,
      wasPlanted: away.lastExit === 'exit code 1',
      met: metBy(crash.answers),
      meanwhile: byKind((kind) => {
        const untilMs = Math.min(away.readyAtMs, away.spawnedAtMs + STARTS_TAKE_MS)
        const came = crash.answers.filter((answer) => answer.kind === kind && answer.atMs >= away.diedAtMs && answer.atMs < untilMs)
        const served = came.filter(({ outcome, atMs, tookMs }) => outcome === 'served' && atMs + tookMs < untilMs)
        return { came: came.length, served: served.length }
      }),
    },
    // What they share is there already.
    more: memoryOf(more, { sharedMb: 0 }),
    audit,
  }
}

/** Whether nearly everybody was served soon, and nobody not at all. */
export function isHeld({ answers }: Pick<Step, 'answers'>): boolean {
  const took = answers.map(({ tookMs }) => tookMs)
  return answers.every(({ outcome }) => outcome === 'served') && quantile(took, 0.99) <= HELD_P99_MS
}

function metBy(answers: readonly Answer[]): Readonly<Record<Kind, Met>> {
  return byKind((kind) => {
    const those = answers.filter((answer) => answer.kind === kind)
    return {
      requests: those.length,
      failed: those.filter(({ outcome }) => outcome === 'failed').length,
      late: those.filter(({ outcome, tookMs }) => outcome === 'served' && tookMs >= LATE_MS).length,
      longestMs: Math.max(0, ...those.map(({ tookMs }) => tookMs)),
    }
  })
}

/** Of several kinds together. */
export function sumOf(met: Readonly<Record<Kind, Met>>, kinds: readonly Kind[] = KINDS): Met {
  const those = kinds.map((kind) => met[kind])
  const sum = (of: (met: Met) => number) => those.reduce((all, each) => all + of(each), 0)
  return {
    requests: sum(({ requests }) => requests),
    failed: sum(({ failed }) => failed),
    late: sum(({ late }) => late),
    longestMs: Math.max(0, ...those.map(({ longestMs }) => longestMs)),
  }
}

function memoryOf(usage: readonly Usage[], { sharedMb }: { readonly sharedMb: number }): Memory {
  const own = usage.flatMap(({ ownMb }) => (ownMb === undefined ? [] : [ownMb]))
  return {
    processes: usage.length,
    rssMb: usage.reduce((sum, { rssMb }) => sum + rssMb, 0),
    ...(own.length === usage.length && { netMb: own.reduce((sum, each) => sum + each, sharedMb) }),
  }
}

/** What several have of the same: as much as the one has that has most of it. */
function sharedMbOf(usage: readonly Usage[]): number {
  return Math.max(0, ...usage.map(({ rssMb, ownMb = rssMb }) => rssMb - ownMb))
}

function byKind<Value>(of: (kind: Kind) => Value): Readonly<Record<Kind, Value>> {
  return { browse: of('browse'), reviews: of('reviews'), history: of('history'), checkout: of('checkout') }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
