import type { Cause, VerdictSpan } from './verdict-span.ts'
import type { Verdict } from './verdict.ts'

/** What is compared of a trace with others of the same operation: small, so that thousands can be kept. */
export interface TraceProfile {
  readonly durationUs: number
  /** Time by cause, service and peer; sums to `durationUs`. */
  readonly parts: ReadonlyMap<string, ProfilePart>
  /** Who asked whom for what, and how often. */
  readonly edges: ReadonlyMap<string, ProfileEdge>
}

interface ProfilePart {
  readonly cause: Cause
  readonly service: string
  readonly peer: string | undefined
  readonly us: number
}

interface ProfileEdge {
  readonly service: string
  readonly name: string
  readonly count: number
  readonly failed: number
}

/** Operations of one trace: a sender that puts ids into names must not fill the memory. */
const EDGES_MAX = 500

export function traceProfile<Span extends VerdictSpan>(spans: readonly Span[], { durationUs, findings }: Verdict<Span>): TraceProfile {
  const parts = new Map<string, { -readonly [Key in keyof ProfilePart]: ProfilePart[Key] }>()
  for (const { cause, service, peer, us } of findings) {
    const key = [cause, service, peer].join('\n')
    const part = parts.get(key)
    if (part === undefined) parts.set(key, { cause, service, peer, us })
    else part.us += us
  }
  return { durationUs, parts, edges: edgesOf(spans) }
}

function edgesOf<Span extends VerdictSpan>(spans: readonly Span[]): ReadonlyMap<string, ProfileEdge> {
  const edges = new Map<string, { -readonly [Key in keyof ProfileEdge]: ProfileEdge[Key] }>()
  const kinds = new Map(spans.map(({ spanId, kind }) => [spanId, kind]))
  for (const { kind, service, name, error, parentSpanId } of spans) {
    if (kind === 'internal' || kind === 'unspecified') continue
    // The call says the same already.
    if (kind === 'server' && (parentSpanId === undefined || kinds.get(parentSpanId) === 'client')) continue
    const key = `${service}\n${kind}\n${name}`
    const edge = edges.get(key)
    if (edge !== undefined) {
      edge.count++
      edge.failed += Number(error !== undefined)
    } else if (edges.size < EDGES_MAX) edges.set(key, { service, name, count: 1, failed: Number(error !== undefined) })
  }
  return edges
}
