import type { ExportStatus } from './export-queue.ts'
import type { MetricFamily } from './metric-family.ts'
import type { OtlpSignal } from './otlp/items.ts'

export function sumOf(statuses: readonly ExportStatus[]): ExportStatus {
  const sum = (name: keyof ExportStatus) => statuses.reduce((all, status) => all + status[name], 0)
  return { queued: sum('queued'), exported: sum('exported'), dropped: sum('dropped') }
}

/** What became of spans, data points and log records, for whoever wants to hear of a loss. A signal that goes nowhere is not told. */
export function exportFamilies(statuses: Readonly<Record<OtlpSignal, readonly ExportStatus[]>>): readonly MetricFamily[] {
  const sums = Object.entries(statuses)
    .filter(([, each]) => each.length > 0)
    .map(([signal, each]) => [{ signal }, sumOf(each)] as const)
  const family = (name: string, type: 'counter' | 'gauge', help: string, of: keyof ExportStatus): MetricFamily => ({
    name,
    type,
    help,
    samples: sums.map(([labels, sum]) => [labels, sum[of]] as const),
  })
  return [
    family('seaworthy_telemetry_exported_total', 'counter', 'Spans, data points and log records that a collector took.', 'exported'),
    family(
      'seaworthy_telemetry_dropped_total',
      'counter',
      'Those that were lost: a queue was full, or a collector refused or missed them.',
      'dropped',
    ),
    family('seaworthy_telemetry_queued', 'gauge', 'Those that wait to be sent.', 'queued'),
  ]
}
