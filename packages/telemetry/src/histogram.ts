import type { Labels, MetricConvention, MetricFamily } from './metric-family.ts'

/** The text of a family's labels, in the order in which they were given. */
export const keyOf = (labels: Labels): string => JSON.stringify(labels)

interface Series {
  readonly labels: Labels
  /** How many fell into each bucket alone; the last one is what is beyond all bounds. */
  readonly counts: number[]
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
}

/** A histogram of one set of labels, looked up once: what is observed often costs no more than a place in a bucket. */
export interface BoundHistogram {
  observe(value: number): void
}

/** Counts observations in buckets, for each set of labels. */
export class Histogram {
  readonly #options: HistogramOptions
  readonly #series = new Map<string, Series>()

  constructor(options: HistogramOptions) {
    this.#options = options
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
    const place = bounds.findIndex((bound) => value <= bound)
    series.counts[place === -1 ? bounds.length : place]!++
    series.sum += value
  }

  #of(wanted: Labels): Series {
    const { bounds, seriesMax } = this.#options
    const known = this.#series.get(keyOf(wanted))
    if (known !== undefined) return known
    const labels = this.#series.size < seriesMax ? wanted : {}
    const shared = this.#series.get(keyOf(labels))
    if (shared !== undefined) return shared
    const series = { labels, counts: Array.from({ length: bounds.length + 1 }, () => 0), sum: 0 }
    this.#series.set(keyOf(labels), series)
    return series
  }

  #samples({ labels, counts, sum }: Series): MetricFamily['samples'] {
    const { name, bounds } = this.#options
    let count = 0
    const buckets = counts.map((inBucket, index): MetricFamily['samples'][number] => {
      // In Prometheus' format a bucket holds what is in the smaller ones too.
      count += inBucket
      return [{ ...labels, le: index === bounds.length ? '+Inf' : String(bounds[index]) }, count, `${name}_bucket`]
    })
    return [...buckets, [labels, sum, `${name}_sum`], [labels, count, `${name}_count`]]
  }
}
