import { onResilienceEvent, type PolicySnapshot, type ResilienceEvent } from 'seaworthy/resilience'
import type { Labels, MetricFamily } from './metric-family.ts'

export interface PolicyMetrics extends Disposable {
  /** @param snapshots of all policies, as they are now */
  families(snapshots: readonly PolicySnapshot[]): readonly MetricFamily[]
}

type Sample = readonly [labels: Labels, value: number]

const COUNTERS = {
  seaworthy_calls_rejected_total: 'Calls turned away, by kind of policy.',
  seaworthy_calls_timed_out_total: 'Attempts given up because time ran out.',
  seaworthy_retries_total: 'Attempts made again.',
  seaworthy_retries_abandoned_total: 'Retries that were not made, for want of budget or time.',
  seaworthy_circuit_changes_total: 'Changes of circuit breakers, by the state that they changed to.',
} as const
type Counter = keyof typeof COUNTERS

const STATES = ['closed', 'open', 'half-open', 'isolated'] as const

/** Gauges and what they are read from; undefined where a policy has no such part. */
const GAUGES: readonly (readonly [name: string, help: string, read: (policy: PolicySnapshot) => number | undefined])[] = [
  ['seaworthy_bulkhead_running', 'Calls that have a place in the bulkhead.', ({ bulkhead }) => bulkhead?.running],
  ['seaworthy_bulkhead_queued', 'Calls that wait for a place.', ({ bulkhead }) => bulkhead?.queued],
  ['seaworthy_bulkhead_concurrency_max', 'Places in the bulkhead.', ({ bulkhead }) => bulkhead?.concurrencyMax],
  ['seaworthy_retry_budget_tokens', 'Retries that the budget allows now.', ({ retryBudget }) => retryBudget?.tokens],
  ['seaworthy_retry_budget_tokens_max', 'Retries that the budget can hold.', ({ retryBudget }) => retryBudget?.tokensMax],
]

/** How calls ended. One that has not ended is in neither. */
const OUTCOMES = ['succeeded', 'failed'] as const

/**
 * Counts from now on what the policies of this process do; where they stand is read when somebody asks.
 * @param policiesMax how many names of policies get series of their own; the others are `policy="other"`
 */
export function policyMetrics(policiesMax: number): PolicyMetrics {
  const counters = new Map<Counter, Map<string, { readonly labels: Labels; value: number }>>()
  const names = new Set<string>()
  const nameOf = (policy: string): string => {
    if (names.size < policiesMax) names.add(policy)
    return names.has(policy) ? policy : 'other'
  }
  const count = (counter: Counter, policy: string, more: Labels = {}) => {
    const labels = { policy: nameOf(policy), ...more }
    const series = counters.get(counter) ?? new Map<string, { labels: Labels; value: number }>()
    counters.set(counter, series)
    const key = Object.values(labels).join('\0')
    const one = series.get(key) ?? { labels, value: 0 }
    one.value++
    series.set(key, one)
  }
  const stop = onResilienceEvent((event) => counted(event, count))

  const events = (): readonly MetricFamily[] =>
    Object.entries(COUNTERS).map(([name, help]) => {
      const series = [...(counters.get(name as Counter)?.values() ?? [])]
      return { name, type: 'counter', help, samples: series.map(({ labels, value }) => [labels, value] as const) }
    })
  const gauges = (snapshots: readonly PolicySnapshot[]): readonly MetricFamily[] =>
    GAUGES.map(([name, help, read]) => {
      const samples = new Map<string, number>()
      for (const each of snapshots) {
        const value = read(each)
        if (value !== undefined) samples.set(nameOf(each.name), (samples.get(nameOf(each.name)) ?? 0) + value)
      }
      return { name, type: 'gauge', help, samples: [...samples].map(([policy, value]) => [{ policy }, value] as const) }
    })
  return {
    families: (snapshots) => [
      ...events(),
      callsOf(snapshots, nameOf),
      {
        name: 'seaworthy_circuit_state',
        type: 'gauge',
        help: '1 for the state that a circuit breaker is in.',
        samples: snapshots.flatMap((each) => statesOf(each, nameOf)),
      },
      ...gauges(snapshots),
    ],
    [Symbol.dispose]: stop,
  }
}

/** Calls by how they ended, as their policies count them: retries are within a call, and what was turned away is a failed one. */
function callsOf(snapshots: readonly PolicySnapshot[], nameOf: (policy: string) => string): MetricFamily {
  const samples = new Map<string, [Labels, number]>()
  for (const snapshot of snapshots) {
    for (const outcome of OUTCOMES) {
      const labels = { policy: nameOf(snapshot.name), outcome }
      const key = JSON.stringify(labels)
      samples.set(key, [labels, (samples.get(key)?.[1] ?? 0) + snapshot[outcome]])
    }
  }
  return { name: 'seaworthy_calls_total', type: 'counter', help: 'Calls that ended, by how.', samples: [...samples.values()] }
}

function counted(event: ResilienceEvent, count: (counter: Counter, policy: string, more?: Labels) => void): void {
  const { policy } = event
  switch (event.type) {
    case 'call-rejected':
      return count('seaworthy_calls_rejected_total', policy, { by: event.by })
    case 'call-timed-out':
      return count('seaworthy_calls_timed_out_total', policy)
    case 'retry-scheduled':
      return count('seaworthy_retries_total', policy)
    case 'retry-abandoned':
      return count('seaworthy_retries_abandoned_total', policy, { why: event.why })
    case 'circuit-opened':
      return count('seaworthy_circuit_changes_total', policy, { to: 'open' })
    case 'circuit-half-opened':
      return count('seaworthy_circuit_changes_total', policy, { to: 'half-open' })
    case 'circuit-closed':
      return count('seaworthy_circuit_changes_total', policy, { to: 'closed' })
    case 'circuit-isolated':
      return count('seaworthy_circuit_changes_total', policy, { to: 'isolated' })
  }
}

/** Names that share a series have no state in common, so that only those of their own are shown. */
function statesOf({ name, circuitBreaker }: PolicySnapshot, nameOf: (policy: string) => string): Sample[] {
  if (circuitBreaker === undefined || nameOf(name) !== name) return []
  return STATES.map((state) => [{ policy: name, state }, circuitBreaker.state === state ? 1 : 0])
}
