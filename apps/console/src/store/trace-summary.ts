import { KIND } from '../otlp/model.ts'
import type { Outcome } from '../otlp/outcome.ts'
import type { SpanRow } from '../otlp/rows.ts'

/** What the spans of one batch add to a trace. */
export interface TraceChange {
  readonly traceId: string
  startUs: number
  endUs: number
  spanCount: number
  /** Of the spans, as they are written. */
  bytes: number
  errorCount: number
  root: Root
  saysRejected: boolean
  correlationId: string | null
  /** The keys of the origins, each with the start of its first span. */
  readonly origins: Map<string, number>
  readonly correlationIds: Set<string>
  /** Requests that a server knew the route of to its end: of each the last such server. */
  readonly routes: Map<string, { readonly startUs: number; readonly name: string }>
}

/** A span that may be the trace's first. */
interface Root {
  readonly service: string
  readonly name: string
  /** It names a parent, which may arrive later. */
  readonly isOrphan: boolean
  readonly startUs: number
  readonly outcome: Outcome
  readonly httpStatus: number | null
  /** Nobody asked for it: a poll, a projection, a timer. */
  readonly isBackground: boolean
  /** What it was asked for, where it does not know the whole route. */
  readonly unroutedRequest: string | null
}

/** Sums rows up by trace. The root is the earliest span without a parent; until it arrives, the earliest span stands for it. */
export function traceChanges(rows: readonly SpanRow[]): TraceChange[] {
  const changes = new Map<string, TraceChange>()
  for (const row of rows) {
    const root = rootOf(row)
    let change = changes.get(row.traceId)
    if (change === undefined) {
      change = {
        traceId: row.traceId,
        startUs: row.startUs,
        endUs: row.endUs,
        spanCount: 0,
        bytes: 0,
        errorCount: 0,
        root,
        saysRejected: false,
        correlationId: null,
        origins: new Map(),
        correlationIds: new Set(),
        routes: new Map(),
      }
      changes.set(row.traceId, change)
    }
    change.startUs = Math.min(change.startUs, row.startUs)
    change.endUs = Math.max(change.endUs, row.endUs)
    change.spanCount++
    change.bytes += row.bytes
    if (row.isError) change.errorCount++
    change.saysRejected ||= row.saysRejected
    if (isBetterRoot(root, change.root)) change.root = root
    if (row.correlationId !== null) {
      change.correlationId ??= row.correlationId
      change.correlationIds.add(row.correlationId)
    }
    const { key } = row.origin
    change.origins.set(key, Math.min(change.origins.get(key) ?? row.startUs, row.startUs))
    if (row.served?.isRouted === true) noteRoute(change, row.served.request, row)
  }
  return [...changes.values()]
}

function noteRoute({ routes }: TraceChange, request: string, { startUs, name }: SpanRow): void {
  const known = routes.get(request)
  if (known === undefined || startUs >= known.startUs) routes.set(request, { startUs, name })
}

const BACKGROUND_KINDS: ReadonlySet<number> = new Set([KIND.internal, KIND.client, KIND.producer])

function rootOf(row: SpanRow): Root {
  const isOrphan = row.parentSpanId !== null
  return {
    service: row.service,
    name: row.name,
    isOrphan,
    startUs: row.startUs,
    outcome: row.outcome,
    httpStatus: row.kind === KIND.server ? row.httpStatus : null,
    // Who says nothing of the kind of its spans, as many of other tools do, would have nothing to look at.
    isBackground: !isOrphan && BACKGROUND_KINDS.has(row.kind),
    unroutedRequest: row.served === null || row.served.isRouted ? null : row.served.request,
  }
}

function isBetterRoot(candidate: Root, current: Root): boolean {
  return candidate.isOrphan === current.isOrphan ? candidate.startUs < current.startUs : !candidate.isOrphan
}
