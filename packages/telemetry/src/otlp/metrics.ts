import type { Attributes } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import { keyOf } from '../histogram.ts'
import type { Exemplar, Labels, MetricFamily } from '../metric-family.ts'

/**
 * All metrics of a moment, as an `ExportMetricsServiceRequest` in OTLP's JSON form (opentelemetry-proto 1.x, metrics/v1/metrics.proto). OpenTelemetry's own serializers
 * know no exemplars.
 */
export interface MetricsMoment {
  readonly resourceMetrics: readonly [
    { readonly resource: { readonly attributes: readonly KeyValue[] }; readonly scopeMetrics: readonly [ScopeMetrics] },
  ]
}

interface ScopeMetrics {
  readonly scope: { readonly name: string }
  readonly metrics: readonly Metric[]
}

export interface KeyValue {
  readonly key: string
  readonly value: AnyValue
}

export interface AnyValue {
  readonly stringValue?: string
  readonly boolValue?: boolean
  readonly intValue?: number
  readonly doubleValue?: number
  readonly arrayValue?: { readonly values: readonly AnyValue[] }
}

export interface Metric {
  readonly name: string
  readonly description: string
  readonly unit: string
  readonly gauge?: { readonly dataPoints: readonly NumberPoint[] }
  readonly sum?: { readonly aggregationTemporality: number; readonly isMonotonic: boolean; readonly dataPoints: readonly NumberPoint[] }
  readonly histogram?: { readonly aggregationTemporality: number; readonly dataPoints: readonly HistogramPoint[] }
}

/** Of a series: nanoseconds since the epoch, as digits. */
interface Point {
  readonly attributes: readonly KeyValue[]
  readonly startTimeUnixNano: string
  readonly timeUnixNano: string
}

export interface NumberPoint extends Point {
  readonly asDouble: number
}

export interface HistogramPoint extends Point {
  readonly count: number
  readonly sum: number
  /** Each by itself; one more of them than bounds. */
  readonly bucketCounts: readonly number[]
  readonly explicitBounds: readonly number[]
  readonly exemplars?: readonly ExemplarPoint[]
}

export interface ExemplarPoint {
  readonly timeUnixNano: string
  readonly asDouble: number
  /** In hexadecimal digits, as OTLP's JSON form has ids. */
  readonly traceId: string
  readonly spanId: string
}

/** `AGGREGATION_TEMPORALITY_CUMULATIVE`: sums since the start of the process. */
const CUMULATIVE = 2

export interface MomentOf {
  readonly resource: Resource
  /** Since when counters have counted, and when they were read; both in milliseconds since the epoch. */
  readonly startMs: number
  readonly nowMs: number
}

type Times = Pick<Point, 'startTimeUnixNano' | 'timeUnixNano'>

/** What a scrape tells, as OpenTelemetry's metrics. What is no number is left out: a mean of nothing. */
export function metricsMoment(families: readonly MetricFamily[], { resource, startMs, nowMs }: MomentOf): MetricsMoment {
  const times = { startTimeUnixNano: nanosOf(startMs), timeUnixNano: nanosOf(nowMs) }
  const metrics = families.map((family) => metricOf(family, times)).filter((metric) => pointsOf(metric).length > 0)
  return {
    resourceMetrics: [
      { resource: { attributes: keyValuesOf(resource.attributes) }, scopeMetrics: [{ scope: { name: 'seaworthy' }, metrics }] },
    ],
  }
}

/** How many points it has: what collectors count. */
export function pointsIn({ resourceMetrics: [{ scopeMetrics }] }: MetricsMoment): number {
  return scopeMetrics[0].metrics.reduce((all, metric) => all + pointsOf(metric).length, 0)
}

function pointsOf({ gauge, sum, histogram }: Metric): readonly Point[] {
  return (gauge ?? sum ?? histogram)?.dataPoints ?? []
}

function metricOf(family: MetricFamily, times: Times): Metric {
  const { name, help, type, convention, samples } = family
  const described = { name: convention?.name ?? name, description: help, unit: convention?.unit ?? '' }
  if (type === 'histogram')
    return { ...described, histogram: { aggregationTemporality: CUMULATIVE, dataPoints: histogramPoints(family, times) } }
  const dataPoints = samples
    .filter(([, value]) => Number.isFinite(value))
    .map(([labels, value]) => ({ attributes: attributesOf(labels, family), ...times, asDouble: value }))
  return type === 'counter'
    ? { ...described, sum: { aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints } }
    : { ...described, gauge: { dataPoints } }
}

interface Series {
  readonly labels: Labels
  readonly buckets: { readonly bound: number; readonly upTo: number; readonly exemplar: Exemplar | undefined }[]
  sum: number
  count: number
}

/** In Prometheus' format a histogram is a sample for each bucket, which holds what is in the smaller ones too, and one each for sum and count. */
function histogramPoints(family: MetricFamily, times: Times): readonly HistogramPoint[] {
  const { name } = family
  const series = new Map<string, Series>()
  for (const [{ le, ...labels }, value, own, exemplar] of family.samples) {
    const key = keyOf(labels)
    const one = series.get(key) ?? { labels, buckets: [], sum: 0, count: 0 }
    series.set(key, one)
    if (own === `${name}_bucket` && le !== undefined)
      one.buckets.push({ bound: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), upTo: value, exemplar })
    else if (own === `${name}_sum`) one.sum = value
    else if (own === `${name}_count`) one.count = value
  }
  return Array.from(series.values(), ({ labels, buckets, sum, count }) => {
    const ascending = buckets.toSorted((one, other) => one.bound - other.bound)
    const exemplars = ascending.flatMap(({ exemplar }) => (exemplar === undefined ? [] : [exemplarPoint(exemplar)]))
    return {
      attributes: attributesOf(labels, family),
      ...times,
      count,
      sum,
      bucketCounts: ascending.map(({ upTo }, index) => upTo - (ascending[index - 1]?.upTo ?? 0)),
      explicitBounds: ascending.map(({ bound }) => bound).filter(Number.isFinite),
      ...(exemplars.length > 0 && { exemplars }),
    }
  })
}

function exemplarPoint({ value, timeMs, traceId, spanId }: Exemplar): ExemplarPoint {
  return { timeUnixNano: nanosOf(timeMs), asDouble: value, traceId, spanId }
}

function attributesOf(labels: Labels, { convention }: MetricFamily): readonly KeyValue[] {
  return Object.entries(labels).map(([label, text]) => ({ key: convention?.attributes[label] ?? label, value: { stringValue: text } }))
}

function keyValuesOf(attributes: Attributes): readonly KeyValue[] {
  return Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value: anyValue(value) }]))
}

/** Of a resource: texts, numbers, truths and lists of them. */
function anyValue(value: unknown): AnyValue {
  switch (typeof value) {
    case 'string':
      return { stringValue: value }
    case 'boolean':
      return { boolValue: value }
    case 'number':
      return Number.isSafeInteger(value) ? { intValue: value } : { doubleValue: value }
    default:
      return Array.isArray(value) ? { arrayValue: { values: value.map(anyValue) } } : {}
  }
}

/** Milliseconds are exact to a few hundred nanoseconds as it is. */
function nanosOf(ms: number): string {
  const whole = Math.floor(ms)
  return `${BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1_000_000))}`
}
