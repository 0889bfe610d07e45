import type { Cause } from 'seaworthy/trace-analysis'
import { type Case, type Plant, type PlantKind, type ServiceName, REPEATED_CALLS, expectedOf } from './plants.ts'

/** The part of the console's verdict that is judged. */
export interface VerdictPath {
  readonly sentence: string
  readonly durationMs: number
  readonly parts: readonly { readonly cause: Cause; readonly ms: number }[]
  readonly findings: readonly {
    readonly cause: Cause
    readonly service: string
    readonly ms: number
    readonly lockHolder: { readonly service?: string; readonly chainLength?: number } | null
  }[]
  readonly repetitions: readonly { readonly service: string; readonly count: number; readonly ms: number; readonly ratio: number }[]
}

export interface Verdict extends VerdictPath {
  readonly traceId: string
  readonly whole: VerdictPath | null
}

/** One checkout with something planted, and what came of it. */
export interface Outcome {
  readonly case: Case
  /** By kind: how long it really took. */
  readonly plantedMs: Readonly<Partial<Record<PlantKind, number>>>
  readonly verdict: Verdict
  /** How busy the processor of each service was, 0 to 1, in the mean over the time of the checkout. */
  readonly cpu: Readonly<Partial<Record<ServiceName, number>>>
}

interface JudgedPlant {
  readonly plant: Plant
  readonly plantedMs: number
  readonly foundMs: number
  /** It is what stands out, or of a pair one of the two. */
  readonly isRight: boolean
  readonly isWithinTenth: boolean
}

export interface Judged {
  readonly plants: readonly JudgedPlant[]
  /** Of the time of what was asked about, 0 to 1. */
  readonly unexplainedRatio: number
  readonly sums: boolean
}

/** Whether the console said what was planted, where, by whom, and how much. */
export function judge({ case: { plants }, plantedMs, verdict }: Outcome): Judged {
  const paths = plants.map((plant) => pathOf(plant, verdict))
  return {
    plants: plants.map((plant) =>
      judgePlant(plant, plants.length, { plantedMs: plantedMs[plant.kind] ?? 0, path: pathOf(plant, verdict) }),
    ),
    unexplainedRatio: Math.max(
      ...paths.map(({ parts, durationMs }) => (parts.find(({ cause }) => cause === 'unexplained')?.ms ?? 0) / durationMs),
    ),
    // Parts are told in whole microseconds.
    sums: paths.every(
      ({ parts, durationMs }) => Math.abs(parts.reduce((sum, { ms }) => sum + ms, 0) - durationMs) < 1e-6 * Math.max(1, durationMs),
    ),
  }
}

function pathOf(plant: Plant, verdict: Verdict): VerdictPath {
  return expectedOf(plant).isAfterAnswer === true ? (verdict.whole ?? verdict) : verdict
}

function judgePlant(plant: Plant, count: number, { plantedMs, path }: { plantedMs: number; path: VerdictPath }): JudgedPlant {
  const expected = expectedOf(plant)
  const [repeated] = path.repetitions
  if (expected.isRepetition === true) {
    const foundMs = repeated?.service === plant.service ? repeated.ms : 0
    const isRight =
      repeated?.service === plant.service && repeated.count === REPEATED_CALLS && path.sentence.includes(`${REPEATED_CALLS} times`)
    return { plant, plantedMs, foundMs, isRight, isWithinTenth: within(foundMs, plantedMs) }
  }
  const isOf = ({ cause, service }: { cause: Cause; service: string }) => cause === expected.cause && service === expected.service
  const foundMs = path.findings.filter(isOf).reduce((sum, { ms }) => sum + ms, 0)
  const first = path.findings.slice(0, count).find(isOf)
  const chain = plant.kind === 'lock-chain' ? 2 : 1
  const isHolderRight =
    expected.holder === undefined || (first?.lockHolder?.service === expected.holder && first.lockHolder.chainLength === chain)
  return { plant, plantedMs, foundMs, isRight: first !== undefined && isHolderRight, isWithinTenth: within(foundMs, plantedMs) }
}

function within(foundMs: number, plantedMs: number): boolean {
  return plantedMs > 0 && Math.abs(foundMs - plantedMs) <= plantedMs / 10
}
