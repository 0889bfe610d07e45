/** Names and values. */
export type Labels = Readonly<Record<string, string>>

/** One metric with all its series, as Prometheus' text format has it. */
export interface MetricFamily {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** A histogram's samples have names of their own. */
  readonly samples: readonly (readonly [labels: Labels, value: number, name?: string])[]
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
