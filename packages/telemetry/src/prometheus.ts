/**
 * Prometheus: rate, errors and duration of what the process does, what its policies do and where they stand, and what it uses, as the text that a scrape reads.
 *
 * The problem: a breaker opens, a budget runs dry, and the graph that would have shown it was never drawn.
 * The guarantee: requests, calls, handlers and transactions are measured, and rejections, time-outs, retries and every change of a circuit are counted, from the
 * diagnostics channels, whichever part of the process they happen in; breakers, bulkheads and budgets are read when somebody scrapes, and cost nothing in between.
 * Not promised: what happened before it was made. Names beyond `policiesMax` share one series.
 */
import { type Labels, type MetricFamily, familyText } from './metric-family.ts'
import { operationMetrics } from './operation-metrics.ts'
import { processMetrics } from './process-metrics.ts'
import { onResilienceEvent, type PolicySnapshot, type ResilienceEvent } from 'seaworthy/resilience'

export type { Histogram } from './histogram.ts'
export { type Labels, type MetricFamily, familyText } from './metric-family.ts'
export { servedRequests } from './operation-metrics.ts'
export { type MessageFigures, messageFamilies, outboxFamilies, sagaFamilies } from './message-families.ts'

/** Somebody who is asked at each scrape, and may have to look into a database for the answer. */
export interface MetricSource {
  readonly name: string
  families(): Promise<readonly MetricFamily[]>
}

export interface PrometheusOptions {
  /** The policies whose state is shown: asked at each scrape. `() => keyed.snapshot().values()`, or a registry's snapshot. */
  readonly policies?: () => Iterable<PolicySnapshot>
  /** How many names of policies get series of their own; the others are `policy="other"`. Default 1,000. */
  readonly policiesMax?: number
  /** Whether CPU, memory, delay of the event loop and garbage collection of the process are told too. Default true; false where another client does so. */
  readonly process?: boolean
  /** Whether the durations of requests, calls, handlers and transactions are told. Default true. */
  readonly operations?: boolean
  /** Asked by `scrape`, all at once. */
  readonly sources?: readonly MetricSource[]
}

export interface Prometheus extends Disposable {
  /** The `content-type` of {@link text}. */
  readonly contentType: string
  /** Everything but what `sources` tell, in Prometheus' text format 0.0.4. */
  text(): string
  /** Everything. A source that fails is left out, and `seaworthy_metrics_source_failed` says so: a database that is away must not hide the process. */
  scrape(): Promise<string>
}

const POLICIES_MAX = 1_000
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

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

/** Measures and counts from now on what this process does, until it is disposed of. */
export function prometheus(options: PrometheusOptions = {}): Prometheus {
  const { policies, policiesMax = POLICIES_MAX, process: tellsProcess = true, operations = true, sources = [] } = options
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
  let ofProcess = tellsProcess ? processMetrics() : undefined
  let ofOperations = operations ? operationMetrics() : undefined
  const stop = onResilienceEvent((event) => counted(event, count))

  const text = (): string => {
    const parts: string[] = []
    for (const [counter, help] of Object.entries(COUNTERS)) {
      const series = [...(counters.get(counter as Counter)?.values() ?? [])]
      parts.push(familyText({ name: counter, type: 'counter', help, samples: series.map(({ labels, value }) => [labels, value]) }))
    }
    const snapshots = [...(policies?.() ?? [])]
    parts.push(familyText(callsOf(snapshots, nameOf)))
    parts.push(
      familyText({
        name: 'seaworthy_circuit_state',
        type: 'gauge',
        help: '1 for the state that a circuit breaker is in.',
        samples: snapshots.flatMap((each) => statesOf(each, nameOf)),
      }),
    )
    for (const [name, help, read] of GAUGES) {
      const samples = new Map<string, number>()
      for (const each of snapshots) {
        const value = read(each)
        if (value !== undefined) samples.set(nameOf(each.name), (samples.get(nameOf(each.name)) ?? 0) + value)
      }
      parts.push(familyText({ name, type: 'gauge', help, samples: [...samples].map(([policy, value]) => [{ policy }, value]) }))
    }
    for (const each of [...(ofOperations?.families() ?? []), ...(ofProcess?.families() ?? [])]) parts.push(familyText(each))
    return parts.join('')
  }

  return {
    contentType: CONTENT_TYPE,
    text,
    scrape: async () => text() + (await askAll(sources)),
    [Symbol.dispose]: () => {
      stop()
      ofProcess?.[Symbol.dispose]()
      ofProcess = undefined
      ofOperations?.[Symbol.dispose]()
      ofOperations = undefined
    },
  }
}

async function askAll(sources: readonly MetricSource[]): Promise<string> {
  const answers = await Promise.allSettled(sources.map(async (source) => source.families()))
  const failed = familyText({
    name: 'seaworthy_metrics_source_failed',
    type: 'gauge',
    help: '1 where a part of these metrics is missing, because whoever knows them could not be asked.',
    samples: answers.map(({ status }, index) => [{ source: sources[index]!.name }, status === 'rejected' ? 1 : 0]),
  })
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value.map(familyText) : [])).join('') + failed
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
