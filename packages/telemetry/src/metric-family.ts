/** Names and values. */
export type Labels = Readonly<Record<string, string>>

/** One of the things that were counted, and the span in which it was: the way from a graph to a trace. */
export interface Exemplar {
  readonly value: number
  /** Milliseconds since the epoch. */
  readonly timeMs: number
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits. */
  readonly spanId: string
}

/** A histogram's samples have names of their own, and those of its buckets may have an exemplar. */
export type MetricSample = readonly [labels: Labels, value: number, name?: string, exemplar?: Exemplar | undefined]

/** One metric with all its series, as Prometheus has it. */
export interface MetricFamily {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /**
   * What OpenTelemetry's conventions call it, and the attributes that its labels stand for; absent where Prometheus' name is the only one. A Collector, and Prometheus where it
   * takes OTLP, make `name` of these again.
   */
  readonly convention?: MetricConvention
  readonly samples: readonly MetricSample[]
}

export interface MetricConvention {
  /** As in `http.server.request.duration`. */
  readonly name: string
  /** In UCUM, as in `s`. */
  readonly unit: string
  /** By label. */
  readonly attributes: Readonly<Record<string, string>>
}
