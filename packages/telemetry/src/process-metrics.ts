import { PerformanceObserver, constants, monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { getHeapSpaceStatistics } from 'node:v8'
import type { MetricFamily } from './metric-family.ts'

// Upper bounds in seconds, as prom-client has them: dashboards that people have are drawn for these.
const GC_BUCKETS_S = [0.001, 0.01, 0.1, 1, 2, 5]
const GC_KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
}
// How often the loop is expected to come round. The delays are what is above it.
const RESOLUTION_MS = 20
const NS_PER_S = 1e9

interface Pauses {
  readonly buckets: number[]
  count: number
  sumS: number
}

export interface ProcessMetrics extends Disposable {
  /** @param reader who asks: the delays are those since the same reader asked last */
  families(reader: object): readonly MetricFamily[]
}

type Delay = ReturnType<typeof monitorEventLoopDelay>

/**
 * CPU, memory, delay of the event loop and garbage collection of this process, under the names that Prometheus' own clients use (`process_*`, and `nodejs_*` as in
 * prom-client).
 */
export function processMetrics(): ProcessMetrics {
  // One for each reader, which begins anew when it was read. They are few: a scrape, and each place that metrics are sent to.
  const delays = new Map<object, Delay>()
  const delayFor = (reader: object): Delay => {
    const known = delays.get(reader)
    if (known !== undefined) return known
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    delay.enable()
    delays.set(reader, delay)
    return delay
  }
  const pauses = new Map<string, Pauses>()
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const kind = (entry as unknown as { readonly detail?: { readonly kind?: number } }).detail?.kind ?? 0
      note(pauses, GC_KINDS[kind] ?? 'other', entry.duration / 1_000)
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  const startedS = performance.timeOrigin / 1_000
  return {
    families: (reader) => {
      const delay = delayFor(reader)
      const families = [...usage(startedS), ...loop(delay), collections(pauses)]
      delay.reset()
      return families
    },
    [Symbol.dispose]: () => {
      for (const delay of delays.values()) delay.disable()
      observer.disconnect()
    },
  }
}

const gauge = (name: string, help: string, value: number): MetricFamily => ({ name, type: 'gauge', help, samples: [[{}, value]] })
const counter = (name: string, help: string, value: number): MetricFamily => ({ name, type: 'counter', help, samples: [[{}, value]] })

function usage(startedS: number): readonly MetricFamily[] {
  const { user, system } = process.cpuUsage()
  const memory = process.memoryUsage()
  return [
    counter('process_cpu_user_seconds_total', 'CPU time in user mode, of all threads.', user / 1e6),
    counter('process_cpu_system_seconds_total', 'CPU time in the kernel, of all threads.', system / 1e6),
    counter('process_cpu_seconds_total', 'CPU time, of all threads.', (user + system) / 1e6),
    gauge('process_start_time_seconds', 'When the process started, since the epoch.', startedS),
    gauge('process_resident_memory_bytes', 'Memory that the process has in RAM.', memory.rss),
    gauge('nodejs_heap_size_total_bytes', 'Size of the JavaScript heap.', memory.heapTotal),
    gauge('nodejs_heap_size_used_bytes', 'What of the JavaScript heap is used.', memory.heapUsed),
    gauge('nodejs_external_memory_bytes', 'Memory of objects outside of the JavaScript heap.', memory.external),
    {
      name: 'nodejs_heap_space_size_used_bytes',
      type: 'gauge',
      help: 'What of each space of the JavaScript heap is used.',
      samples: getHeapSpaceStatistics().map(({ space_name: space, space_used_size: bytes }) => [
        { space: space.replace(/_space$/, '') },
        bytes,
      ]),
    },
  ]
}

function loop(delay: Delay): readonly MetricFamily[] {
  // Before the first sample the mean is no number.
  const seconds = (ns: number) => (Number.isFinite(ns) ? Math.max(0, ns / NS_PER_S - RESOLUTION_MS / 1_000) : 0)
  const { active, idle } = performance.eventLoopUtilization()
  return [
    gauge('nodejs_eventloop_lag_mean_seconds', 'Mean delay of the event loop since this reader asked last.', seconds(delay.mean)),
    gauge(
      'nodejs_eventloop_lag_max_seconds',
      'Longest delay of the event loop since this reader asked last.',
      delay.count === 0 ? 0 : seconds(delay.max),
    ),
    gauge(
      'nodejs_eventloop_lag_p50_seconds',
      'Median delay of the event loop since this reader asked last.',
      seconds(delay.percentile(50)),
    ),
    gauge(
      'nodejs_eventloop_lag_p90_seconds',
      '90th percentile of the delay of the event loop since this reader asked last.',
      seconds(delay.percentile(90)),
    ),
    gauge(
      'nodejs_eventloop_lag_p99_seconds',
      '99th percentile of the delay of the event loop since this reader asked last.',
      seconds(delay.percentile(99)),
    ),
    counter('seaworthy_eventloop_active_seconds_total', 'How long the event loop had something to do.', active / 1_000),
    counter('seaworthy_eventloop_idle_seconds_total', 'How long the event loop waited for something to do.', idle / 1_000),
  ]
}

function note(pauses: Map<string, Pauses>, kind: string, seconds: number): void {
  const one = pauses.get(kind) ?? { buckets: GC_BUCKETS_S.map(() => 0), count: 0, sumS: 0 }
  pauses.set(kind, one)
  for (const [index, bound] of GC_BUCKETS_S.entries()) if (seconds <= bound) one.buckets[index]!++
  one.count++
  one.sumS += seconds
}

function collections(pauses: ReadonlyMap<string, Pauses>): MetricFamily {
  const name = 'nodejs_gc_duration_seconds'
  return {
    name,
    type: 'histogram',
    help: 'Pauses for garbage collection, by kind.',
    samples: [...pauses].flatMap(([kind, { buckets, count, sumS }]) => [
      ...buckets.map((value, index): MetricFamily['samples'][number] => [
        { le: String(GC_BUCKETS_S[index]), kind },
        value,
        `${name}_bucket`,
      ]),
      [{ le: '+Inf', kind }, count, `${name}_bucket`] as const,
      [{ kind }, sumS, `${name}_sum`] as const,
      [{ kind }, count, `${name}_count`] as const,
    ]),
  }
}
