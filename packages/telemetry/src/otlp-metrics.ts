import { type HrTime, ValueType } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import { keyOf } from './histogram.ts'
import type { Labels, MetricFamily } from './metric-family.ts'
import type { ResourceMetrics } from './otlp-http.ts'

/** One of the SDK's `MetricData`. Kinds and temporality are members of its enumerations, as numbers: to import those would load the SDK in every process that starts. */
interface Metric {
  readonly descriptor: { readonly name: string; readonly description: string; readonly unit: string; readonly valueType: ValueType }
  readonly aggregationTemporality: typeof CUMULATIVE
  readonly dataPointType: typeof SUM | typeof GAUGE | typeof HISTOGRAM
  readonly isMonotonic?: true
  readonly dataPoints: readonly (Times & { readonly attributes: Labels; readonly value: number | HistogramValue })[]
}

interface HistogramValue {
  readonly sum: number
  readonly count: number
  /** Each bucket by itself; one more of them than boundaries. */
  readonly buckets: { readonly boundaries: readonly number[]; readonly counts: readonly number[] }
}

interface Times {
  readonly startTime: HrTime
  readonly endTime: HrTime
}

const HISTOGRAM = 0
const GAUGE = 2
const SUM = 3
const CUMULATIVE = 1

export interface MetricMoment {
  readonly resource: Resource
  /** Since when counters have counted, and when they were read; both in milliseconds since the epoch. */
  readonly startMs: number
  readonly nowMs: number
}

/** What a scrape tells, as OpenTelemetry's metrics: sums since the start of the process. What is no number is left out: a mean of nothing. */
export function resourceMetrics(families: readonly MetricFamily[], { resource, startMs, nowMs }: MetricMoment): ResourceMetrics {
  const times = { startTime: hrTime(startMs), endTime: hrTime(nowMs) }
  const metrics = families.map((family) => metricOf(family, times)).filter(({ dataPoints }) => dataPoints.length > 0)
  return { resource, scopeMetrics: [{ scope: { name: 'seaworthy' }, metrics }] } as unknown as ResourceMetrics
}

/** How many points it has: what collectors count. */
export function pointsIn({ scopeMetrics }: ResourceMetrics): number {
  return scopeMetrics.reduce((all, { metrics }) => all + metrics.reduce((count, { dataPoints }) => count + dataPoints.length, 0), 0)
}

function metricOf(family: MetricFamily, times: Times): Metric {
  const { name, help, type, convention, samples } = family
  const descriptor = { name: convention?.name ?? name, description: help, unit: convention?.unit ?? '', valueType: ValueType.DOUBLE }
  const shared = { descriptor, aggregationTemporality: CUMULATIVE } as const
  if (type === 'histogram') return { ...shared, dataPointType: HISTOGRAM, dataPoints: histogramPoints(family, times) }
  const dataPoints = samples
    .filter(([, value]) => Number.isFinite(value))
    .map(([labels, value]) => ({ ...times, attributes: attributesOf(labels, family), value }))
  return type === 'counter'
    ? { ...shared, dataPointType: SUM, isMonotonic: true, dataPoints }
    : { ...shared, dataPointType: GAUGE, dataPoints }
}

/** In Prometheus' format a histogram is a sample for each bucket, which holds what is in the smaller ones too, and one each for sum and count. */
function histogramPoints(family: MetricFamily, times: Times): Metric['dataPoints'] {
  const { name } = family
  const series = new Map<
    string,
    { readonly labels: Labels; readonly buckets: [bound: number, count: number][]; sum: number; count: number }
  >()
  for (const [{ le, ...labels }, value, own] of family.samples) {
    const key = keyOf(labels)
    const one = series.get(key) ?? { labels, buckets: [], sum: 0, count: 0 }
    series.set(key, one)
    if (own === `${name}_bucket` && le !== undefined) one.buckets.push([le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), value])
    else if (own === `${name}_sum`) one.sum = value
    else if (own === `${name}_count`) one.count = value
  }
  return Array.from(series.values(), ({ labels, buckets, sum, count }) => {
    const ascending = buckets.toSorted(([one], [other]) => one - other)
    return {
      ...times,
      attributes: attributesOf(labels, family),
      value: {
        sum,
        count,
        buckets: {
          boundaries: ascending.map(([bound]) => bound).filter(Number.isFinite),
          counts: ascending.map(([, upTo], index) => upTo - (ascending[index - 1]?.[1] ?? 0)),
        },
      },
    }
  })
}

function attributesOf(labels: Labels, { convention }: MetricFamily): Labels {
  if (convention === undefined) return labels
  return Object.fromEntries(Object.entries(labels).map(([label, value]) => [convention.attributes[label] ?? label, value]))
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000)
  return [seconds, Math.round((ms - seconds * 1_000) * 1_000_000)]
}
