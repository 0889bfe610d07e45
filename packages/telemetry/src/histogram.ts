import { type Clock, recordedSpan, systemClock } from 'seaworthy/core'
import type { Exemplar, Labels, MetricConvention, MetricFamily, MetricSample } from './metric-family.ts'

/** The text of a family's labels, in the order in which they were given. */
export const keyOf = (labels: Labels): string => JSON.stringify(labels)

interface Series {
  readonly labels: Labels
  /** How many fell into each bucket alone; the last one is what is beyond all bounds. */
  readonly counts: number[]
  /** One of those in each bucket that fell into a recorded span. */
  readonly exemplars: (Exemplar | undefined)[]
  sum: number
}

export interface HistogramOptions {
  readonly name: string
  readonly help: string
  readonly convention?: MetricConvention
  /** Upper bounds, ascending. */
  readonly bounds: readonly number[]
  /** How many sets of labels get series of their own; what comes beyond shares one without labels. */
  readonly seriesMax: number
  readonly clock?: Clock
}

/** A histogram of one set of labels, looked up once: what is observed often costs no more than a place in a bucket. */
export interface BoundHistogram {
  observe(value: number): void
}

/** A scrape comes every some seconds and takes one a bucket: to look for the span in progress more often would be for nothing. */
const EXEMPLAR_EVERY_MS = 1_000

/** Counts observations in buckets, for each set of labels, and keeps an exemplar for each bucket while there are spans. */
export class Histogram {
  readonly #options: HistogramOptions
  readonly #clock: Clock
  readonly #series = new Map<string, Series>()

  constructor(options: HistogramOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  observe(labels: Labels, value: number): void {
    this.#count(this.#of(labels), value)
  }

  bind(labels: Labels): BoundHistogram {
    const series = this.#of(labels)
    return { observe: (value) => this.#count(series, value) }
  }

  family(): MetricFamily {
    const { name, help, convention } = this.#options
    const samples = [...this.#series.values()].flatMap((series) => this.#samples(series))
    return { name, help, type: 'histogram', ...(convention !== undefined && { convention }), samples }
  }

  #count(series: Series, value: number): void {
    const { bounds } = this.#options
    const found = bounds.findIndex((bound) => value <= bound)
    const place = found === -1 ? bounds.length : found
    series.counts[place]!++
    series.sum += value
    const timeMs = this.#clock.now()
    const last = series.exemplars[place]
    if (last !== undefined && timeMs - last.timeMs < EXEMPLAR_EVERY_MS && timeMs >= last.timeMs) return
    const span = recordedSpan()
    if (span !== undefined) series.exemplars[place] = { value, timeMs, traceId: span.traceId, spanId: span.spanId }
  }

  #of(wanted: Labels): Series {
    const { bounds, seriesMax } = this.#options
    const known = this.#series.get(keyOf(wanted))
    if (known !== undefined) return known
    const labels = this.#series.size < seriesMax ? wanted : {}
    const shared = this.#series.get(keyOf(labels))
    if (shared !== undefined) return shared
    const places = bounds.length + 1
    const series: Series = { labels, counts: Array.from({ length: places }, () => 0), exemplars: Array.from({ length: places }), sum: 0 }
    this.#series.set(keyOf(labels), series)
    return series
  }

  #samples({ labels, counts, exemplars, sum }: Series): readonly MetricSample[] {
    const { name, bounds } = this.#options
    let count = 0
    const buckets = counts.map((inBucket, index): MetricSample => {
      // In Prometheus' format a bucket holds what is in the smaller ones too.
      count += inBucket
      return [{ ...labels, le: index === bounds.length ? '+Inf' : String(bounds[index]) }, count, `${name}_bucket`, exemplars[index]]
    })
    return [...buckets, [labels, sum, `${name}_sum`], [labels, count, `${name}_count`]]
  }
}
