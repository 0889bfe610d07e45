/** Names and values. */
export type Labels = Readonly<Record<string, string>>

/** One metric with all its series, as Prometheus' text format has it. */
export interface MetricFamily {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /**
   * What OpenTelemetry's conventions call it, and the attributes that its labels stand for; absent where Prometheus' name is the only one. A Collector, and Prometheus where it
   * takes OTLP, make `name` of these again.
   */
  readonly convention?: MetricConvention
  /** A histogram's samples have names of their own. */
  readonly samples: readonly (readonly [labels: Labels, value: number, name?: string])[]
}

export interface MetricConvention {
  /** As in `http.server.request.duration`. */
  readonly name: string
  /** In UCUM, as in `s`. */
  readonly unit: string
  /** By label. */
  readonly attributes: Readonly<Record<string, string>>
}

/** Text format 0.0.4; nothing for a family without samples. */
export function familyText({ name, type, help, samples }: MetricFamily): string {
  if (samples.length === 0) return ''
  const lines = samples.map(([labels, value, own = name]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
    return `${own}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`
  })
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
