/**
 * Prometheus: rate, errors and duration of what the process does, what its policies do and where they stand, and what it uses, as a scrape reads it: in the text format, or
 * in OpenMetrics with exemplars, the traces behind the buckets.
 *
 * The problem: a breaker opens, a budget runs dry, and the graph that would have shown it was never drawn.
 * The guarantee: requests, calls, handlers and transactions are measured, and rejections, time-outs, retries and every change of a circuit are counted, from the
 * diagnostics channels, whichever part of the process they happen in; breakers, bulkheads and budgets are read when somebody asks, and cost nothing in between.
 * Not promised: what happened before it was made. Names beyond `policiesMax` share one series.
 */
import { TimeoutError, systemClock } from 'seaworthy/core'
import type { PolicySnapshot } from 'seaworthy/resilience'
import { type Exposition, TEXT_FORMAT, formatFor } from './exposition.ts'
import type { MetricFamily } from './metric-family.ts'
import { operationMetrics } from './operation-metrics.ts'
import { policyMetrics } from './policy-metrics.ts'
import { processMetrics } from './process-metrics.ts'

export type { BoundHistogram, Histogram } from './histogram.ts'
export { type BoundCounter, type BoundGauge, type InstrumentOptions, type Instruments, instruments } from './instruments.ts'
export { type Exposition, familyText } from './exposition.ts'
export { type Exemplar, type Labels, type MetricConvention, type MetricFamily, type MetricSample } from './metric-family.ts'
export { servedRequests } from './operation-metrics.ts'
export { type MessageFigures, messageFamilies, outboxFamilies, sagaFamilies } from './message-families.ts'

/** Somebody who is asked at each scrape, and may have to look into a database for the answer. */
export interface MetricSource {
  readonly name: string
  families(): Promise<readonly MetricFamily[]>
}

/** What is told besides what the process does by itself. */
export interface ToldMetrics {
  /** The policies whose state is shown: asked at each scrape. `() => keyed.snapshot().values()`, or a registry's snapshot. */
  readonly policies?: () => Iterable<PolicySnapshot>
  /** Asked by `scrape` and `collect`, all at once. */
  readonly sources?: readonly MetricSource[]
}

export interface PrometheusOptions extends ToldMetrics {
  /** How many names of policies get series of their own; the others are `policy="other"`. Default 1,000. */
  readonly policiesMax?: number
  /** Whether CPU, memory, delay of the event loop and garbage collection of the process are told too. Default true; false where another client does so. */
  readonly process?: boolean
  /** Whether the durations of requests, calls, handlers and transactions are told. Default true. */
  readonly operations?: boolean
}

export interface Collecting {
  /** Who asks, for figures such as the longest delay since the last time: each reader has its own last time. */
  readonly reader: object
  /** Whether the process ends: then sources that cannot answer any more are left out without a word. */
  readonly isLast?: boolean
}

export interface Prometheus extends Disposable {
  /** The `content-type` of {@link text} and {@link scrape}. */
  readonly contentType: string
  /** Everything but what `sources` tell, in Prometheus' text format 0.0.4. */
  text(): string
  /** Everything. A source that fails, or says nothing within 5 s, is left out, and `seaworthy_metrics_source_failed` says so: a database that is away must not hide the process. */
  scrape(): Promise<string>
  /** The same, to answer `GET /metrics` with. @param accept the request's field of that name: OpenMetrics, which has exemplars, is for who asks for it, as Prometheus does */
  exposition(accept: string | undefined): Promise<Exposition>
  /** The same, not as text. */
  collect(by: Collecting): Promise<readonly MetricFamily[]>
  /** Tells this too from now on. @returns what ends it, for when what a source asks is closed */
  add(more: ToldMetrics): () => void
}

const POLICIES_MAX = 1_000
/** Less than a scrape waits: a database that hangs must not hide the process either. */
const SOURCE_TIMEOUT_MS = 5_000
const LAST_TIMEOUT_MS = 200

/** Measures and counts from now on what this process does, until it is disposed of. */
export function prometheus(options: PrometheusOptions = {}): Prometheus {
  const { policiesMax = POLICIES_MAX, process: tellsProcess = true, operations = true } = options
  const told = new Set<ToldMetrics>([options])
  let parts = { process: tellsProcess ? processMetrics() : undefined, operations: operations ? operationMetrics() : undefined }
  const ofPolicies = policyMetrics(policiesMax)
  const scrapes: Collecting = { reader: {} }

  const own = ({ reader }: Collecting): readonly MetricFamily[] => [
    ...ofPolicies.families([...told].flatMap(({ policies }) => [...(policies?.() ?? [])])),
    ...(parts.operations?.families() ?? []),
    ...(parts.process?.families(reader) ?? []),
  ]
  const collect = async (by: Collecting) => {
    const sources = [...told].flatMap((each) => each.sources ?? [])
    return [...own(by), ...(await askAll(sources, by.isLast === true))]
  }

  return {
    contentType: TEXT_FORMAT.contentType,
    text: () => TEXT_FORMAT.write(own(scrapes)),
    scrape: async () => TEXT_FORMAT.write(await collect(scrapes)),
    exposition: async (accept) => {
      const { contentType, write } = formatFor(accept)
      return { contentType, body: write(await collect(scrapes)) }
    },
    collect,
    add: (more) => {
      told.add(more)
      return () => void told.delete(more)
    },
    [Symbol.dispose]: () => {
      ofPolicies[Symbol.dispose]()
      parts.process?.[Symbol.dispose]()
      parts.operations?.[Symbol.dispose]()
      parts = { process: undefined, operations: undefined }
    },
  }
}

async function askAll(sources: readonly MetricSource[], isLast: boolean): Promise<readonly MetricFamily[]> {
  const timeoutMs = isLast ? LAST_TIMEOUT_MS : SOURCE_TIMEOUT_MS
  const answers = await Promise.allSettled(sources.map((source) => within(timeoutMs, source)))
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  if (isLast) return found
  const failed: MetricFamily = {
    name: 'seaworthy_metrics_source_failed',
    type: 'gauge',
    help: '1 where a part of these metrics is missing, because whoever knows them could not be asked.',
    samples: answers.map(({ status }, index) => [{ source: sources[index]!.name }, status === 'rejected' ? 1 : 0]),
  }
  return [...found, failed]
}

function within(timeoutMs: number, source: MetricSource): Promise<readonly MetricFamily[]> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new TimeoutError(`${source.name} told no metrics within ${timeoutMs} ms.`, timeoutMs))
    const timer = systemClock.timer(timeoutMs, late, { keepAlive: false })
    const answer = async () => source.families()
    answer()
      .finally(() => timer.cancel())
      .then(resolve, reject)
  })
}
