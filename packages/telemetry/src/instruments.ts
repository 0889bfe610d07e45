import { ConfigurationError } from 'seaworthy/core'
import { type BoundHistogram, Histogram, keyOf } from './histogram.ts'
import type { Labels, MetricConvention, MetricFamily } from './metric-family.ts'

export interface InstrumentOptions {
  /** As Prometheus has it, with the unit at its end: `orders_placed_total`, `basket_value_euros`. A counter's ends in `_total`. */
  readonly name: string
  readonly help: string
  /** What OpenTelemetry's conventions call it, where they know it. */
  readonly convention?: MetricConvention
  /** How many sets of labels get series of their own; what comes beyond shares one without labels. Default 1,000. */
  readonly seriesMax?: number
}

/** A counter of one set of labels. */
export interface BoundCounter {
  /** @param amount from 0. Default 1 */
  add(amount?: number): void
}

/** A gauge of one set of labels. */
export interface BoundGauge {
  set(value: number): void
  /** @param amount below zero too */
  add(amount: number): void
}

/**
 * Metrics of one's own, to be told beside the library's: `metrics.add({ sources: [mine] })`. Bind an instrument to its labels where the labels are known, and keep what
 * comes: to count then is an addition. To bind again finds the same series.
 */
export interface Instruments {
  readonly name: string
  counter(options: InstrumentOptions): { bind(labels: Labels): BoundCounter }
  gauge(options: InstrumentOptions): { bind(labels: Labels): BoundGauge }
  /** @param options.bounds upper bounds of the buckets, ascending */
  histogram(options: InstrumentOptions & { readonly bounds: readonly number[] }): { bind(labels: Labels): BoundHistogram }
  families(): Promise<readonly MetricFamily[]>
}

const SERIES_MAX = 1_000
// Of Prometheus' data model. A name that it does not take would take the whole scrape with it.
const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/

/** @param name of the source, in `seaworthy_metrics_source_failed` */
export function instruments(name = 'instruments'): Instruments {
  const made = new Map<string, () => MetricFamily>()
  const add = (options: InstrumentOptions, family: () => MetricFamily): void => {
    if (!NAME.test(options.name)) throw new ConfigurationError(`"${options.name}" is no name of a metric. Use letters, digits and "_".`)
    if (made.has(options.name))
      throw new ConfigurationError(`There is a metric ${options.name} already. Make it once, and bind it as often as needed.`)
    made.set(options.name, family)
  }
  const values = (type: 'counter' | 'gauge', options: InstrumentOptions) => {
    const { name, help, convention, seriesMax = SERIES_MAX } = options
    const series = new Map<string, Value>()
    add(options, () => ({
      name,
      type,
      help,
      ...(convention !== undefined && { convention }),
      samples: Array.from(series.values(), ({ labels, value }) => [labels, value] as const),
    }))
    return (wanted: Labels): Value => {
      const known = series.get(keyOf(wanted))
      if (known !== undefined) return known
      const labels = series.size < seriesMax ? wanted : {}
      const one = series.get(keyOf(labels)) ?? { labels, value: 0 }
      series.set(keyOf(labels), one)
      return one
    }
  }
  return {
    name,
    counter(options) {
      if (!options.name.endsWith('_total'))
        throw new ConfigurationError(`The counter ${options.name} is to end in "_total", as counters do.`)
      const of = values('counter', options)
      return { bind: (labels) => counting(of(labels), options.name) }
    },
    gauge(options) {
      const of = values('gauge', options)
      return { bind: (labels) => showing(of(labels)) }
    },
    histogram(options) {
      const { bounds } = options
      if (bounds.some((bound, index) => !Number.isFinite(bound) || bound <= (bounds[index - 1] ?? Number.NEGATIVE_INFINITY)))
        throw new ConfigurationError(`The bounds of ${options.name} are numbers in ascending order.`)
      const histogram = new Histogram({ seriesMax: SERIES_MAX, ...options })
      add(options, () => histogram.family())
      return histogram
    },
    families: async () => Array.from(made.values(), (family) => family()),
  }
}

interface Value {
  readonly labels: Labels
  value: number
}

function counting(one: Value, name: string): BoundCounter {
  return {
    add(amount = 1) {
      if (!(amount >= 0)) throw new ConfigurationError(`A counter goes up: ${name} cannot be counted by ${amount}. Use a gauge.`)
      one.value += amount
    },
  }
}

function showing(one: Value): BoundGauge {
  return {
    set: (value) => void (one.value = value),
    add: (amount) => void (one.value += amount),
  }
}
