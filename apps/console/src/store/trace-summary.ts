import type { SpanRow } from '../otlp/rows.ts'

/** What the spans of one batch add to a trace. */
export interface TraceChange {
  readonly traceId: string
  startUs: number
  endUs: number
  spanCount: number
  errorCount: number
  root: { readonly service: string; readonly name: string; readonly isOrphan: boolean; readonly startUs: number }
  correlationId: string | null
  /** Each service with the start of its first span. */
  readonly services: Map<string, number>
  readonly correlationIds: Set<string>
  readonly origins: Map<string, SpanRow['origin']>
}

/** Sums rows up by trace. The root is the earliest span without a parent; until it arrives, the earliest span stands for it. */
export function traceChanges(rows: readonly SpanRow[]): TraceChange[] {
  const changes = new Map<string, TraceChange>()
  for (const row of rows) {
    const root = { service: row.service, name: row.name, isOrphan: row.parentSpanId !== null, startUs: row.startUs }
    let change = changes.get(row.traceId)
    if (change === undefined) {
      change = {
        traceId: row.traceId,
        startUs: row.startUs,
        endUs: row.endUs,
        spanCount: 0,
        errorCount: 0,
        root,
        correlationId: null,
        services: new Map(),
        correlationIds: new Set(),
        origins: new Map(),
      }
      changes.set(row.traceId, change)
    }
    change.startUs = Math.min(change.startUs, row.startUs)
    change.endUs = Math.max(change.endUs, row.endUs)
    change.spanCount++
    if (row.isError) change.errorCount++
    if (isBetterRoot(root, change.root)) change.root = root
    if (row.correlationId !== null) {
      change.correlationId ??= row.correlationId
      change.correlationIds.add(row.correlationId)
    }
    change.services.set(row.service, Math.min(change.services.get(row.service) ?? row.startUs, row.startUs))
    change.origins.set(row.origin.key, row.origin)
  }
  return [...changes.values()]
}

function isBetterRoot(candidate: TraceChange['root'], current: TraceChange['root']): boolean {
  return candidate.isOrphan === current.isOrphan ? candidate.startUs < current.startUs : !candidate.isOrphan
}
