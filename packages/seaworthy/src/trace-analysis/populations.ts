import type { TraceProfile } from './trace-profile.ts'
import type { Cause } from './verdict-span.ts'

/** The slow traces of an operation beside the usual ones. */
export interface PopulationDifference {
  readonly slow: Population
  readonly usual: Population
  /** Means by cause, service and peer. Their differences sum to the difference of the means. The largest difference first. */
  readonly parts: readonly PartDifference[]
  readonly structure: readonly StructureDifference[]
}

export interface Population {
  readonly count: number
  readonly meanUs: number
  /** The quickest and the slowest of it. */
  readonly fromUs: number
  readonly toUs: number
}

export interface PartDifference {
  readonly cause: Cause
  readonly service: string
  readonly peer: string | undefined
  readonly slowUs: number
  readonly usualUs: number
}

/**
 * What slow traces do and usual ones do not:
 * - `new`, `missing`: a call that nearly none of the others make, or that nearly all of them make
 * - `retried`: a call that fails and is made again
 * - `repeated`: a call that is made more than twice as often: N+1
 */
export interface StructureDifference {
  readonly kind: 'new' | 'missing' | 'retried' | 'repeated'
  readonly service: string
  readonly name: string
  /** Calls a trace. */
  readonly slowCount: number
  readonly usualCount: number
}

const SLOW_RATIO = 0.05
/** Below it there is nothing to compare. */
const TRACES_MIN = 8
const MOST = 0.5
const FEW = 0.05
const REPEATED_MORE_MIN = 3

/**
 * The slowest twentieth of some traces, at least one, against the quicker half of them: what lies between is neither slow nor usual. Undefined for fewer than eight traces.
 */
export function slowAgainstUsual(profiles: readonly TraceProfile[]): PopulationDifference | undefined {
  if (profiles.length < TRACES_MIN) return undefined
  const sorted = profiles.toSorted((one, other) => one.durationUs - other.durationUs)
  const usual = sorted.slice(0, Math.ceil(sorted.length / 2))
  const slow = sorted.slice(sorted.length - Math.max(1, Math.floor(sorted.length * SLOW_RATIO)))
  return difference(slow, usual)
}

/** Of two populations, none of them empty. */
function difference(slow: readonly TraceProfile[], usual: readonly TraceProfile[]): PopulationDifference {
  return {
    slow: population(slow),
    usual: population(usual),
    parts: partDifferences(slow, usual),
    structure: structureDifferences(slow, usual),
  }
}

function population(profiles: readonly TraceProfile[]): Population {
  const all = profiles.map(({ durationUs }) => durationUs)
  return {
    count: all.length,
    meanUs: all.reduce((sum, us) => sum + us, 0) / all.length,
    fromUs: all.reduce((one, other) => Math.min(one, other)),
    toUs: all.reduce((one, other) => Math.max(one, other)),
  }
}

function partDifferences(slow: readonly TraceProfile[], usual: readonly TraceProfile[]): readonly PartDifference[] {
  const parts = new Map<string, { -readonly [Key in keyof PartDifference]: PartDifference[Key] }>()
  const add = (profiles: readonly TraceProfile[], to: 'slowUs' | 'usualUs') => {
    for (const profile of profiles) {
      for (const [key, { cause, service, peer, us }] of profile.parts) {
        const part = parts.get(key) ?? { cause, service, peer, slowUs: 0, usualUs: 0 }
        parts.set(key, part)
        part[to] += us / profiles.length
      }
    }
  }
  add(slow, 'slowUs')
  add(usual, 'usualUs')
  const size = ({ slowUs, usualUs }: PartDifference) => Math.abs(slowUs - usualUs)
  return [...parts.values()].sort((one, other) => size(other) - size(one))
}

interface EdgeSums {
  readonly service: string
  readonly name: string
  readonly count: { slow: number; usual: number }
  readonly failed: { slow: number; usual: number }
  /** In how many of the traces. */
  readonly traces: { slow: number; usual: number }
}

function structureDifferences(slow: readonly TraceProfile[], usual: readonly TraceProfile[]): readonly StructureDifference[] {
  const edges = new Map<string, EdgeSums>()
  const add = (profiles: readonly TraceProfile[], to: 'slow' | 'usual') => {
    for (const profile of profiles) {
      for (const [key, { service, name, count, failed }] of profile.edges) {
        const sums = edges.get(key) ?? { service, name, count: zero(), failed: zero(), traces: zero() }
        edges.set(key, sums)
        sums.count[to] += count
        sums.failed[to] += failed
        sums.traces[to]++
      }
    }
  }
  add(slow, 'slow')
  add(usual, 'usual')
  const mean = (sums: { slow: number; usual: number }): Means => ({ slow: sums.slow / slow.length, usual: sums.usual / usual.length })
  const found: StructureDifference[] = []
  for (const { service, name, count, failed, traces } of edges.values()) {
    const calls = mean(count)
    const kind = kindOf(calls, mean(failed), mean(traces))
    if (kind !== undefined) found.push({ kind, service, name, slowCount: calls.slow, usualCount: calls.usual })
  }
  const size = ({ slowCount, usualCount }: StructureDifference) => Math.abs(slowCount - usualCount)
  return found.sort((one, other) => size(other) - size(one) || KINDS.indexOf(one.kind) - KINDS.indexOf(other.kind))
}

interface Means {
  readonly slow: number
  readonly usual: number
}

/** Of those that weigh the same, what says most comes first. */
const KINDS: readonly StructureDifference['kind'][] = ['retried', 'repeated', 'new', 'missing']

function kindOf(calls: Means, failed: Means, presence: Means): StructureDifference['kind'] | undefined {
  const more = calls.slow - calls.usual
  if (failed.slow - failed.usual >= MOST && more >= MOST) return 'retried'
  if (presence.slow >= MOST && presence.usual <= FEW) return 'new'
  if (presence.usual >= 1 - FEW && presence.slow <= 1 - MOST) return 'missing'
  return more >= REPEATED_MORE_MIN && calls.slow >= 2 * calls.usual ? 'repeated' : undefined
}

const zero = () => ({ slow: 0, usual: 0 })
