import type { Exemplar, Labels, MetricFamily } from './metric-family.ts'

/** What answers a scrape. */
export interface Exposition {
  readonly contentType: string
  readonly body: string
}

/** A way to write metrics for a scrape. */
export interface ExpositionFormat {
  readonly contentType: string
  readonly write: (families: readonly MetricFamily[]) => string
}

/** Prometheus' text format 0.0.4. It has no place for exemplars. */
export const TEXT_FORMAT: ExpositionFormat = {
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  write: (families) => families.map(familyText).join(''),
}

/** OpenMetrics 1.0. */
export const OPEN_METRICS: ExpositionFormat = {
  contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  write: (families) => `${families.map(openMetricsText).join('')}# EOF\n`,
}

/** What `accept`, the field of the request, wants most (RFC 9110, section 12.5.1); the text format where it does not say. */
export function formatFor(accept: string | undefined): ExpositionFormat {
  let [open, text] = [0, 0]
  for (const range of (accept ?? '').toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
    const valueOf = (name: string) => parameters.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1)
    const weight = Number(valueOf('q') ?? 1)
    if (type === 'application/openmetrics-text' && (valueOf('version') ?? '1.0.0') === '1.0.0') open = Math.max(open, weight)
    else if (type === 'text/plain' || type === 'text/*' || type === '*/*') text = Math.max(text, weight)
  }
  return open > 0 && open >= text ? OPEN_METRICS : TEXT_FORMAT
}

/** Nothing for a family without samples. */
export function familyText({ name, type, help, samples }: MetricFamily): string {
  if (samples.length === 0) return ''
  const lines = samples.map(([labels, value, own = name]) => `${own}${labelsText(labels)} ${numberText(value)}\n`)
  return `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

const BUCKET = /_bucket$/

function openMetricsText({ name, type, help, samples }: MetricFamily): string {
  if (samples.length === 0) return ''
  // The ending is of the sample, and not of the family; a counter that has none cannot be one here.
  const isCounter = type === 'counter' && name.endsWith('_total')
  const family = isCounter ? name.slice(0, -'_total'.length) : name
  const kind = type === 'counter' && !isCounter ? 'unknown' : type
  const lines = samples.map(([labels, value, own = name, exemplar]) => {
    const text = labelsText(BUCKET.test(own) ? withFloatBound(labels) : labels)
    return `${own}${text} ${numberText(value)}${exemplar === undefined ? '' : exemplarText(exemplar)}\n`
  })
  return `# TYPE ${family} ${kind}\n# HELP ${family} ${escaped(help).replaceAll('"', String.raw`\"`)}\n${lines.join('')}`
}

/** Bounds are floats, and texts: `1.0`. Prometheus 3 makes the same of what comes in the text format. */
function withFloatBound(labels: Labels): Labels {
  const { le } = labels
  return le !== undefined && /^-?\d+$/.test(le) ? { ...labels, le: `${le}.0` } : labels
}

function exemplarText({ value, timeMs, traceId, spanId }: Exemplar): string {
  return ` # {trace_id="${traceId}",span_id="${spanId}"} ${numberText(value)} ${(timeMs / 1_000).toFixed(3)}`
}

function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text).replaceAll('"', String.raw`\"`)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

/** A line is a line. */
const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
